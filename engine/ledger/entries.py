"""The lifecycle of entries as SQL functions: open, persist, reject."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.ledger.fills import BookableFill
from engine.ledger.intents import Ended, Ending, OpenResult, Persisted, ended, open_result, persisted
from engine.ledger.seam import Ledger
from engine.ledger.wire import exact, moment


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """What opens an entry. `limit_price` is what will be sent: for a market entry the worst price.

    What limits of the moment are judged by is handed in: the ask as reference with its age, and how far the
    exchange's clock is from ours; None is not known. `spec_version`: the spec that a market entry's price was
    made by; if it is no longer the profile's the answer is STALE_PRICE.
    """

    robot_id: UUID
    profile_id: UUID
    idempotency_key: str
    request_hash: str
    intent_id: UUID
    client_order_id: str
    symbol: str
    type: str
    quantity: Decimal
    limit_price: Decimal
    time_in_force: str
    post_only: bool
    label: str | None
    owner: UUID
    lock_ttl_ms: int
    exchange_deadline: datetime
    price_at: datetime | None = None
    reference_price: Decimal | None = None
    reference_age_ms: int | None = None
    clock_skew_ms: int | None = None
    spec_version: int | None = None

    def item(self) -> dict[str, Any]:
        """Return the array item of fn_open_entry. Raises INVALID_NUMBER for excess scale."""
        return {
            "robot_id": self.robot_id,
            "profile_id": self.profile_id,
            "idempotency_key": self.idempotency_key,
            "request_hash": self.request_hash,
            "intent_id": self.intent_id,
            "client_order_id": self.client_order_id,
            "symbol": self.symbol,
            "type": self.type,
            "quantity": exact(self.quantity, "quantity"),
            "limit_price": exact(self.limit_price, "limit_price"),
            "time_in_force": self.time_in_force,
            "post_only": self.post_only,
            "label": self.label,
            "owner": self.owner,
            "lock_ttl_ms": self.lock_ttl_ms,
            "exchange_deadline": moment(self.exchange_deadline),
            "price_at": moment(self.price_at),
            "reference_price": exact(self.reference_price, "reference_price"),
            "reference_age_ms": self.reference_age_ms,
            "clock_skew_ms": self.clock_skew_ms,
            "spec_version": self.spec_version,
        }


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the exchange said of an intent's order; from a submit's answer, a report or a proof."""

    intent_id: UUID
    exchange_order_id: str
    status: str | None
    filled_quantity: Decimal | None
    exchange_time: datetime | None
    fills: Sequence[BookableFill] = ()
    evidence: Mapping[str, Any] | None = None

    def item(self) -> dict[str, Any]:
        """Return the array item of the two persist functions. Raises INVALID_NUMBER for excess scale."""
        return {
            "intent_id": self.intent_id,
            "exchange_order_id": self.exchange_order_id,
            "status": self.status,
            "filled_quantity": exact(self.filled_quantity, "filled_quantity"),
            "exchange_time": moment(self.exchange_time),
            "fills": [fill.item() for fill in self.fills],
            "evidence": self.evidence,
        }


async def open_entry(
    ledger: Ledger, tenant_id: UUID, entry: OpenEntry, *, deadline: float | None = None
) -> OpenResult:
    """Claim the key, check, lock, reserve and write the intent in one transaction."""
    result = await ledger.item("fn_open_entry", tenant_id, entry.item(), deadline=deadline)
    return open_result(result, entry.quantity)


async def persist_entry(
    ledger: Ledger, tenant_id: UUID, confirmation: Confirmation, *, deadline: float | None = None
) -> Persisted:
    """Record the order that the exchange confirmed; idempotent, and accepted from anyone."""
    return persisted(
        await ledger.item("fn_persist_entry_lifecycle", tenant_id, confirmation.item(), deadline=deadline)
    )


async def reject_entry(
    ledger: Ledger, tenant_id: UUID, ending: Ending, *, deadline: float | None = None
) -> Ended:
    """Record the exchange's definitive refusal; releases everything."""
    return ended(await ledger.item("fn_reject_entry", tenant_id, ending.item(), deadline=deadline))
