"""What the relay's SQL tests do: claim, fail until an event is dead, and look at the rows."""

from typing import Any
from uuid import UUID, uuid4

from tests.sql.capital.world import World

A, B = uuid4(), uuid4()
TTL_MS = 10_000
FAILURES_MAX = 3


async def numbered(world: World) -> int:
    """Number all facts of both tenants; the first one's last seq."""
    await world.call("fn_sequence_feed", world.other.id, 10_000)
    done = await world.call("fn_sequence_feed", world.one.id, 10_000)
    return int(done["last_seq"])


async def claimed(world: World, owner: UUID = A) -> int:
    """Claim the first tenant's publication; the token."""
    result = await world.call("fn_claim_relay", world.one.id, owner, TTL_MS)
    assert "OK" == result["code"]
    return int(result["token"])


def event(seq: int, **more: Any) -> dict[str, Any]:
    return {"epoch": 1, "seq": seq, "type": "capital.allocated", **more}


async def failed(world: World, token: int, seq: int, failures_max: int = FAILURES_MAX) -> Any:
    return await world.call(
        "fn_fail_relay", world.one.id, token, event(seq), "BROKER_NACK", "the trace", failures_max
    )


async def dead(world: World, token: int, seq: int = 1) -> str:
    """Let an event fail until it is a dead letter; its id."""
    result: dict[str, Any] = {"dead": False}
    while not result["dead"]:
        result = await failed(world, token, seq)
    return str(result["dead_letter_id"])


async def due(world: World, owner: UUID = A) -> dict[Any, tuple[int, bool]]:
    rows = await world.conn.fetch("SELECT * FROM engine.fn_due_relays($1)", owner)
    return {row["tenant_id"]: (row["lag"], row["claimable"]) for row in rows}


async def letters(world: World, **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await world.call("fn_list_dead_letters", world.one.id, filters)
    return found
