"""Balances begin again on command."""

from engine.paper.server import PaperExchange
from tests.paper.clients import KEY, Bare


async def test_reset(paper: PaperExchange, bare: Bare) -> None:
    """Orders end, money is as at opening or as given, and the oracle agrees; history stays."""
    await bare.market("BUY", "0.5")
    await bare.order(price="40000", quantity="0.1")
    await bare.paper_deposit("BNB", 7)
    status, shown = await bare.control("POST", "/reset", account=KEY)
    assert 200 == status
    free = {"BNB": "0.00000000", "BTC": "2.00000000", "ETH": "10.00000000", "USDT": "100000.00000000"}
    assert free == shown["accounts"][0]["free"]
    assert ("100000.00000000", "0.00000000") == await bare.balance("USDT")
    assert (200, []) == await bare.send("GET", "/api/v3/openOrders")
    assert [] == paper.oracle.differences(paper.matching)
    _, orders = await bare.send("GET", "/api/v3/allOrders", symbol="BTCUSDT")
    assert ["FILLED", "CANCELED"] == [order["status"] for order in orders]
    status, shown = await bare.control("POST", "/reset", balances={"USDT": "12.5"})
    assert 200 == status
    assert {"12.50000000"} == {account["free"]["USDT"] for account in shown["accounts"]}
    assert {"0.00000000"} == {account["free"]["BTC"] for account in shown["accounts"]}


async def test_reset_refuses(paper: PaperExchange, bare: Bare) -> None:
    """An unknown account or an impossible balance changes nothing."""
    before = paper.oracle.shown(paper.matching)
    for given in (
        {"account": "nobody"},
        {"balances": {"USDT": "-1"}},
        {"balances": {"USDT": "x"}},
        {"balances": 3},
    ):
        status, shown = await bare.control("POST", "/reset", **given)
        assert (400, ["error"]) == (status, list(shown))
    assert before == paper.oracle.shown(paper.matching)
