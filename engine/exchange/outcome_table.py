"""What an exchange's answer proves, by exchange, HTTP status and raw code: an allow-list, never a guess.

ccxt's exception classes are not used: they differ by URL, and the same class stands for refused and unknown.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What an answer proves of the order that was asked for."""

    REFUSED = "refused"  # definitive: no order of this request exists or ever will
    DUPLICATE = "duplicate"  # an order with this client order id exists: look it up
    NOT_FOUND = "not_found"  # the exchange knows no such order, open or done
    NOT_OPEN = "not_open"  # there is nothing to cancel, which says nothing about a done order
    UNKNOWN = "unknown"  # everything else


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict with the exchange's own code and words."""

    verdict: Verdict
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the table; `code` None matches any code, `contains` None any message."""

    verdict: Verdict
    code: str | None
    statuses: range | tuple[int, ...] = range(400, 500)
    contains: str | None = None

    def matches(self, status: int, code: str, message: str) -> bool:
        """Tell whether this line of the table is about that answer."""
        return (
            status in self.statuses
            and (self.code is None or self.code == code)
            and (self.contains is None or self.contains in message)
        )


def judge(exchange: str, status: int | None, body: str | None) -> Answer:
    """Return what an answer proves; UNKNOWN for whatever the table does not name."""
    if status is None or body is None:
        return Answer(Verdict.UNKNOWN, "", "no answer")
    code, message = raw_code(exchange, body)
    for rule in RULES.get(exchange, ()):
        if rule.matches(status, code, message):
            return Answer(rule.verdict, code or str(status), message)
    return Answer(Verdict.UNKNOWN, code or str(status), message)


def raw_code(exchange: str, body: str) -> tuple[str, str]:
    """Return the exchange's own code and message out of an answer's body; empty where there is none."""
    try:
        data = json.loads(body)
    except ValueError:
        return "", body[:200]
    reader = _READERS.get(exchange)
    if reader is None or not isinstance(data, dict):
        return "", ""
    code, message = reader(data)
    return ("" if code is None else str(code)), ("" if message is None else str(message))


_OK = (200,)  # exchanges that answer a refusal with HTTP 200


def _refused(*codes: str, statuses: range | tuple[int, ...] = range(400, 500)) -> tuple[Rule, ...]:
    return tuple(Rule(Verdict.REFUSED, code, statuses) for code in codes)


def _messages(code: str, *texts: str) -> tuple[Rule, ...]:
    return tuple(Rule(Verdict.REFUSED, code, contains=text) for text in texts)


# -1006, -1007, -1000, -1001 and -1016 are not here: their status is unknown, whatever the HTTP status is.
_BINANCE = (
    Rule(Verdict.DUPLICATE, "-2010", contains="Duplicate order sent"),
    Rule(Verdict.DUPLICATE, "-4116"),
    Rule(Verdict.NOT_FOUND, "-2013"),
    Rule(Verdict.NOT_OPEN, "-2011", contains="Unknown order sent"),
    Rule(Verdict.REFUSED, None, (418, 429)),  # the limiter stands before the matching engine
    *_messages(
        "-2010",
        "insufficient balance",
        "would immediately match",
        "would immediately trigger",
        "Market is closed",
        "not supported for this symbol",
        "not permitted",
        "not enabled",
        "disabled on this account",
        "Price * QTY is zero or less",
        "IcebergQty",
    ),
    *_refused("-1002", "-1003", "-1013", "-1014", "-1015", "-1020", "-1021", "-1022"),
    *_refused(*(str(-code) for code in range(1100, 1122))),
    *_refused("-1128", "-1130", "-1131", "-1134", "-1135", "-2014", "-2015"),
)

RULES: Mapping[str, tuple[Rule, ...]] = {
    "binance": _BINANCE,
    "bybit": (
        Rule(Verdict.DUPLICATE, "110072", _OK),
        Rule(Verdict.DUPLICATE, "170141", _OK),
        Rule(Verdict.NOT_OPEN, "170213", _OK),
        *_refused("170131", "10003", "10004", statuses=_OK),
    ),
    "okx": (
        Rule(Verdict.DUPLICATE, "51016", _OK),
        Rule(Verdict.NOT_OPEN, "51603", _OK),
        *_refused("51008", "51020", statuses=_OK),
    ),
    "kucoin": (
        Rule(Verdict.DUPLICATE, "126044", range(200, 500)),
        *_refused("200004", statuses=range(200, 500)),
    ),
    "kraken": _refused("EOrder:Insufficient funds", "EAPI:Invalid key", "EAPI:Invalid nonce", statuses=_OK),
    "coinbase": _refused("INSUFFICIENT_FUND", statuses=_OK),
    "gate": (Rule(Verdict.NOT_OPEN, "ORDER_NOT_FOUND"), *_refused("BALANCE_NOT_ENOUGH", "INVALID_KEY")),
}


def _okx(data: dict[str, Any]) -> tuple[Any, Any]:
    rows = data.get("data")
    first = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    if first.get("sCode") not in (None, "0"):
        return first.get("sCode"), first.get("sMsg")
    return data.get("code"), data.get("msg")


def _kraken(data: dict[str, Any]) -> tuple[Any, Any]:
    errors = data.get("error")
    first = errors[0] if isinstance(errors, list) and errors else None
    return first, first


def _coinbase(data: dict[str, Any]) -> tuple[Any, Any]:
    nested = data.get("error_response")
    source = nested if isinstance(nested, dict) else data
    return source.get("error"), source.get("message")


_READERS: Mapping[str, Callable[[dict[str, Any]], tuple[Any, Any]]] = {
    "binance": lambda data: (data.get("code"), data.get("msg")),
    "bybit": lambda data: (data.get("retCode"), data.get("retMsg")),
    "okx": _okx,
    "kucoin": lambda data: (data.get("code"), data.get("msg")),
    "kraken": _kraken,
    "coinbase": _coinbase,
    "gate": lambda data: (data.get("label"), data.get("message")),
}
