"""Instruments of a recorded exchangeInfo trade with all their filters, refused in Binance's words."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.paper.instruments import recorded_instruments
from engine.paper.options import Options
from engine.paper.server import PaperExchange
from tests.paper.clients import Bare, bare_client, ccxt_client, options

FILTERS: list[dict[str, Any]] = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.50", "maxPrice": "1000.00", "tickSize": "0.05"},
    {"filterType": "LOT_SIZE", "minQty": "0.20", "maxQty": "500.00", "stepSize": "0.10"},
    {"filterType": "ICEBERG_PARTS", "limit": 10},
    {"filterType": "MARKET_LOT_SIZE", "minQty": "0.40", "maxQty": "50.00", "stepSize": "0.20"},
    {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000},
    {
        "filterType": "PERCENT_PRICE_BY_SIDE",
        "bidMultiplierUp": "1.5",
        "bidMultiplierDown": "0.5",
        "askMultiplierUp": "2",
        "askMultiplierDown": "0.8",
        "avgPriceMins": 5,
    },
    {
        "filterType": "NOTIONAL",
        "minNotional": "10.00",
        "applyMinToMarket": True,
        "maxNotional": "2000.00",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    },
    {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 3},
    {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    {"filterType": "MAX_POSITION", "maxPosition": "30.00"},
]


def symbol(name: str, base: str, quote: str, filters: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """One recorded symbol that offers more than the paper exchange does."""
    return {
        "symbol": name,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": filters,
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
        **more,
    }


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A recorded answer with three symbols: one with every filter, one with the older ones, one closed."""
    older = [
        FILTERS[0],
        FILTERS[1],
        {"filterType": "PERCENT_PRICE", "multiplierUp": "3", "multiplierDown": "0.9", "avgPriceMins": 0},
        {"filterType": "MIN_NOTIONAL", "minNotional": "5.00", "applyToMarket": False, "avgPriceMins": 0},
    ]
    symbols = [
        symbol("AAAUSDT", "AAA", "USDT", FILTERS),
        symbol("BBBUSDT", "BBB", "USDT", older, quoteOrderQtyMarketAllowed=False),
        symbol("CCCUSDT", "CCC", "USDT", FILTERS, status="BREAK"),
    ]
    path = tmp_path / "exchangeInfo.json"
    path.write_text(json.dumps({"timezone": "UTC", "symbols": symbols}), encoding="utf-8")
    return path


@pytest.fixture
async def listed(recorded: Path) -> AsyncIterator[PaperExchange]:
    """AAA held at 100 / 101, BBB at 10 / 10.05."""
    given = options("rich:rich:AAA=20,BBB=100", exchange_info=recorded)
    async with PaperExchange(given) as exchange:
        exchange.outside.pin("AAAUSDT", 100 * 10**8, 101 * 10**8, 10**11)
        exchange.outside.pin("BBBUSDT", 10 * 10**8, 10_05 * 10**6, 10**11)
        yield exchange
        assert [] == exchange.oracle.differences(exchange.matching)


@pytest.fixture
async def trader(listed: PaperExchange) -> AsyncIterator[Bare]:
    async with bare_client(listed, "rich", "rich") as client:
        await client.paper_deposit("USDT", 100_000)
        yield client


