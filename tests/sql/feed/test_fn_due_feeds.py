"""fn_due_feeds: who waits, for how long, and where watched feeds stand; ids, counts and times only."""

from typing import Any

from tests.sql.capital.world import World


async def due(world: World, *watched: Any) -> dict[Any, dict[str, Any]]:
    rows = await world.conn.fetch("SELECT * FROM engine.fn_due_feeds($1)", list(watched))
    return {row["tenant_id"]: dict(row) for row in rows}


async def test_lists_tenants_whose_facts_wait(world: World) -> None:
    """Both tenants wait at first; the one that was numbered is listed no more, unless it is watched."""
    assert {world.one.id, world.other.id} == set(await due(world))
    done = await world.call("fn_sequence_feed", world.one.id, 10_000)
    assert {world.other.id} == set(await due(world))
    row = (await due(world, world.one.id))[world.one.id]
    assert (1, done["last_seq"], 0, 0.0) == (
        row["epoch"], row["last_seq"], row["waiting"], row["waiting_s"],
    )  # fmt: skip


async def test_tells_how_many_wait_and_how_long(world: World) -> None:
    """The count is of the facts, the time since the oldest one was recorded, by the database's clock."""
    before = (await due(world))[world.one.id]
    await world.database.advance_clock(60)
    await world.allocate("1000")
    after = (await due(world))[world.one.id]
    assert before["waiting"] + 1 == after["waiting"]
    assert 60 <= after["waiting_s"] - before["waiting_s"] < 90


async def test_count_is_bounded(world: World) -> None:
    """Of very many it tells a thousand: the look must stay cheap when the sequencer is behind."""
    await world.admin.execute(
        "INSERT INTO engine.facts (tenant_id, event_id, recorded_at, type, payload)"
        " SELECT $1, nextval('engine.event_ids'), now(), 'test.fact', '{}' FROM generate_series(1, 1500)",
        world.one.id,
    )
    assert 1_000 == (await due(world))[world.one.id]["waiting"]
