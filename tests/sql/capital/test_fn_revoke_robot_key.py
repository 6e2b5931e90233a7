"""fn_revoke_robot_key: a key ends, once."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_a_revoked_key_is_nobodys(world: World) -> None:
    """After the first call the key is neither found nor accepted; a second call changes nothing."""
    one = world.one
    assert await world.call("fn_revoke_robot_key", one.id, one.key, OPERATOR)
    assert await world.call("fn_authenticate", one.id, one.key) is None
    assert [] == await world.conn.fetch("SELECT * FROM engine.fn_find_key($1)", one.key_hash)
    again = await world.leaves_nothing(lambda: world.call("fn_revoke_robot_key", one.id, one.key, OPERATOR))
    assert again is False


async def test_refusals_leave_nothing(world: World) -> None:
    """An unknown or foreign key, no actor and a foreign claim are refused."""
    one = world.one

    async def all_refused() -> None:
        await world.refused("HF404", "fn_revoke_robot_key", one.id, uuid4(), OPERATOR)
        await world.refused("HF404", "fn_revoke_robot_key", one.id, world.other.key, OPERATOR)
        await world.refused("HF422", "fn_revoke_robot_key", one.id, one.key, " ")
        await world.refused_to_foreign_claim("fn_revoke_robot_key", one.key, OPERATOR)

    await world.leaves_nothing(all_refused)
