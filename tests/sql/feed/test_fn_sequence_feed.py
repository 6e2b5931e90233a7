"""fn_sequence_feed: numbers without a gap, cause before effect, whoever calls it."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.sql.capital.trading import order_item, round_trip
from tests.sql.capital.world import OPERATOR, World, call

WRITERS, ROUNDS, SEQUENCERS = 8, 12, 3


async def numbered(world: World, tenant: UUID | None = None) -> list[dict[str, Any]]:
    """Facts of the feed by their seq."""
    rows = await world.admin.fetch(
        "SELECT seq, event_id, part, profile_id, intent_id, version, type FROM engine.facts"
        " WHERE tenant_id = $1 AND type IS NOT NULL ORDER BY seq",
        tenant or world.one.id,
    )
    return [dict(row) for row in rows]


async def blocked(world: World, pid: int) -> None:
    """Return when a session waits for a lock."""
    look = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while await world.admin.fetchval(look, pid) == 0:  # noqa: ASYNC110 - another session tells no event
            await asyncio.sleep(0)


async def test_numbers_what_waits_by_event_id(world: World) -> None:
    """All waiting facts get 1 to n in the order of their event ids; a second call finds none."""
    await round_trip(world)
    done = await world.call("fn_sequence_feed", world.one.id, 10_000)
    facts = await numbered(world)
    assert (1, len(facts), len(facts)) == (done["epoch"], done["last_seq"], done["numbered"])
    assert list(range(1, len(facts) + 1)) == [fact["seq"] for fact in facts]
    assert sorted((fact["event_id"], fact["part"]) for fact in facts) == [
        (fact["event_id"], fact["part"]) for fact in facts
    ]
    again = await world.call("fn_sequence_feed", world.one.id, 10_000)
    assert (0, len(facts)) == (again["numbered"], again["last_seq"])


async def test_limit_takes_the_oldest_first(world: World) -> None:
    """With a limit the smallest event ids come first, and the next call goes on behind them."""
    total = len(await numbered(world))
    seen = 0
    while seen < total:
        done = await world.call("fn_sequence_feed", world.one.id, 2)
        seen += done["numbered"]
        assert (min(2, total - seen + done["numbered"]), seen) == (done["numbered"], done["last_seq"])
    facts = await numbered(world)
    assert list(range(1, total + 1)) == [fact["seq"] for fact in facts]
    assert sorted(fact["event_id"] for fact in facts) == [fact["event_id"] for fact in facts]


async def test_tenants_are_numbered_by_themselves(world: World) -> None:
    """Each tenant's numbers begin at 1, and one call touches one tenant."""
    await world.call("fn_sequence_feed", world.one.id, 10_000)
    assert {None} == {fact["seq"] for fact in await numbered(world, world.other.id)}
    await world.call("fn_sequence_feed", world.other.id, 10_000)
    assert 1 == (await numbered(world, world.other.id))[0]["seq"]


async def test_what_it_waited_for_is_seen_after_the_wait(world: World) -> None:
    """A call that waits for another one's lock numbers what was committed meanwhile, behind the other's."""
    first = await world.database.connect()
    second = await world.database.connect()
    hold = first.transaction()
    await hold.start()
    before = await call(first, "fn_sequence_feed", world.one.id, 10_000)
    waiting = asyncio.create_task(call(second, "fn_sequence_feed", world.one.id, 10_000))
    await blocked(world, second.get_server_pid())
    await world.allocate("1000")  # committed while the second call waits
    await hold.commit()
    after = await waiting
    assert (1, before["last_seq"] + 1) == (after["numbered"], after["last_seq"])
    facts = await numbered(world)
    assert list(range(1, len(facts) + 1)) == [fact["seq"] for fact in facts]


