"""fn_list_fills: executions, newest first, by filter and page."""

from tests.sql.capital.trading import round_trip
from tests.sql.capital.world import World


async def test_filters_and_pages(world: World) -> None:
    """Each filter keeps what it names; fees stand as charged and as valued."""
    one = world.one
    entry, _ = await round_trip(world)
    sold, bought = await world.call("fn_list_fills", one.id, {})
    assert (("t2", "sell", "USDT", "0.1989"), ("t1", "buy", "BTC", "0.19996")) == tuple(
        tuple(fill[name] for name in ("exchange_trade_id", "side", "fee_asset", "fee_value"))
        for fill in (sold, bought)
    )
    assert [bought] == await world.call("fn_list_fills", one.id, {"order_id": str(entry)})
    assert [bought] == await world.call("fn_list_fills", one.id, {"before": sold["event_id"]})
    wanted = {
        "profile_id": str(one.profile),
        "account_id": str(one.account),
        "symbol": "BTC/USDT",
        "limit": 1,
    }
    assert [sold] == await world.call("fn_list_fills", one.id, wanted)
    assert [] == await world.call("fn_list_fills", one.id, {"unvalued": True})
    assert [] == await world.call("fn_list_fills", world.other.id, {})
    await world.refused("HF422", "fn_list_fills", one.id, {"limit": -1})
    await world.refused_to_foreign_claim("fn_list_fills", {})
