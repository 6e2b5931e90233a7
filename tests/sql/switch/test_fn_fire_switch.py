"""fn_fire_switch: once, when it is due by then, with its mode in the same transaction."""

import asyncio

from tests.sql.capital.trading import order_item
from tests.sql.capital.world import World, call
from tests.sql.lifecycle.acts import mode, result
from tests.sql.switch.timers import arm, fire, shown


async def test_it_fires_once_and_sets_the_mode(world: World) -> None:
    """Not before its time; then reducing with its reason, one event, and entries are denied at once."""
    await arm(world, "reduce", profile=world.one.profile)
    assert {"fired": False, "sweep": False} == await world.leaves_nothing(lambda: fire(world))
    await world.database.advance_clock(600)
    assert {"fired": True, "sweep": True, "action": "reduce"} == await fire(world)
    assert {"fired": False, "sweep": True} == await world.leaves_nothing(lambda: fire(world))
    assert ("reducing", "dead-man's switch: timeout") == await mode(world)
    denied = await result(world, "fn_open_entry", order_item(world.one, "k1"))
    assert "MODE_REDUCING" == denied["code"]
    assert 1 == len(await world.outbox("dead_mans_switch.fired"))
    view = await shown(world)
    assert (False, "timeout", None) == (view["armed"], view["fired_cause"], view["fired_cancels"])


async def test_a_stricter_mode_stays(world: World) -> None:
    """Halt goes over reducing; reducing never loosens a halt."""
    await arm(world, "halt", profile=world.one.profile)
    await world.database.advance_clock(600)
    await fire(world)
    assert "halted" == (await mode(world))[0]
    await arm(world, "reduce", profile=world.one.profile)
    await world.database.advance_clock(600)
    assert (await fire(world))["fired"]
    assert "halted" == (await mode(world))[0]


async def test_a_disconnect_counts_only_where_it_was_asked_for(world: World) -> None:
    """Without the wish nothing happens; with it the switch fires before its time."""
    await arm(world)
    assert not (await fire(world, "disconnect"))["fired"]
    await arm(world, on_disconnect=True)
    assert (await fire(world, "disconnect"))["fired"]
    assert "disconnect" == (await shown(world))["fired_cause"]


async def test_of_callers_at_once_one_fires(world: World) -> None:
    """Eight instances find it due at the same moment: one fires it, and a sign of life waits for none."""
    await arm(world)
    await world.database.advance_clock(600)
    conns = [await world.database.connect() for _ in range(8)]
    one = world.one
    answers = await asyncio.gather(
        *(call(conn, "fn_fire_switch", one.id, one.robot, "timeout") for conn in conns)
    )
    assert 1 == sum(answer["fired"] for answer in answers)
    assert 1 == len(await world.outbox("dead_mans_switch.fired"))


async def test_what_it_refuses(world: World) -> None:
    """An unknown cause, and a foreign claim; a foreign id finds nothing to fire."""
    await arm(world)
    await world.database.advance_clock(600)
    await world.refused("HF422", "fn_fire_switch", world.one.id, world.one.robot, "boredom")
    await world.refused_to_foreign_claim("fn_fire_switch", world.one.robot, "timeout")
    answer = await world.call("fn_fire_switch", world.other.id, world.one.robot, "timeout")
    assert {"fired": False, "sweep": False} == answer