LIMIT = {"symbol": "AAAUSDT", "quantity": "1", "price": "90"}
MARKET = {"symbol": "AAAUSDT", "type": "MARKET", "timeInForce": None, "price": None}


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (LIMIT, None),
        ({**LIMIT, "price": "90.01"}, "Filter failure: PRICE_FILTER"),
        ({**LIMIT, "price": "0.45"}, "Filter failure: PRICE_FILTER"),
        ({**LIMIT, "price": "1000.05"}, "Filter failure: PRICE_FILTER"),
        ({**LIMIT, "price": "50"}, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({**LIMIT, "price": "151"}, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({**LIMIT, "side": "SELL", "price": "202"}, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({**LIMIT, "side": "SELL", "price": "80"}, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({**LIMIT, "quantity": "0.1"}, "Filter failure: LOT_SIZE"),
        ({**LIMIT, "quantity": "0.25"}, "Filter failure: LOT_SIZE"),
        ({**LIMIT, "quantity": "500.1"}, "Filter failure: LOT_SIZE"),
        ({**LIMIT, "quantity": "20.1", "price": "100"}, "Filter failure: NOTIONAL"),
        ({**LIMIT, "quantity": "20.1", "price": "60"}, "Filter failure: MAX_POSITION"),
        ({**LIMIT, "icebergQty": "0.5"}, "Iceberg orders are not supported for this symbol."),
        (
            {**LIMIT, "type": "STOP_LOSS_LIMIT", "stopPrice": "80"},
            "Stop loss limit orders are not supported for this symbol.",
        ),
        ({**LIMIT, "selfTradePreventionMode": "NONE"}, "This symbol does not allow"),
        ({**LIMIT, "symbol": "CCCUSDT"}, "Market is closed."),
        ({**MARKET, "quantity": "0.3"}, "Filter failure: MARKET_LOT_SIZE"),
        ({**MARKET, "quantity": "0.5"}, "Filter failure: MARKET_LOT_SIZE"),
        ({**MARKET, "quantity": "50.2"}, "Filter failure: MARKET_LOT_SIZE"),
        ({**MARKET, "quantity": "2.4"}, None),
        ({**MARKET, "quantity": None, "quoteOrderQty": "9.99"}, "Filter failure: NOTIONAL"),
        ({**LIMIT, "symbol": "BBBUSDT", "quantity": "0.5", "price": "9.5"}, "Filter failure: MIN_NOTIONAL"),
        ({**LIMIT, "symbol": "BBBUSDT", "price": "8.95"}, "Filter failure: PERCENT_PRICE"),
        ({**LIMIT, "symbol": "BBBUSDT", "price": "31"}, "Filter failure: PERCENT_PRICE"),
        ({**MARKET, "symbol": "BBBUSDT", "quantity": "0.2"}, None),
        (
            {**MARKET, "symbol": "BBBUSDT", "quantity": None, "quoteOrderQty": "20"},
            "Quote order qty market orders are not support",
        ),
    ],
)
async def test_filters(trader: Bare, order: dict[str, Any], message: str | None) -> None:
    """Each filter refuses what lies beyond it, with -1013 and its name, and lets pass what does not."""
    status, shown = await trader.order(**order)
    if message is None:
        assert (200, None) == (status, shown.get("msg"))
    else:
        assert (400, -1013) == (status, shown["code"])
        assert message in shown["msg"]


async def test_number_of_open_orders(trader: Bare) -> None:
    """MAX_NUM_ORDERS counts open orders of one symbol; a canceled one makes room."""
    for _ in range(3):
        assert 200 == (await trader.order(**LIMIT))[0]
    status, shown = await trader.order(**LIMIT)
    assert (400, -1013, "Filter failure: MAX_NUM_ORDERS") == (status, shown["code"], shown["msg"])
    assert 200 == (await trader.order(**MARKET, side="SELL", quantity="1"))[0]
    assert 200 == (await trader.order(symbol="BBBUSDT", quantity="1", price="9.5"))[0]
    await trader.send("DELETE", "/api/v3/order", symbol="AAAUSDT", orderId=_last(await _open(trader)))
    assert 200 == (await trader.order(**LIMIT))[0]


async def test_percent_price_goes_by_the_average(trader: Bare, listed: PaperExchange) -> None:
    """The reference is the average of what was traded in five minutes, not the last price."""
    listed.clock.freeze(1_800_000_000_000)
    await trader.order(**MARKET, side="SELL", quantity="10")
    listed.outside.pin("AAAUSDT", 180 * 10**8, 181 * 10**8, 10**11)
    assert "PERCENT_PRICE" in (await trader.order(**{**LIMIT, "price": "175"}))[1]["msg"]
    listed.clock.advance(6 * 60_000)
    assert 200 == (await trader.order(**{**LIMIT, "price": "175"}))[0]


async def test_exchange_info_offers_what_is_spoken(trader: Bare) -> None:
    """Filters are shown as recorded; order types and modes only as far as they are traded here."""
    _, shown = await trader.raw("GET", "/api/v3/exchangeInfo?symbol=AAAUSDT")
    (told,) = shown["symbols"]
    assert FILTERS == told["filters"]
    assert ["LIMIT", "LIMIT_MAKER", "MARKET"] == told["orderTypes"]
    assert (False, False, True) == tuple(
        told[name] for name in ("icebergAllowed", "ocoAllowed", "cancelReplaceAllowed")
    )
    assert ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"] == told["allowedSelfTradePreventionModes"]
    _, shown = await trader.raw("GET", "/api/v3/exchangeInfo?symbolStatus=BREAK")
    assert ["CCCUSDT"] == [one["symbol"] for one in shown["symbols"]]
    _, shown = await trader.raw("GET", "/api/v3/exchangeInfo")
    assert 3 == len(shown["symbols"])


async def test_ccxt_trades_recorded_instruments(listed: PaperExchange) -> None:
    """An unmodified client loads the recorded markets and trades one of them."""
    async with ccxt_client(listed, "rich", "rich") as client:
        markets = await client.load_markets()
        assert (0.05, 0.1, 10.0) == (
            markets["AAA/USDT"]["precision"]["price"],
            markets["AAA/USDT"]["precision"]["amount"],
            markets["AAA/USDT"]["limits"]["cost"]["min"],
        )
        assert not markets["CCC/USDT"]["active"]
        placed = await client.create_order("AAA/USDT", "market", "sell", 1)
        assert (100.0, "closed") == (placed["average"], placed["status"])


def test_all_of_a_recorded_exchange_moves(recorded: Path) -> None:
    """Every trading instrument has prices on its tick and trades within its filters; a closed one rests."""
    paper = PaperExchange(Options(step_ms=0, exchange_info=recorded))
    paper.step(50)
    for market in paper.matching.markets.values():
        bid, ask = market.book.bids.best(), market.book.asks.best()
        if not market.instrument.trading:
            assert (None, None, 0) == (bid, ask, market.last_trade_id)
            continue
        assert bid is not None
        assert ask is not None
        assert 0 < bid < ask
        assert 0 == bid % market.instrument.tick == ask % market.instrument.tick
        assert market.last_trade_id


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"symbols": [{}]}', '{"symbols": []}', '{"symbols": [1]}'])
def test_refuses_what_is_no_recorded_answer(tmp_path: Path, text: str) -> None:
    """A file that is no exchangeInfo, or one where nothing trades, is a message that names the file."""
    path = tmp_path / "wrong.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"wrong\.json"):
        recorded_instruments(path)


async def _open(trader: Bare) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await trader.send("GET", "/api/v3/openOrders", symbol="AAAUSDT"))[1]
    return found


def _last(orders: list[dict[str, Any]]) -> Any:
    return orders[-1]["orderId"]
