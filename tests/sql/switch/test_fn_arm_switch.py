"""fn_arm_switch: the time begins anew with each call, and only a change is published."""

from datetime import datetime, timedelta
from uuid import uuid4

from tests.sql.capital.world import World
from tests.sql.switch.timers import arm, due, fire


async def test_each_call_begins_the_time_anew(world: World) -> None:
    """Armed and kept by the same call; the feed hears of changes, not of signs of life."""
    first = await arm(world)
    assert (True, "cancel", None, False) == tuple(
        first[name] for name in ("armed", "action", "fired_at", "cancel_on_disconnect")
    )
    await world.database.advance_clock(400)
    second = await arm(world)
    moved = datetime.fromisoformat(second["expires_at"]) - datetime.fromisoformat(first["expires_at"])
    assert moved >= timedelta(seconds=400)
    await world.database.advance_clock(400)
    assert [] == await due(world)
    assert 1 == len(await world.outbox("dead_mans_switch.armed"))
    await arm(world, "halt", profile=world.one.profile)
    assert "halt" == (await world.outbox("dead_mans_switch.armed"))[1]["action"]
    await world.database.advance_clock(601)
    assert (await fire(world))["fired"]
    again = await arm(world)
    assert (True, "timeout") == (again["armed"], again["fired_cause"])


async def test_what_it_refuses(world: World) -> None:
    """Other times and actions, a mode without a profile, unknown and foreign things leave nothing."""
    one, other = world.one, world.other
    for wrong in (
        (999, "cancel", None, False),
        (86_400_001, "cancel", None, False),
        (None, "cancel", None, False),
        (5000, "sell", None, False),
        (5000, None, None, False),
        (5000, "reduce", None, False),
        (5000, "cancel", None, None),
    ):
        await world.refused("HF422", "fn_arm_switch", one.id, one.robot, *wrong)
    await world.refused("HF404", "fn_arm_switch", one.id, uuid4(), 5000, "cancel", None, False)
    await world.refused("HF404", "fn_arm_switch", one.id, other.robot, 5000, "cancel", None, False)
    await world.refused("HF404", "fn_arm_switch", one.id, one.robot, 5000, "halt", other.profile, False)
    await world.refused_to_foreign_claim("fn_arm_switch", one.robot, 5000, "cancel", None, False)
    assert 0 == await world.admin.fetchval("SELECT count(*) FROM engine.dead_mans_switches")
