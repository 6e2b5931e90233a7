"""Capital moved by operators: allocate, withdraw, adjust, settle, modes; each call names actor and reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.ledger.seam import Ledger


@dataclass(frozen=True, slots=True)
class By:
    """Who does it and why; `key` makes a repetition find the first event instead of a second."""

    actor: str
    reason: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A ledger event by an operator: `amount` (quote) from one ledger account to another.

    A position is named by `symbol`, with the base `quantity` that moves with it.
    """

    debit_account: str
    credit_account: str
    amount: Decimal
    symbol: str | None = None
    quantity: Decimal | None = None


async def allocate(
    ledger: Ledger, tenant_id: UUID, profile_id: UUID, amount: Decimal, by: By
) -> Mapping[str, Any]:
    """Give a profile capital of its account's unassigned quote; `code` OK or ACCOUNT_CAPITAL_EXCEEDED."""
    return await _object(ledger, "fn_allocate", tenant_id, profile_id, amount, by.key, by.actor, by.reason)


async def withdraw(
    ledger: Ledger, tenant_id: UUID, profile_id: UUID, amount: Decimal, by: By
) -> Mapping[str, Any]:
    """Take capital back; `code` OK or INSUFFICIENT_CAPITAL."""
    return await _object(ledger, "fn_withdraw", tenant_id, profile_id, amount, by.key, by.actor, by.reason)


async def adjust(
    ledger: Ledger, tenant_id: UUID, profile_id: UUID, adjustment: Adjustment, by: By
) -> Mapping[str, Any]:
    """Correct a profile's ledger by a new event."""
    return await _object(
        ledger,
        "fn_adjust",
        tenant_id,
        profile_id,
        adjustment.debit_account,
        adjustment.credit_account,
        adjustment.amount,
        adjustment.symbol,
        adjustment.quantity,
        by.key,
        by.actor,
        by.reason,
    )


async def adjust_unassigned(
    ledger: Ledger, tenant_id: UUID, account_id: UUID, delta: Mapping[str, Decimal], cause: str, *, by: By
) -> Any:
    """Explain a change of one asset's unassigned holding ({asset: delta}); cause as in the ledger's list."""
    ((asset, quantity),) = delta.items()
    return await ledger.call(
        "fn_adjust_unassigned", tenant_id, account_id, asset, quantity, cause, by.key, by.actor, by.reason
    )


async def settle(
    ledger: Ledger,
    tenant_id: UUID,
    intent_id: UUID,
    outcome: str,
    exchange_order_id: str | None,
    *,
    by: By,
) -> Mapping[str, Any]:
    """End an intent in doubt by an operator's word: outcome "placed" or "not_placed"."""
    return await _object(
        ledger, "fn_settle", tenant_id, intent_id, outcome, exchange_order_id, by.key, by.actor, by.reason
    )


async def set_mode(ledger: Ledger, tenant_id: UUID, level: str, id_: UUID, mode: str, *, by: By) -> Any:
    """Set the mode of a "tenant", "account" or "profile". Raises INVARIANT_BROKEN for a refused resume."""
    return await ledger.call("fn_set_mode", tenant_id, level, id_, mode, by.actor, by.reason)


async def _object(ledger: Ledger, function: str, *args: Any) -> Mapping[str, Any]:
    result: Mapping[str, Any] = await ledger.call(function, *args)
    return result
