"""Fills on their way into the ledger, and the valuation of their fees."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.outcomes import Fill
from engine.ledger.seam import Ledger
from engine.ledger.wire import exact, moment
from engine.runtime.log import get_logger

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BookableFill:
    """A fill with what the ledger needs beside it.

    `fee_rate` is quote per unit of a third asset's fee (None: not needed, or not known: booked unvalued),
    `source` says who saw it: "answer", "stream", "poll", "cancel" … An inferred fill is named by the filled
    quantity that the exchange reported; what of it is not booked, and at which price the order's
    `average_price` comes out, is decided in the ledger.
    """

    account_id: UUID
    fill: Fill
    source: str
    fee_rate: Decimal | None = None
    rate_source: str | None = None
    inferred: bool = False
    average_price: Decimal | None = None

    def item(self) -> dict[str, Any]:
        """Return the array item of fn_apply_fill. Raises INVALID_NUMBER for excess scale."""
        fill = self.fill
        return {
            "account_id": self.account_id,
            "symbol": fill.symbol,
            "exchange_order_id": fill.exchange_order_id,
            "exchange_trade_id": fill.exchange_trade_id,
            "client_order_id": fill.client_order_id,
            "side": fill.side,
            "price": exact(fill.price, "price"),
            "quantity": exact(fill.quantity, "quantity"),
            "fee_quantity": exact(fill.fee_quantity, "fee_quantity"),
            "fee_asset": fill.fee_asset,
            "fee_rate": exact(self.fee_rate, "fee_rate"),
            "rate_source": self.rate_source,
            "maker": fill.maker,
            "exchange_time": moment(fill.exchange_time),
            "source": self.source,
            "inferred": self.inferred,
            **({"average_price": exact(self.average_price, "average_price")} if self.inferred else {}),
        }


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a fill: code OK, DUPLICATE (known before) or PARKED (no such order yet).

    `kept`: what is booked of a trade of which the exchange now says something else; None: it says the same.
    """

    code: str
    event_id: int | None
    order_status: str | None
    halted: bool
    kept: Mapping[str, Any] | None = None


async def apply_fill(
    ledger: Ledger, tenant_id: UUID, fill: BookableFill, *, deadline: float | None = None
) -> Applied:
    """Book one fill, once, however often it is seen."""
    result = await ledger.item("fn_apply_fill", tenant_id, fill.item(), deadline=deadline)
    code = str(result["code"])
    if code not in {"OK", "DUPLICATE", "PARKED"}:
        raise HoldfastError(ErrorCode(code), **_details(result))
    ledger.metrics.fills_total.labels(fill.source, code).inc()
    if result.get("false_absence"):
        ledger.metrics.false_absence_total.inc()
    applied = Applied(
        code,
        result.get("event_id"),
        result.get("order_status"),
        bool(result.get("halted", False)),
        result.get("kept"),
    )
    if applied.kept is not None:
        ledger.metrics.fill_conflicts_total.inc()
        _log.warning("the exchange changed its word on a trade", told=fill.item(), kept=applied.kept)
    return applied


async def drain_unmatched(
    ledger: Ledger, tenant_id: UUID, account_id: UUID, *, deadline: float | None = None
) -> int:
    """Book the parked fills of orders that are known by now; returns how many there were of these."""
    answer = await ledger.call("fn_drain_unmatched", tenant_id, account_id, deadline=deadline)
    return int(answer["known"])


async def value_fee(
    ledger: Ledger, tenant_id: UUID, fill: BookableFill, *, deadline: float | None = None
) -> str:
    """Value a third asset's fee that was booked unvalued, at the fill's `fee_rate`; returns the code."""
    item = {
        name: value
        for name, value in fill.item().items()
        if name
        in {"account_id", "symbol", "exchange_order_id", "exchange_trade_id", "fee_rate", "rate_source"}
    }
    return str((await ledger.item("fn_value_fee", tenant_id, item, deadline=deadline))["code"])


def _details(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "code"}
