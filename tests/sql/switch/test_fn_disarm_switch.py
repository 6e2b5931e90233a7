"""fn_disarm_switch: it never acts after that, and a second call changes nothing."""

from tests.sql.capital.world import World
from tests.sql.switch.timers import arm, due, fire


async def test_disarmed_it_never_fires(world: World) -> None:
    """Disarmed before its time it stays silent; repeating it is no second event; none is null."""
    assert await world.call("fn_disarm_switch", world.one.id, world.one.robot) is None
    await arm(world)
    view = await world.call("fn_disarm_switch", world.one.id, world.one.robot)
    assert (False, None) == (view["armed"], view["expires_at"])
    assert view == await world.leaves_nothing(
        lambda: world.call("fn_disarm_switch", world.one.id, world.one.robot)
    )
    await world.database.advance_clock(601)
    assert [] == await due(world)
    assert {"fired": False, "sweep": False} == await fire(world)
    assert 1 == len(await world.outbox("dead_mans_switch.disarmed"))


async def test_another_tenants_stays_armed(world: World) -> None:
    """By a foreign claim it is refused, by a foreign id it finds nothing."""
    await arm(world)
    await world.refused_to_foreign_claim("fn_disarm_switch", world.one.robot)
    assert await world.call("fn_disarm_switch", world.other.id, world.one.robot) is None
    assert await world.admin.fetchval("SELECT armed FROM engine.dead_mans_switches")
