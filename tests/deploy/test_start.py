"""Proves that a start deploys what differs from sql/, and leaves a database alone that equals it."""

import pytest

from engine.deploy.deployment import deploy
from engine.domain.errors import ErrorCode, HoldfastError
from engine.loops import startup
from tests.database.servers import Database


async def start(database: Database, *, deploys: bool = True, test_clock: bool = False) -> list[str]:
    """Pass the gate `schema` as a daemon's start does; gives its notes."""
    notes: list[str] = []
    await startup.make_equal(
        database.deployer_url, deploys=deploys, alone=True, test_clock=test_clock, note=notes.append
    )
    return notes


async def objects(database: Database) -> set[int]:
    """What every deploy makes anew, by its identity."""
    conn = await database.admin()
    rows = await conn.fetch(
        "SELECT t.oid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE c.relnamespace = 'engine'::regnamespace AND NOT t.tgisinternal"
    )
    return {row["oid"] for row in rows}


async def test_what_stands_is_left_alone(empty_database: Database) -> None:
    """The first start deploys, the next one does not, and one after a difference does."""
    assert [] == await start(empty_database)
    made = await objects(empty_database)
    assert made
    assert [] == await start(empty_database)
    assert made == await objects(empty_database)
    admin = await empty_database.admin()
    await admin.execute("GRANT EXECUTE ON FUNCTION engine.fn_get_order TO PUBLIC")
    with pytest.raises(HoldfastError) as refused:
        await start(empty_database, deploys=False)
    assert ErrorCode.DRIFT == refused.value.code
    assert [] == await start(empty_database)
    assert not made & await objects(empty_database)
    assert [] == await start(empty_database, deploys=False)


async def test_the_clock_is_the_one_that_the_setting_asks_for(empty_database: Database) -> None:
    """Whichever clock stands, a start that deploys puts the other in its place; one that may not refuses."""
    await deploy(empty_database.deployer_url)
    movable = ["the database's clock is the movable one of tests"]
    assert movable == await start(empty_database, test_clock=True)
    made = await objects(empty_database)
    assert movable == await start(empty_database, test_clock=True)
    assert made == await objects(empty_database)
    with pytest.raises(HoldfastError) as refused:
        await start(empty_database, deploys=False)
    assert ErrorCode.DRIFT == refused.value.code
    assert [] == await start(empty_database)
    assert not made & await objects(empty_database)
