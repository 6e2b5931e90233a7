"""What became of an order that was asked for: placed, not placed, or not known yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.client.values import Order

# Codes of the SDK's own, beside those of docs/errors.md: no answer of Holdfast stands behind them.
UNREACHABLE = "UNREACHABLE"  # no connection was made: nothing was sent
NO_ANSWER = "NO_ANSWER"  # it may have arrived
TOO_OLD = "TOO_OLD"  # too old to be placed for the first time; unknown only if it may have been sent


@dataclass(frozen=True, slots=True)
class Placed:
    """The exchange has confirmed the order. `recorded` False: the ledger is still taking it in."""

    key: str
    order: Order
    recorded: bool = True
    outcome: Literal["placed"] = "placed"


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """There is no order and, for this request, never will be; `code` says why, `details` holds the numbers.

    `retryable`: the moment refused it, not the order; ask once more, with the same key unless the code is
    NOT_PLACED.
    """

    key: str
    code: str
    message: str
    retryable: bool = False
    order: Order | None = None
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    outcome: Literal["not_placed"] = "not_placed"


@dataclass(frozen=True, slots=True)
class Unknown:
    """There may be an order. Its capital stays reserved; `settle(key)` goes on asking, under the same key.

    `order` is what Holdfast has recorded of it, None if it never answered. From `resolve_by` on absence can
    be proven; it is no promise that it will be by then.
    """

    key: str
    code: str
    message: str
    order: Order | None = None
    resolve_by: str | None = None
    outcome: Literal["unknown"] = "unknown"


Result = Placed | NotPlaced | Unknown


@dataclass(frozen=True, slots=True)
class Cancel:
    """What became of a cancel. `ended`: the order can trade no more; `order` is its last known state.

    `cancel`: done | final | recorded | sent | sent_not_recorded | refused | unknown, as docs/api.md tells.
    """

    order_id: str
    ended: bool
    cancel: str
    order: Order | None
