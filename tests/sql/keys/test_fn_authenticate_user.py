"""fn_authenticate_user: whether a token's tenant exists, and the robot its users trade as."""

from uuid import uuid4

from tests.sql.capital.world import World


async def test_names_the_robot_users_trade_as(world: World) -> None:
    """The named robot comes with the tenant, as long as it is enabled; without a name there is none."""
    one = world.one
    named = {"tenant_mode": "active", "robot_id": str(one.robot)}
    assert named == await world.call("fn_authenticate_user", one.id, "robot")
    for name in (None, "nobody"):
        assert {**named, "robot_id": None} == await world.call("fn_authenticate_user", one.id, name)
    await world.admin.execute("UPDATE engine.robots SET enabled = false WHERE robot_id = $1", one.robot)
    assert {**named, "robot_id": None} == await world.call("fn_authenticate_user", one.id, "robot")


async def test_a_tenant_of_nobody_is_none(world: World) -> None:
    """A tenant that was never created has no users; another claim is refused."""
    assert await world.call("fn_authenticate_user", uuid4(), None) is None
    await world.refused("HF401", "fn_authenticate_user", None, None)
    await world.refused_to_foreign_claim("fn_authenticate_user", None)
