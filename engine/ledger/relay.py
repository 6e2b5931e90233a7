"""Typed calls for relay and dead letters: claims, the broker's confirms and refusals, an operator's word."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.ledger.seam import Ledger

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DueRelay:
    """A tenant with `lag` events that the broker has not confirmed; 0 if only a dead letter is to go."""

    tenant_id: UUID
    lag: int
    claimable: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to publish a tenant's events for some time, and from where on."""

    token: int
    published_seq: int
    failures: int
    retries: list[Json]


async def due_relays(ledger: Ledger, owner: UUID) -> list[DueRelay]:
    """Return the tenants with something to publish."""
    return [DueRelay(**row) for row in await ledger.rows("fn_due_relays", owner)]


async def claim(ledger: Ledger, tenant_id: UUID, owner: UUID, ttl_ms: int) -> Claim | None:
    """Claim a tenant's publication, or return None if another process holds it."""
    result = await ledger.call("fn_claim_relay", tenant_id, owner, ttl_ms)
    if result.pop("code") != "OK":
        return None
    return Claim(**result)


async def advance(
    ledger: Ledger, tenant_id: UUID, token: int, published_seq: int, ttl_ms: int | None
) -> bool:
    """Record what the broker confirmed; `ttl_ms` None gives the claim up. False: the claim is another's."""
    result = await ledger.call("fn_advance_relay", tenant_id, token, published_seq, ttl_ms)
    return bool(result["code"] == "OK")


async def fail(
    ledger: Ledger,
    tenant_id: UUID,
    token: int,
    event: Mapping[str, Any],
    *,
    code: str,
    trace: str,
    failures_max: int,
) -> Json:
    """Count a refusal of the next event; `dead` tells whether it was the last one."""
    result: Json = await ledger.call(
        "fn_fail_relay", tenant_id, token, dict(event), code, trace, failures_max
    )
    return result


async def settle_retry(
    ledger: Ledger, tenant_id: UUID, token: int, dead_letter_id: UUID, *, code: str | None, trace: str | None
) -> Json:
    """Record what came of publishing a dead letter once more; `code` None: the broker confirmed it."""
    result: Json = await ledger.call("fn_settle_relay_retry", tenant_id, token, dead_letter_id, code, trace)
    return result


async def open_dead_letters(ledger: Ledger) -> dict[str, int]:
    """Return how many dead letters wait for an operator, by direction, over all tenants."""
    counts = {"in": 0, "out": 0}
    for row in await ledger.rows("fn_due_dead_letters"):
        counts[row["direction"]] += row["letters"]
    return counts


async def list_dead_letters(ledger: Ledger, tenant_id: UUID, filters: Mapping[str, Any]) -> list[Json]:
    """Return dead letters, oldest first; filters: id, state, direction, limit."""
    views: list[Json] = await ledger.call("fn_list_dead_letters", tenant_id, dict(filters))
    return views


async def retry_dead_letter(ledger: Ledger, tenant_id: UUID, dead_letter_id: UUID, actor: str) -> Json:
    """Give a dead letter one more attempt."""
    result: Json = await ledger.call("fn_retry_dead_letter", tenant_id, dead_letter_id, actor)
    return result


async def drop_dead_letter(
    ledger: Ledger, tenant_id: UUID, dead_letter_id: UUID, actor: str, reason: str
) -> Json:
    """End a dead letter: nothing is tried any more."""
    result: Json = await ledger.call("fn_drop_dead_letter", tenant_id, dead_letter_id, actor, reason)
    return result
