"""fn_change_spec: a robot's call gives a profile the next version of its spec, once per key."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.sql.capital.world import World, call

FUNCTION = "fn_change_spec"
RULES = {"max_order_notional": "100"}


def args(world: World, key: str | None = "k", *, tags: list[str] | None = None, **changes: Any) -> list[Any]:
    """What the function takes; the profile's first version has the hash `hash`."""
    one = world.one
    given: dict[str, Any] = {
        "tenant": one.id,
        "robot": one.robot,
        "key": key,
        "hash": "h1",
        "profile": one.profile,
        "tags": ["1-hash"] if tags is None else tags,
        "spec": RULES,
        "spec_hash": "new",
        "actor": "robot:test",
    }
    return list((given | changes).values())


async def change(world: World, *given: Any, **changes: Any) -> Any:
    parts = args(world, *given, **changes)
    return await put(world.conn, parts)


async def put(conn: Any, parts: list[Any]) -> Any:
    """Call it; a tuple crosses as an array of texts, a list would cross as JSON."""
    return await call(conn, FUNCTION, *parts[:5], tuple(parts[5]), *parts[6:])


async def test_the_next_version_is_kept_under_its_key(world: World) -> None:
    """The answer shows the version; the key again gives the same answer, changes nothing and says so."""
    first = await change(world)
    assert (2, "new", RULES, True, False) == (
        first["version"],
        first["revision"],
        first["spec"],
        first["current"],
        first["replay"],
    )
    again = await world.leaves_nothing(lambda: change(world))
    assert first | {"replay": True} == again


async def test_the_read_version_must_be_the_current_one(world: World) -> None:
    """Another tag is refused with the current one, any tag of a list will do, and * overwrites."""
    parts = args(world, tags=["7-hash"])

    async def stale() -> None:
        detail = await refused(world, "HF417", parts)
        assert {"current_version": 1, "current_etag": '"1-hash"'} == detail
        await refused(world, "HF417", args(world, tags=[]))

    await world.leaves_nothing(stale)
    assert 2 == (await change(world, tags=["7-hash", "1-hash"]))["version"]
    assert 3 == (await change(world, "k2", tags=["*"]))["version"]


async def refused(world: World, sqlstate: str, parts: list[Any]) -> dict[str, Any]:
    return await world.refused(sqlstate, FUNCTION, *parts[:5], tuple(parts[5]), *parts[6:])


async def test_refusals_leave_the_key_free(world: World) -> None:
    """No key, a key of another request, a bad spec, foreign things and claims: nothing is written."""
    other = world.other

    async def all_refused() -> None:
        await refused(world, "HF413", args(world, None))
        await refused(world, "HF422", args(world, spec={"x": 1}))
        await refused(world, "HF404", args(world, profile=uuid4()))
        await refused(world, "HF404", args(world, profile=other.profile))
        parts = args(world)
        await world.refused_to_foreign_claim(FUNCTION, *parts[1:5], tuple(parts[5]), *parts[6:])

    await world.leaves_nothing(all_refused)
    await change(world)
    await world.leaves_nothing(lambda: refused(world, "HF414", args(world, hash="h2")))


async def test_a_key_is_claimed_once_by_many(world: World) -> None:
    """Eight calls of one key at once: one version, one answer, seven replays."""
    conns = [await world.database.connect() for _ in range(8)]
    answers = await asyncio.gather(*(put(conn, args(world)) for conn in conns))
    assert [False] + [True] * 7 == sorted(answer.pop("replay") for answer in answers)
    assert [answers[0]] * 8 == answers
    assert 2 == answers[0]["version"]


async def test_keys_live_for_a_day_at_least(world: World) -> None:
    """A key of 23 hours is still known; one that is older than a day goes when a later one comes."""
    await change(world)
    await world.database.advance_clock(23 * 3600)
    assert (await change(world))["replay"]
    await world.database.advance_clock(2 * 3600)
    await change(world, "k2", tags=["*"])
    keys = await world.admin.fetch("SELECT key FROM engine.request_keys WHERE tenant_id = $1", world.one.id)
    assert ["k2"] == [row["key"] for row in keys]
