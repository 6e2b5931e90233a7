"""The database's clock: the wall clock, which a test deploy lets tests move."""

from datetime import timedelta

from tests.database.servers import Database


async def test_the_test_clock_moves_by_what_it_is_told(any_database: Database) -> None:
    """advance_clock moves fn_clock() for every connection of this database, also open ones."""
    conn = await any_database.connect()
    await any_database.advance_clock(3600)
    ahead = await conn.fetchval("SELECT engine.fn_clock() - clock_timestamp()")
    assert timedelta(minutes=59) < ahead <= timedelta(hours=1)