async def trade(world: World, profile: UUID, writer: int) -> int:
    """Open entries and have them rejected, each act committed late; count those that were opened."""
    conn = await world.database.connect()
    opened = 0
    for turn in range(ROUNDS):
        item = order_item(world.one, f"w{writer}-{turn}", profile_id=str(profile))
        async with conn.transaction():
            (answer,) = await call(conn, "fn_open_entry", world.one.id, [item])
            await conn.execute("SELECT pg_sleep(0.002 * random())")  # its event ids are drawn, others go on
        if answer["code"] == "OK":
            opened += 1
            told = {"intent_id": item["intent_id"], "fencing_token": answer["fencing_token"]}
            await call(conn, "fn_reject_entry", world.one.id, [told])
    return opened


async def test_many_writers_many_sequencers(world: World) -> None:
    """Under concurrent writers and sequencers: no gap, no duplicate, of each profile cause before effect."""
    tenant = world.one
    more = [await tenant.add_profile(world.conn, uuid4(), f"p{number}") for number in range(3)]
    profiles = [tenant.profile, *more]
    for profile in profiles:
        await world.call("fn_allocate", tenant.id, profile, Decimal(1_000), uuid4().hex, OPERATOR, "start")
    writing = [asyncio.create_task(trade(world, profiles[n % 4], n)) for n in range(WRITERS)]

    async def sequence() -> None:
        conn = await world.database.connect()
        while not all(task.done() for task in writing):
            await call(conn, "fn_sequence_feed", tenant.id, 50)

    *_, opened = await asyncio.gather(*(sequence() for _ in range(SEQUENCERS)), asyncio.gather(*writing))
    while (await call(world.conn, "fn_sequence_feed", tenant.id, 10_000))["numbered"]:
        pass
    facts = await numbered(world)
    assert list(range(1, len(facts) + 1)) == [fact["seq"] for fact in facts]
    types = [fact["type"] for fact in facts]
    assert (sum(opened), sum(opened)) == (types.count("entry.sending"), types.count("entry.rejected"))
    assert WRITERS < sum(opened)
    for profile in profiles:
        moved = await world.admin.fetch(
            "SELECT f.event_id FROM engine.facts f JOIN engine.facts e USING (tenant_id, event_id)"
            " WHERE f.profile_id = $1 AND f.type IS NOT NULL AND e.version IS NOT NULL ORDER BY f.seq",
            profile,
        )
        assert sorted(row["event_id"] for row in moved) == [row["event_id"] for row in moved]


async def test_an_order_is_told_in_the_order_it_happened(world: World) -> None:
    """Of each order: sending, confirmed, its fills, and its end, in this order."""
    entry, sold = await round_trip(world)
    await world.call("fn_sequence_feed", world.one.id, 10_000)
    for intent, told in (
        (entry, ["entry.sending", "order.confirmed", "fill", "order.canceled"]),
        (sold, ["exit.sending", "order.confirmed", "fill", "order.filled"]),
    ):
        of_it = [fact["type"] for fact in await numbered(world) if fact["intent_id"] == intent]
        assert told == [each for each in of_it if each in told]


async def test_a_number_is_given_once(world: World) -> None:
    """A fact that has its seq cannot get another one, by nobody."""
    await world.call("fn_sequence_feed", world.one.id, 10_000)
    with pytest.raises(asyncpg.PostgresError) as caught:
        await world.admin.execute(
            "UPDATE engine.facts SET seq = seq + 1000 WHERE tenant_id = $1", world.one.id
        )
    assert "HF411" == caught.value.sqlstate


async def test_what_is_no_limit_is_refused(world: World) -> None:
    """A limit lies between 1 and 10,000; nothing is numbered otherwise."""
    for limit in (None, 0, -1, 10_001):
        await world.leaves_nothing(
            lambda limit=limit: world.refused("HF422", "fn_sequence_feed", world.one.id, limit)
        )


async def test_unknown_tenant_is_not_found(world: World) -> None:
    """A tenant that was never created gets no feed."""
    await world.leaves_nothing(lambda: world.refused("HF404", "fn_sequence_feed", uuid4(), 10))


async def test_foreign_claim_is_refused(world: World) -> None:
    """Claims of another tenant number nothing."""
    await world.refused_to_foreign_claim("fn_sequence_feed", 10)
