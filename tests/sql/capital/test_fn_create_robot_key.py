"""fn_create_robot_key: only the hash of a key is stored."""

from hashlib import sha256
from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_a_robot_may_have_two_keys(world: World) -> None:
    """A second key works beside the first, so that keys can be rotated."""
    one, key, key_hash = world.one, uuid4(), sha256(b"second").digest()
    assert key == await world.call("fn_create_robot_key", one.id, key, one.robot, key_hash, OPERATOR)
    for found in (key, one.key):
        assert str(one.robot) == (await world.call("fn_authenticate", one.id, found))["robot_id"]


async def test_refusals_leave_nothing(world: World) -> None:
    """A hash of another length, an id that exists, a foreign robot and a foreign claim are refused."""
    one, fine = world.one, sha256(b"fine").digest()

    async def all_refused() -> None:
        for key_hash in (b"short", None):
            await world.refused(
                "HF422", "fn_create_robot_key", one.id, uuid4(), one.robot, key_hash, OPERATOR
            )
        await world.refused("HF415", "fn_create_robot_key", one.id, one.key, one.robot, fine, OPERATOR)
        await world.refused(
            "HF415", "fn_create_robot_key", one.id, uuid4(), one.robot, one.key_hash, OPERATOR
        )
        await world.refused(
            "HF404", "fn_create_robot_key", one.id, uuid4(), world.other.robot, fine, OPERATOR
        )
        await world.refused("HF422", "fn_create_robot_key", one.id, uuid4(), one.robot, fine, None)
        await world.refused_to_foreign_claim("fn_create_robot_key", uuid4(), one.robot, fine, OPERATOR)

    await world.leaves_nothing(all_refused)
