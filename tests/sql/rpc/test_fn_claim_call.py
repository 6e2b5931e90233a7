"""fn_claim_call: the id of a call over RPC is claimed once, and gives the kept answer after that."""

import asyncio
from uuid import uuid4

from tests.sql.capital.world import World, call

FUNCTION = "fn_claim_call"


async def test_an_id_is_claimed_once_and_gives_its_answer(world: World) -> None:
    """The first call finds nothing; one after it finds what the first one answered, and changes nothing."""
    one, call_id = world.one.id, uuid4()
    assert None is await world.call(FUNCTION, one, call_id, "fn_x")
    await world.call("fn_keep_call", one, call_id, "an answer")
    again = await world.leaves_nothing(lambda: world.call(FUNCTION, one, call_id, "fn_x"))
    assert "an answer" == again


async def test_the_second_waits_for_the_first(world: World) -> None:
    """Two at once: the second gets the first one's answer after its commit; claimed anew after a rollback."""
    one, kept, undone = world.one.id, uuid4(), uuid4()
    second = await world.database.connect()
    for call_id, ending, expected in ((kept, "COMMIT", "first"), (undone, "ROLLBACK", None)):
        await world.conn.execute("BEGIN")
        assert None is await world.call(FUNCTION, one, call_id, "fn_x")
        await world.call("fn_keep_call", one, call_id, "first")
        waiting = asyncio.create_task(call(second, FUNCTION, one, call_id, "fn_x"))
        look = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
        async with asyncio.timeout(20):
            while not await world.admin.fetchval(look, second.get_server_pid()):
                pass
        await world.conn.execute(ending)
        assert expected == await waiting


async def test_refusals(world: World) -> None:
    """No id, no function, another function's id, an id without an answer, and foreign claims are refused."""
    one, call_id = world.one.id, uuid4()
    await world.refused("HF413", FUNCTION, one, None, "fn_x")
    await world.refused("HF413", FUNCTION, one, call_id, None)
    await world.refused("HF401", FUNCTION, None, call_id, "fn_x")
    await world.call(FUNCTION, one, call_id, "fn_x")
    await world.refused("40001", FUNCTION, one, call_id, "fn_x")
    await world.call("fn_keep_call", one, call_id, "a")
    await world.refused("HF414", FUNCTION, one, call_id, "fn_y")
    await world.refused_to_foreign_claim(FUNCTION, uuid4(), "fn_x")


async def test_a_tenants_ids_are_its_own(world: World) -> None:
    """The same id of another tenant is another call: it finds nothing of this one's answer."""
    call_id = uuid4()
    await world.call(FUNCTION, world.one.id, call_id, "fn_x")
    await world.call("fn_keep_call", world.one.id, call_id, "secret")
    assert None is await world.call(FUNCTION, world.other.id, call_id, "fn_x")


async def test_old_answers_go_as_later_ones_come(world: World) -> None:
    """A call older than an hour is taken away with the next one of its tenant, a younger one is not."""
    old, young = uuid4(), uuid4()
    await world.call(FUNCTION, world.one.id, old, "fn_x")
    await world.database.advance_clock(3_000)
    await world.call(FUNCTION, world.one.id, young, "fn_x")
    await world.database.advance_clock(700)
    await world.call(FUNCTION, world.one.id, uuid4(), "fn_x")
    left = {row["call_id"] for row in await world.admin.fetch("SELECT call_id FROM engine.rpc_calls")}
    assert (False, True, 2) == (old in left, young in left, len(left))
