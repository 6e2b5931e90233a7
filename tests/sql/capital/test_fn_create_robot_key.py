"""fn_create_robot_key: only the hash of a key is stored."""

import asyncio
from hashlib import sha256
from uuid import uuid4

import asyncpg

from tests.sql.capital.world import OPERATOR, World, call


def _hash(number: int) -> tuple[bytes, str]:
    return sha256(str(number).encode()).digest(), OPERATOR


async def test_a_robot_may_have_two_keys(world: World) -> None:
    """A second key works beside the first, so that keys can be rotated."""
    one, key, key_hash = world.one, uuid4(), sha256(b"second").digest()
    assert key == await world.call("fn_create_robot_key", one.id, key, one.robot, key_hash, OPERATOR)
    for found in (key, one.key):
        assert str(one.robot) == (await world.call("fn_authenticate", one.id, found))["robot_id"]


async def test_a_third_living_key_is_refused(world: World) -> None:
    """Two living keys are the most, of calls at the same time too; one that ended makes room."""
    one, ids = world.one, [uuid4() for _ in range(4)]
    conns = [await world.database.connect() for _ in ids]

    async def make(number: int) -> str:
        try:
            await call(conns[number], "fn_create_robot_key", one.id, ids[number], one.robot, *_hash(number))
        except asyncpg.PostgresError as error:
            return str(error.sqlstate)
        return "made"

    made = await asyncio.gather(*(make(number) for number in range(4)))
    assert ["HF431", "HF431", "HF431", "made"] == sorted(made)
    denied = await world.refused("HF431", "fn_create_robot_key", one.id, uuid4(), one.robot, *_hash(9))
    assert ("living_keys", "2", 2) == (denied["limit"], denied["value"], len(denied["keys"]))
    await world.call("fn_revoke_robot_key", one.id, one.key, OPERATOR)
    await world.call("fn_create_robot_key", one.id, uuid4(), one.robot, *_hash(9))


async def test_scopes_and_end_are_kept(world: World) -> None:
    """A key for reading alone, with an end, is stored as that, and its event says so without the hash."""
    one, key = world.one, uuid4()
    end = await world.admin.fetchval("SELECT engine.fn_clock() + interval '1 day'")
    await world.call("fn_create_robot_key", one.id, key, one.robot, *_hash(1), ("read",), end)
    (shown,) = await world.call("fn_list_robots", one.id)
    (made,) = [each for each in shown["keys"] if each["key_id"] == str(key)]
    assert (["read"], True) == (made["scopes"], made["living"])
    fact = (await world.outbox("robot.key_created"))[-1]
    assert {"robot_id", "key_id", "scopes", "expires_at"} == set(fact)


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
        past = await world.admin.fetchval("SELECT engine.fn_clock()")
        for scopes, end in (((), None), (("admin",), None), (("read", None), None), (("read",), past)):
            await world.refused(
                "HF422", "fn_create_robot_key", one.id, uuid4(), one.robot, fine, OPERATOR, scopes, end
            )
        await world.refused_to_foreign_claim("fn_create_robot_key", uuid4(), one.robot, fine, OPERATOR)

    await world.leaves_nothing(all_refused)
