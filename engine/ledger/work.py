"""Due work over all tenants, ids only; each piece is then processed as its tenant."""

from dataclasses import dataclass
from uuid import UUID

from engine.ledger.seam import Ledger


@dataclass(frozen=True, slots=True)
class DueIntent:
    """An intent past its expiry or in doubt."""

    tenant_id: UUID
    account_id: UUID
    intent_id: UUID
    state: str


@dataclass(frozen=True, slots=True)
class DueOrder:
    """A confirmed open order that waits for something: its cancel, or its next query."""

    tenant_id: UUID
    account_id: UUID
    intent_id: UUID


@dataclass(frozen=True, slots=True)
class DueAccount:
    """An exchange account; there is always something to watch."""

    tenant_id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True)
class DueProfile:
    """A profile, to be checked by the watchdog."""

    tenant_id: UUID
    profile_id: UUID


async def due_intents(ledger: Ledger, limit: int = 500) -> list[DueIntent]:
    """Return intents that are sending past their expiry, or in doubt."""
    return [DueIntent(**row) for row in await ledger.rows("fn_due_intents", limit)]


async def due_cancels(ledger: Ledger, limit: int = 500) -> list[DueOrder]:
    """Return open orders whose cancel is recorded and not done."""
    return [DueOrder(**row) for row in await ledger.rows("fn_due_cancels", limit)]


async def due_accounts(ledger: Ledger) -> list[DueAccount]:
    """Return all exchange accounts."""
    return [DueAccount(**row) for row in await ledger.rows("fn_due_accounts")]


async def due_profiles(ledger: Ledger) -> list[DueProfile]:
    """Return all profiles."""
    return [DueProfile(**row) for row in await ledger.rows("fn_due_profiles")]
