"""fn_get_switch: a robot's own, as it is now."""

from tests.sql.capital.world import World
from tests.sql.switch.timers import arm, shown


async def test_it_is_what_arming_answered(world: World) -> None:
    """The view of the call that armed it; NULL before; a foreign tenant sees nothing."""
    assert await world.call("fn_get_switch", world.one.id, world.one.robot) is None
    armed = await arm(world, "reduce", profile=world.one.profile, on_disconnect=True)
    assert armed == await world.leaves_nothing(lambda: shown(world))
    assert await world.call("fn_get_switch", world.other.id, world.one.robot) is None
    await world.refused_to_foreign_claim("fn_get_switch", world.one.robot)
