"""fn_prove_writable: true on a database that takes writes, refused on one that does not, never in the way."""

import asyncpg
import pytest

from tests.sql.capital.world import World, call


async def test_true_and_nothing_is_left(world: World) -> None:
    """On a healthy database it is true and changes no row."""
    assert await world.leaves_nothing(lambda: world.call("fn_prove_writable"))


async def test_a_read_only_database_refuses_it(world: World) -> None:
    """In a read-only session it fails with the SQLSTATE that says so."""
    await world.conn.execute("SET default_transaction_read_only = on")
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await world.call("fn_prove_writable")


async def test_waits_for_nobody(world: World) -> None:
    """While somebody else holds the row it answers at once."""
    other = await world.database.connect()
    transaction = other.transaction()
    await transaction.start()
    await call(other, "fn_set_engine_mode", "halted", "test", "operator:test")
    await world.conn.execute("SET lock_timeout = '50ms'")
    assert await world.call("fn_prove_writable")
    await transaction.rollback()
