"""Looks at an exchange as the resolver reports them to SQL."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from tests.sql.capital.world import World

GAP_MS = 2000


async def lease(world: World, ttl_ms: int = 60_000) -> int:
    """Take the lease of the first tenant's account; its token."""
    taken = await world.call("fn_take_lease", world.one.id, world.one.account, uuid4(), ttl_ms)
    assert "OK" == taken["code"]
    token: int = taken["fencing_token"]
    return token


async def deadline(world: World, intent: UUID) -> datetime:
    """The moment after which the exchange takes the request of an intent no more."""
    view = await world.call("fn_get_order", world.one.id, intent)
    return datetime.fromisoformat(view["exchange_deadline"])


async def look(world: World, intent: UUID, after_s: float = 20, **changes: Any) -> dict[str, Any]:
    """A complete look that began so long after the exchange's deadline, and shows nothing."""
    began = await deadline(world, intent) + timedelta(seconds=after_s)
    counts_from = await deadline(world, intent) + timedelta(seconds=11)
    return {
        "verdict": "nothing_shown",
        "began_at": began.isoformat(),
        "ended_at": (began + timedelta(milliseconds=100)).isoformat(),
        "counts_from": counts_from.isoformat(),
        "actor": "engine:test",
        "asked": [{"question": "find_order", "answer": None}],
        "read_gap_ms": GAP_MS,
        **changes,
    }


async def verdicts(world: World, intent: UUID) -> list[str]:
    """What was kept of the looks at an intent, in order."""
    rows = await world.admin.fetch(
        "SELECT verdict FROM engine.proofs WHERE intent_id = $1 ORDER BY proof_id", intent
    )
    return [row["verdict"] for row in rows]
