"""The exchange's own timer of an account: whether it shall be armed, and what the exchange answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from engine.ledger.capital import By
from engine.ledger.seam import Ledger
from engine.ledger.wire import instant


class Wants(StrEnum):
    """What the holder of the account's lease has to do about it."""

    RENEW = "renew"
    ARM = "arm"  # it is not known to be armed; a pass since it was turned on found the account in order
    PASS = "pass"  # noqa: S105 - a reconciliation pass, no secret
    DISARM = "disarm"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Look:
    """A timer at one moment: `as_of`, by the database's clock. `tripped`: this very look turned it off."""

    wants: Wants
    timeout_s: int
    enabled: bool
    changed_at: datetime
    armed_until: datetime | None
    off_cause: str | None
    off_sign: Mapping[str, Any] | None
    as_of: datetime
    tripped: bool


async def set_timer(
    ledger: Ledger, tenant_id: UUID, account_id: UUID, timeout_s: int, *, ours_alone: bool, by: By
) -> Any:
    """Turn it on. Raises ACCOUNT_SHARED if the ledger knows of strangers there, BAD_REQUEST, NOT_FOUND."""
    return await ledger.call(
        "fn_set_exchange_timer", tenant_id, account_id, timeout_s, ours_alone, by.actor, by.reason
    )


async def clear_timer(ledger: Ledger, tenant_id: UUID, account_id: UUID, *, by: By) -> Any:
    """Turn it off; None if it was never on."""
    return await ledger.call("fn_clear_exchange_timer", tenant_id, account_id, by.actor, by.reason)


async def look(ledger: Ledger, tenant_id: UUID, account_id: UUID) -> Look | None:
    """Return what it wants now, None if it was never on; a stranger known by now turns it off."""
    row = await ledger.call("fn_look_exchange_timer", tenant_id, account_id)
    if row is None:
        return None
    until = row["armed_until"]
    return Look(
        Wants(row["wants"]),
        row["timeout_s"],
        row["enabled"],
        instant(row["changed_at"]),
        None if until is None else instant(until),
        row["off_cause"],
        row["off_sign"],
        instant(row["as_of"]),
        row["tripped"],
    )


async def tell(
    ledger: Ledger,
    tenant_id: UUID,
    account_id: UUID,
    token: int,
    armed_until: datetime | None,
    *,
    as_of: datetime,
) -> None:
    """Keep what the exchange answered to a call made by the look of `as_of`. Raises STALE_TOKEN."""
    await ledger.call("fn_tell_exchange_timer", tenant_id, account_id, token, armed_until, as_of)


async def trip(ledger: Ledger, tenant_id: UUID, account_id: UUID, sign: Mapping[str, str]) -> bool:
    """Turn it off because of a stranger; whether it was on, and the order is none of ours."""
    answer = await ledger.call("fn_trip_exchange_timer", tenant_id, account_id, dict(sign))
    return bool(answer["tripped"])
