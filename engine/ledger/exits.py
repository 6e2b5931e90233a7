"""The lifecycle of exits as SQL functions: open, persist, reject."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.ledger.entries import Confirmation
from engine.ledger.intents import Ended, Ending, OpenResult, Persisted, ended, open_result, persisted
from engine.ledger.seam import Ledger
from engine.ledger.wire import exact, moment

ALL = "all"


@dataclass(frozen=True, slots=True)
class OpenExit:
    """What opens an exit. `quantity` None sells all that whole lots can; `limit_price` None is market."""

    robot_id: UUID
    profile_id: UUID
    idempotency_key: str
    request_hash: str
    intent_id: UUID
    client_order_id: str
    symbol: str
    type: str
    quantity: Decimal | None
    limit_price: Decimal | None
    time_in_force: str
    post_only: bool
    label: str | None
    owner: UUID
    lock_ttl_ms: int
    exchange_deadline: datetime

    def item(self) -> dict[str, Any]:
        """Return the array item of fn_open_exit. Raises INVALID_NUMBER for excess scale."""
        return {
            "robot_id": self.robot_id,
            "profile_id": self.profile_id,
            "idempotency_key": self.idempotency_key,
            "request_hash": self.request_hash,
            "intent_id": self.intent_id,
            "client_order_id": self.client_order_id,
            "symbol": self.symbol,
            "type": self.type,
            "quantity": ALL if self.quantity is None else exact(self.quantity, "quantity"),
            "limit_price": exact(self.limit_price, "limit_price"),
            "time_in_force": self.time_in_force,
            "post_only": self.post_only,
            "label": self.label,
            "owner": self.owner,
            "lock_ttl_ms": self.lock_ttl_ms,
            "exchange_deadline": moment(self.exchange_deadline),
        }


async def open_exit(
    ledger: Ledger, tenant_id: UUID, exit_: OpenExit, *, deadline: float | None = None
) -> OpenResult:
    """Claim the key, check, reserve the quantity and write the intent in one transaction."""
    result = await ledger.item("fn_open_exit", tenant_id, exit_.item(), deadline=deadline)
    return open_result(result, exit_.quantity)


async def persist_exit(
    ledger: Ledger, tenant_id: UUID, confirmation: Confirmation, *, deadline: float | None = None
) -> Persisted:
    """Record the order that the exchange confirmed; idempotent, and accepted from anyone."""
    return persisted(
        await ledger.item("fn_persist_exit_lifecycle", tenant_id, confirmation.item(), deadline=deadline)
    )


async def reject_exit(
    ledger: Ledger, tenant_id: UUID, ending: Ending, *, deadline: float | None = None
) -> Ended:
    """Record the exchange's definitive refusal; gives the quantity back to the position."""
    return ended(await ledger.item("fn_reject_exit", tenant_id, ending.item(), deadline=deadline))
