"""fn_create_robot: a tenant's program."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_makes_a_robot_without_key(world: World) -> None:
    """The robot is listed, enabled, with no key."""
    robot = uuid4()
    assert robot == await world.call("fn_create_robot", world.one.id, robot, "second", OPERATOR)
    listed = {one["name"]: one for one in await world.call("fn_list_robots", world.one.id)}
    assert (str(robot), True, []) == tuple(listed["second"][name] for name in ("robot_id", "enabled", "keys"))
    assert 2 == len(await world.outbox("robot.created"))


async def test_refusals_leave_nothing(world: World) -> None:
    """An id or name that exists, a bad name, an unknown tenant and a foreign claim are refused."""
    one = world.one

    async def all_refused() -> None:
        await world.refused("HF415", "fn_create_robot", one.id, one.robot, "again", OPERATOR)
        await world.refused("HF415", "fn_create_robot", one.id, uuid4(), "robot", OPERATOR)
        await world.refused("HF422", "fn_create_robot", one.id, uuid4(), "no name", OPERATOR)
        await world.refused("HF422", "fn_create_robot", one.id, uuid4(), "fine", None)
        await world.refused("HF404", "fn_create_robot", uuid4(), uuid4(), "fine", OPERATOR)
        await world.refused_to_foreign_claim("fn_create_robot", uuid4(), "fine", OPERATOR)

    await world.leaves_nothing(all_refused)
