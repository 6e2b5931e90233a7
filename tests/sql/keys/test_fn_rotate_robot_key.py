"""fn_rotate_robot_key: a new key, and an end for the others, in one transaction."""

from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from tests.sql.capital.world import OPERATOR, World

HASH = sha256(b"rotated").digest()


async def rotate(world: World, key: UUID, key_hash: bytes = HASH, overlap_s: int = 0, *more: Any) -> Any:
    one = world.one
    return await world.call(
        "fn_rotate_robot_key", one.id, key, one.robot, key_hash, overlap_s, OPERATOR, *more
    )


async def living(world: World) -> set[str]:
    (robot,) = await world.call("fn_list_robots", world.one.id)
    return {key["key_id"] for key in robot["keys"] if key["living"]}


async def test_without_overlap_one_key_lives(world: World) -> None:
    """However many lived before, after it the new one does, and the ended ones are named."""
    one, second, third = world.one, uuid4(), uuid4()
    await world.call("fn_create_robot_key", one.id, second, one.robot, sha256(b"2").digest(), OPERATOR)
    assert {one.key, second} == set(await rotate(world, third))
    assert {str(third)} == await living(world)
    assert 2 == len(await world.outbox("robot.key_revoked"))


async def test_with_an_overlap_both_live_until_its_end(world: World) -> None:
    """The old key works on while the robot changes over, and ends by itself; scopes are the new key's own."""
    new = uuid4()
    assert [world.one.key] == await rotate(world, new, HASH, 60, ("read",))
    assert {str(world.one.key), str(new)} == await living(world)
    await world.database.advance_clock(61)
    assert {str(new)} == await living(world)
    shown = await world.call("fn_authenticate", world.one.id, new)
    assert ["read"] == shown["scopes"]


async def test_an_overlap_never_prolongs_a_key(world: World) -> None:
    """A key that ends before the overlap does keeps its own end."""
    await world.admin.execute(
        "UPDATE engine.robot_keys SET expires_at = engine.fn_clock() + interval '10 s' WHERE key_id = $1",
        world.one.key,
    )
    await rotate(world, uuid4(), HASH, 3_600)
    await world.database.advance_clock(11)
    assert 1 == len(await living(world))


async def test_the_same_rotation_again_is_refused(world: World) -> None:
    """A repeat under the same id finds the key there and ends nothing: the first answer stands."""
    new = uuid4()
    await rotate(world, new)

    async def again() -> None:
        await world.refused(
            "HF415", "fn_rotate_robot_key", world.one.id, new, world.one.robot, HASH, 0, OPERATOR
        )

    await world.leaves_nothing(again)
    assert {str(new)} == await living(world)


async def test_refusals_leave_nothing(world: World) -> None:
    """A bad overlap, hash, scope or actor, a foreign robot or claim and a full ring change nothing."""
    one, other = world.one, world.other
    await world.call("fn_create_robot_key", one.id, uuid4(), one.robot, sha256(b"2").digest(), OPERATOR)

    async def all_refused() -> None:
        async def refused(state: str, *args: Any) -> None:
            await world.refused(state, "fn_rotate_robot_key", one.id, uuid4(), *args)

        for overlap_s in (-1, 604_801, None):
            await refused("HF422", one.robot, HASH, overlap_s, OPERATOR)
        await refused("HF422", one.robot, b"short", 0, OPERATOR)
        await refused("HF422", one.robot, HASH, 0, OPERATOR, ("admin",))
        await refused("HF422", one.robot, HASH, 0, None)
        await refused("HF404", other.robot, HASH, 0, OPERATOR)
        await refused("HF431", one.robot, HASH, 60, OPERATOR)
        await world.refused_to_foreign_claim("fn_rotate_robot_key", uuid4(), one.robot, HASH, 0, OPERATOR)

    await world.leaves_nothing(all_refused)
