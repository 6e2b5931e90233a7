"""What the SDK raises; what became of an order is never raised but returned (`engine/client/results.py`).

RobotError
├── AnswerError      Holdfast answered with an error: `code` says which
├── NoAnswerError    nothing came, or nothing that can be understood
├── UnsettledError   a request of this kind has no answer yet: a new key for it could mean two orders
├── KeyReusedError   the journal has this key with another order
├── JournalError     a key could not be made durable: nothing was sent
└── NumberError      a number that is none, or a float
"""

from collections.abc import Mapping
from typing import Any


class RobotError(Exception):
    """The root of all of them."""


class AnswerError(RobotError):
    """An error answer; `details` holds the numbers that led to it, as Holdfast sent them."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(body.get("code", "INTERNAL"))
        self.retryable = bool(body.get("retryable", False))
        self.request_id = str(body.get("request_id", ""))
        self.details = dict(body)
        super().__init__(f"{self.code}: {body.get('detail', '')}")


class NoAnswerError(RobotError):
    """No answer that counts. `sent` False: not a byte of the request left this machine."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(reason)


class UnsettledError(RobotError):
    """An earlier request of this profile, symbol and kind has no final answer; `key` names it."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"the outcome of {key!r} is not known yet: settle it, or give another order a key of your own"
        )


class KeyReusedError(RobotError):
    """A key names one order for ever."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"the key {key!r} was used before for another order")


class JournalError(RobotError):
    """The journal cannot be written or read."""


class NumberError(RobotError, ValueError):
    """A number of the wrong form."""
