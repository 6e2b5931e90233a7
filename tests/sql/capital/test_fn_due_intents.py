"""fn_due_intents: what somebody must look at, by the database's clock."""

from tests.sql.capital.trading import in_doubt, sending
from tests.sql.capital.world import INSTRUMENT, World


async def test_lists_expired_and_in_doubt(world: World) -> None:
    """In doubt is due at once, sending only past its expiry; a limit bounds the answer."""
    one = world.one
    await world.allocate("1000")
    await world.call("fn_upsert_instruments", one.id, one.account, [{**INSTRUMENT, "symbol": "ETH/USDT"}])
    doubted = await in_doubt(world, "e1")
    sent = await sending(world, "e2", symbol="ETH/USDT", limit_price="1000")

    async def due(limit: int) -> list[tuple[object, ...]]:
        return [
            tuple(row) for row in await world.conn.fetch("SELECT * FROM engine.fn_due_intents($1)", limit)
        ]

    assert [(one.id, one.account, doubted, "in_doubt")] == await due(10)
    await world.database.advance_clock(31)
    assert [(doubted, "in_doubt"), (sent, "sending")] == [row[2:] for row in await due(10)]
    assert 1 == len(await due(1))
