"""fn_end_instance: a process that stops is not waited for."""

from uuid import uuid4

from tests.sql.capital.world import World, call

A, B = uuid4(), uuid4()


async def test_ended_process_counts_no_more(world: World) -> None:
    """An ended process is gone at once; ending it again, or one that never was, is no error."""
    for who in (A, B):
        await call(world.conn, "fn_renew_instance", who, "n", "h", 10_000)
    for who in (A, A, uuid4()):
        await call(world.conn, "fn_end_instance", who)
    assert 1 == (await call(world.conn, "fn_renew_instance", B, "n", "h", 10_000))["live"]
