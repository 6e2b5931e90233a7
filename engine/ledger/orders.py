"""Confirmed orders: a cancel that was asked for, and the end that the exchange reported."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.requests import Claim
from engine.ledger.seam import Ledger
from engine.ledger.wire import exact, moment, number


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The cancel is recorded. `send`: the order is confirmed and open, so it goes out now."""

    state: str
    send: bool
    final: bool
    account_id: UUID
    symbol: str
    exchange_order_id: str | None
    client_order_id: str
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """An order's terminal status; named by the exchange's ids, or by the intent."""

    status: str
    filled_quantity: Decimal | None
    exchange_time: datetime | None
    intent_id: UUID | None = None
    account_id: UUID | None = None
    symbol: str | None = None
    exchange_order_id: str | None = None
    evidence: Mapping[str, Any] | None = None

    def item(self) -> dict[str, Any]:
        """Return the array item of fn_finish_order. Raises INVALID_NUMBER for excess scale."""
        named = (
            {
                "account_id": self.account_id,
                "symbol": self.symbol,
                "exchange_order_id": self.exchange_order_id,
            }
            if self.intent_id is None
            else {"intent_id": self.intent_id}
        )
        return {
            **named,
            "status": self.status,
            "filled_quantity": exact(self.filled_quantity, "filled_quantity"),
            "exchange_time": moment(self.exchange_time),
            "evidence": self.evidence,
        }


@dataclass(frozen=True, slots=True)
class Finished:
    """`code` OK or NOT_FOUND; `fills_missing`: it stays open, unconfirmed, until that much is booked."""

    code: str
    order_status: str | None
    fills_missing: Decimal | None


async def request_cancel(
    ledger: Ledger,
    tenant_id: UUID,
    intent_id: UUID,
    actor: str,
    *,
    claim: Claim | None = None,
    deadline: float | None = None,
) -> CancelRequested:
    """Record the wish to cancel, once. Raises NOT_FOUND; IDEMPOTENCY_KEY_REUSED for another call's key."""
    item = {"intent_id": intent_id, "actor": actor} | (claim.item() if claim is not None else {})
    result = await ledger.item("fn_request_cancel", tenant_id, item, deadline=deadline)
    if result["code"] != "OK":
        raise HoldfastError(ErrorCode(result["code"]), intent_id=str(intent_id))
    return cancel_requested(result)


def cancel_requested(result: Mapping[str, Any]) -> CancelRequested:
    """Return what fn_request_cancel says of one order."""
    return CancelRequested(
        str(result["state"]),
        bool(result.get("send", False)),
        bool(result.get("final", False)),
        UUID(result["account_id"]),
        str(result["symbol"]),
        result.get("exchange_order_id"),
        str(result["client_order_id"]),
        bool(result.get("replay", False)),
    )


async def finish_order(
    ledger: Ledger, tenant_id: UUID, finish: Finish, *, deadline: float | None = None
) -> Finished:
    """Record that the exchange ended an order; it waits for fills that are still missing."""
    result = await ledger.item("fn_finish_order", tenant_id, finish.item(), deadline=deadline)
    code = str(result["code"])
    if code not in {"OK", "NOT_FOUND"}:
        raise HoldfastError(ErrorCode(code), **{k: v for k, v in result.items() if k != "code"})
    return Finished(code, result.get("order_status"), number(result.get("fills_missing")))
