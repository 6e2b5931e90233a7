"""Who may speak for an exchange account: leases, their stages, and the engine's living processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from engine.ledger.seam import Ledger
from engine.ledger.wire import instant


class Stage(StrEnum):
    """How far the holder of a lease has come, in order."""

    TAKEN = "taken"
    READ = "read"
    RESOLVED = "resolved"
    RECONCILED = "reconciled"


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A lease as the database holds it; `live` at the moment of the answer, by the database's clock."""

    account_id: UUID
    holder: UUID | None
    holder_name: str | None
    fencing_token: int
    acquired_at: datetime | None
    expires_at: datetime | None
    live: bool
    stage: Stage
    stage_reason: str | None
    reconciled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Taking:
    """What came of asking for a lease; `row` is the caller's if it was taken, else the holder's."""

    taken: bool
    took_over: bool
    row: LeaseRow


@dataclass(frozen=True, slots=True)
class Living:
    """How many engine processes live, and the hash of sql/ that the database was deployed from."""

    instances: int
    schema_hash: str | None


async def renew_instance(
    ledger: Ledger, instance_id: UUID, name: str, schema_hash: str, ttl_ms: int
) -> Living:
    """Say that this process lives, for `ttl_ms`."""
    row = await ledger.call("fn_renew_instance", instance_id, name, schema_hash, ttl_ms)
    return Living(int(row["live"]), row["schema_hash"])


async def end_instance(ledger: Ledger, instance_id: UUID) -> None:
    """Say that this process ends."""
    await ledger.call("fn_end_instance", instance_id)


async def take(ledger: Ledger, tenant_id: UUID, account_id: UUID, holder: UUID, ttl_ms: int) -> Taking:
    """Take an account's lease if it is free or has expired. Raises NOT_FOUND."""
    row = await ledger.call("fn_take_lease", tenant_id, account_id, holder, ttl_ms)
    return Taking(row["code"] == "OK", bool(row["took_over"]), _row(row))


async def renew(
    ledger: Ledger, tenant_id: UUID, account_id: UUID, holder: UUID, token: int, *, ttl_ms: int
) -> bool:
    """Prolong a lease; False if another holds it or it was released."""
    row = await ledger.call("fn_renew_lease", tenant_id, account_id, holder, token, ttl_ms)
    return bool(row["code"] == "OK")


async def release(ledger: Ledger, tenant_id: UUID, account_id: UUID, token: int) -> bool:
    """Free a lease at once; False if the token is not the current one."""
    row = await ledger.call("fn_release_lease", tenant_id, account_id, token)
    return bool(row["code"] == "OK")


async def set_stage(
    ledger: Ledger, tenant_id: UUID, account_id: UUID, token: int, stage: Stage, *, reason: str | None = None
) -> bool:
    """Tell every process how far the holder has come; False if it holds the lease no more."""
    row = await ledger.call("fn_set_lease_stage", tenant_id, account_id, token, stage.value, reason)
    return bool(row["code"] == "OK")


async def list_leases(ledger: Ledger, tenant_id: UUID) -> list[LeaseRow]:
    """Return a tenant's leases, free ones included."""
    return [_row(row) for row in await ledger.call("fn_list_leases", tenant_id)]


def _row(row: Mapping[str, Any]) -> LeaseRow:
    return LeaseRow(
        UUID(row["account_id"]),
        None if row["holder"] is None else UUID(row["holder"]),
        row["holder_name"],
        int(row["fencing_token"]),
        _instant(row["acquired_at"]),
        _instant(row["expires_at"]),
        bool(row["live"]),
        Stage(row["stage"]),
        row["stage_reason"],
        _instant(row["reconciled_at"]),
    )


def _instant(value: str | None) -> datetime | None:
    return None if value is None else instant(value)
