"""fn_due_orders: the open orders of one exchange account."""

from tests.sql.capital.trading import confirmed, round_trip, sending
from tests.sql.capital.world import INSTRUMENT, World


async def test_lists_open_orders_alone(world: World) -> None:
    """Ended orders, and intents that are not confirmed, are not listed; nor is another account's."""
    one = world.one
    await round_trip(world)
    intent = await confirmed(world, "e2")
    await world.call("fn_upsert_instruments", one.id, one.account, [{**INSTRUMENT, "symbol": "ETH/USDT"}])
    await sending(world, "e3", symbol="ETH/USDT", limit_price="1000")
    rows = await world.conn.fetch("SELECT * FROM engine.fn_due_orders($1)", one.account)
    assert [(one.id, intent)] == [tuple(row) for row in rows]
    assert [] == await world.conn.fetch("SELECT * FROM engine.fn_due_orders($1)", world.other.account)
