"""What the watchdog asks of the ledger: to check books and halt in one call, and for locks past their TTL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.seam import Ledger
from engine.ledger.translation import Trouble

_WHOLE_TIMEOUT_S = 30.0  # rebuilding 100,000 events takes seconds


@dataclass(frozen=True, slots=True)
class Checked:
    """The books of a profile or an account. `checks`: faults by check; `stopped`: by this very call.

    `checkpoint` is where the next look at a profile may go on from; None if something is wrong.
    """

    checks: Mapping[str, int]
    violations: Sequence[Mapping[str, Any]]
    stopped: bool
    checkpoint: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class DueLock:
    """A lock past its TTL. `kind` is entry, reconciliation or lease; `held_for` names what it locks."""

    tenant_id: UUID
    kind: str
    held_for: str
    overdue_s: float


async def check_profile(
    ledger: Ledger, tenant_id: UUID, profile_id: UUID, actor: str, since: Mapping[str, Any] | None = None
) -> Checked:
    """Check a profile's books; if they are wrong it is halted in the same transaction.

    `since` is the checkpoint of an earlier look: it costs what has happened since. None: the whole journal.
    """
    deadline = ledger.deadline(_WHOLE_TIMEOUT_S) if since is None else None
    found = await ledger.call("fn_check_profile", tenant_id, profile_id, actor, since, deadline=deadline)
    return Checked(found["checks"], found["violations"], found["halted"], found["checkpoint"])


async def check_account(ledger: Ledger, tenant_id: UUID, account_id: UUID, actor: str) -> Checked:
    """Check an account's unassigned holdings; if they are wrong it takes no entries any more."""
    found = await ledger.call("fn_check_account", tenant_id, account_id, actor)
    return Checked({"unassigned": len(found["violations"])}, found["violations"], found["reduced"])


async def schema_hash(ledger: Ledger) -> str | None:
    """Return the hash of the sql/ that the database was deployed from."""
    deployed: str | None = await ledger.call("fn_schema_hash")
    return deployed


async def prove_writable(ledger: Ledger) -> None:
    """Do nothing if the database takes writes. Raises DATABASE_UNAVAILABLE with the trouble it is in."""
    await ledger.call("fn_prove_writable")
    if ledger.disk_full:
        raise HoldfastError(
            ErrorCode.DATABASE_UNAVAILABLE, "The database's disk is full.", trouble=Trouble.DISK_FULL
        )


async def due_locks(ledger: Ledger, limit: int = 100) -> list[DueLock]:
    """Return locks that are held past their TTL, the longest first."""
    return [DueLock(**row) for row in await ledger.rows("fn_due_locks", limit)]
