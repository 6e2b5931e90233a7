"""fn_trade_history: closed round trips with their pnl."""

from tests.sql.capital.trading import round_trip
from tests.sql.capital.world import World


async def test_shows_the_worked_example(world: World) -> None:
    """The round trip that ended in dust shows what was bought, sold, paid and left."""
    await round_trip(world)
    (trip,) = await world.call("fn_trade_history", world.one.id, {"symbol": "BTC/USDT"})
    names = ("bought_notional", "sold_notional", "fees", "trading_pnl", "dust_quantity", "dust_cost")
    assert ("199.96", "198.9", "0.39886", "3.939", "0.000096", "4.79904") == tuple(trip[n] for n in names)
    assert "3.54014" == trip["realized_pnl"]
    assert [] == await world.call("fn_trade_history", world.one.id, {"before": trip["event_id"]})
    assert [] == await world.call("fn_trade_history", world.other.id, {})
    await world.refused("HF422", "fn_trade_history", world.one.id, {"limit": "x"})
    await world.refused_to_foreign_claim("fn_trade_history", {})
    capital = await world.capital()
    assert ("998.7411", "0.39886", "3.939") == tuple(capital[n] for n in ("available", "fees", "trading_pnl"))
    rows = {
        row["asset"]: row for row in await world.call("fn_account_equations", world.one.id, world.one.account)
    }
    assert "9998.7411" == rows["USDT"]["expected_exchange_balance"]
    assert "1.000096" == rows["BTC"]["expected_exchange_balance"]
    await world.consistent()
