"""fn_find_foreign: whether an id is another tenant's, and nothing else about it."""

from uuid import uuid4

import asyncpg
import pytest

from tests.sql.capital.world import World


async def foreign(world: World, identity: str) -> bool:
    found: bool = await world.conn.fetchval("SELECT engine.fn_find_foreign($1, $2)", world.one.id, identity)
    return found


async def test_every_kind_of_foreign_id_is_told(world: World) -> None:
    """Ids of another tenant, its profile, account, robot and key are foreign, in small or large letters."""
    other = world.other
    for identity in (other.id, other.profile, other.account, other.robot, other.key):
        assert await foreign(world, str(identity))
        assert await foreign(world, str(identity).upper())


async def test_own_ids_and_ids_of_nobody_are_not(world: World) -> None:
    """What is the asking tenant's own, exists nowhere or is no id at all is no attempt."""
    one = world.one
    own = [str(each) for each in (one.id, one.profile, one.account, one.robot, one.key)]
    for identity in (*own, str(uuid4()), "profile", "", "habcdefghijklmnopq", "' OR 1=1 --"):
        assert not await foreign(world, identity)
    assert not await world.conn.fetchval("SELECT engine.fn_find_foreign($1, NULL)", one.id)


async def test_only_the_engine_may_ask(world: World) -> None:
    """A reader, who could learn from it what exists, may not call it."""
    reader = await world.database.connect("holdfast_reader")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.fetchval("SELECT engine.fn_find_foreign($1, $2)", world.one.id, str(world.other.id))
