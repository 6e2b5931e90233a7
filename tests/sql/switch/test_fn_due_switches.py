"""fn_due_switches: over all tenants, ids only, by the database's clock."""

from tests.sql.capital.world import World, call
from tests.sql.switch.timers import arm, due, fire


async def test_due_are_those_whose_time_has_passed_or_that_have_not_swept(world: World) -> None:
    """Of every tenant, the longest waiting first; fired and swept it is due no more."""
    other = world.other
    await arm(world, timeout_ms=900_000)
    await call(world.conn, "fn_arm_switch", other.id, other.robot, 500_000, "cancel", None, False)
    await world.database.advance_clock(400)
    assert [] == await due(world)
    await world.database.advance_clock(600)
    assert [other.robot, world.one.robot] == await due(world)
    await fire(world)
    assert world.one.robot in await due(world)
    await world.call("fn_sweep_switch", world.one.id, world.one.robot)
    assert [other.robot] == await due(world)
