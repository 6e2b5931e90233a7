"""fn_authenticate: which robot a key speaks for."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_names_the_robot_and_the_tenants_mode(world: World) -> None:
    """A robot's state and its tenant's mode come with the key."""
    one = world.one
    await world.call("fn_set_mode", one.id, "tenant", None, "reducing", OPERATOR, "holiday")
    expected = {
        "robot_id": str(one.robot),
        "robot_name": "robot",
        "enabled": True,
        "tenant_mode": "reducing",
        "key_id": str(one.key),
        "scopes": ["trade", "cancel", "read"],
        "expires_in_s": None,
    }
    assert expected == await world.call("fn_authenticate", one.id, one.key)


async def test_an_unknown_or_foreign_key_is_nobodys(world: World) -> None:
    """Another tenant's key is as unknown as one that does not exist."""
    assert await world.call("fn_authenticate", world.one.id, uuid4()) is None
    assert await world.call("fn_authenticate", world.one.id, world.other.key) is None
    await world.refused_to_foreign_claim("fn_authenticate", world.one.key)


async def test_a_key_at_its_end_is_nobodys(world: World) -> None:
    """A key says for how long it lives, and from its end on it is as unknown as a revoked one."""
    one = world.one
    await world.admin.execute(
        "UPDATE engine.robot_keys SET expires_at = engine.fn_clock() + interval '60 s' WHERE key_id = $1",
        one.key,
    )
    lives_s = (await world.call("fn_authenticate", one.id, one.key))["expires_in_s"]
    assert 50 < lives_s <= 60
    await world.database.advance_clock(61)
    assert await world.call("fn_authenticate", one.id, one.key) is None
