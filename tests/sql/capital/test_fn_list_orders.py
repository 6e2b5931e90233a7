"""fn_list_orders: intents with their orders, newest first, by filter and page."""

from tests.sql.capital.trading import confirmed, round_trip, sending
from tests.sql.capital.world import INSTRUMENT, World


async def test_filters_and_pages(world: World) -> None:
    """Each filter keeps what it names, and `before` goes on where a page ended."""
    one = world.one
    ended = await round_trip(world)
    open_one = await confirmed(world, "e2")
    eth = {**INSTRUMENT, "symbol": "ETH/USDT", "base_asset": "ETH"}
    await world.call("fn_upsert_instruments", one.id, one.account, [eth])
    sent = await sending(world, "e3", symbol="ETH/USDT", limit_price="1000")
    newest_first = [str(intent) for intent in (sent, open_one, *reversed(ended))]

    async def ids(**wanted: object) -> list[str]:
        return [shown["id"] for shown in await world.call("fn_list_orders", one.id, wanted)]

    assert newest_first == await ids()
    assert newest_first[:2] == await ids(open=True)
    assert newest_first[2:] == await ids(open=False)
    assert newest_first[:1] == await ids(state="sending")
    assert newest_first[:1] == await ids(symbol="ETH/USDT")
    assert [newest_first[2]] == await ids(kind="exit")
    assert [newest_first[3]] == await ids(status="canceled", profile_id=str(one.profile))
    assert newest_first[:2] == await ids(limit=2)
    assert newest_first[2:] == await ids(before=newest_first[1], account_id=str(one.account))
    await world.refused("HF422", "fn_list_orders", one.id, {"limit": "many"})
    await world.refused("HF422", "fn_list_orders", one.id, ["x"])
    assert [] == await world.call("fn_list_orders", world.other.id, {})
    await world.refused_to_foreign_claim("fn_list_orders", {})
