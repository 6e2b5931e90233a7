"""Binance's REST endpoints as functions from parameters to an answer; no HTTP in here."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.paper import refusals, render, tickets
from engine.paper.calls import Call, Endpoint
from engine.paper.scale import text

if TYPE_CHECKING:
    from engine.paper.matching import Market
    from engine.paper.orders import Order


def ping(_: Call) -> Any:
    return {}


def server_time(call: Call) -> Any:
    return {"serverTime": call.matching.clock.now_ms()}


def exchange_info(call: Call) -> Any:
    markets = call.matching.markets
    wanted = list(markets)
    if "symbol" in call.params:
        wanted = [call.params["symbol"]]
    elif "symbols" in call.params:
        wanted = [name.strip('"') for name in call.params["symbols"].strip("[]").split(",")]
    if any(name not in markets for name in wanted):
        raise refusals.unknown_symbol()
    return {
        "timezone": "UTC",
        "serverTime": call.matching.clock.now_ms(),
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, 6000),
            _limit("ORDERS", "SECOND", 10, 100),
            _limit("ORDERS", "DAY", 1, 200_000),
            _limit("RAW_REQUESTS", "MINUTE", 5, 61_000),
        ],
        "exchangeFilters": [],
        "symbols": [markets[name].instrument.wire for name in wanted],
    }


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def account(call: Call) -> Any:
    return render.account(call.owner, call.params.get("omitZeroBalances") == "true")


def new_order(call: Call) -> Any:
    ticket = tickets.read_ticket(call.matching, call.params)
    order, executions = call.matching.place(call.owner, ticket)
    default = "FULL" if order.type in {"LIMIT", "MARKET"} else "ACK"
    return render.placed(order, executions, call.params.get("newOrderRespType", default))


def try_order(call: Call) -> Any:
    tickets.read_ticket(call.matching, call.params)
    return {}


def query_order(call: Call) -> Any:
    return render.queried(_find(call, refusals.no_such_order))


def cancel_order(call: Call) -> Any:
    order = _find(call, refusals.unknown_order)
    cancel_id = tickets.client_order_id(call.params, "newClientOrderId")
    call.matching.cancel(order, cancel_id)
    return render.canceled(order, cancel_id)


def cancel_all(call: Call) -> Any:
    symbol = call.market().instrument.symbol
    orders = [order for (where, _), order in call.owner.open_orders.items() if where == symbol]
    if not orders:
        raise refusals.unknown_order()
    cancel_id = tickets.client_order_id(call.params, "newClientOrderId")
    for order in orders:
        call.matching.cancel(order, cancel_id)
    return [render.canceled(order, cancel_id) for order in orders]


def _find(call: Call, refusal: Callable[[], refusals.Refusal]) -> "Order":
    """Find one own order by either id; with a reused client order id the newest counts."""
    market, owner = call.market(), call.owner
    order_id = tickets.integer(call.params, "orderId")
    client_id = call.params.get("origClientOrderId")
    if order_id is None and not client_id:
        raise refusals.Refusal(
            -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        )
    if order_id is not None:
        order = market.orders.get(order_id)
    else:
        order = owner.by_client_id.get((market.instrument.symbol, client_id or ""))
    if order is None or order.account is not owner or (client_id and order.client_order_id != client_id):
        raise refusal()
    return order


def open_orders(call: Call) -> Any:
    symbol = call.market().instrument.symbol if "symbol" in call.params else None
    orders = call.owner.open_orders.items()
    return [render.queried(order) for (where, _), order in orders if symbol in (None, where)]


def all_orders(call: Call) -> Any:
    orders = call.owner.orders.get(call.market().instrument.symbol, [])
    start, end = call.window()
    first_id = tickets.integer(call.params, "orderId")
    found = [
        order
        for order in orders
        if start <= order.created_ms <= end and (first_id is None or order.id >= first_id)
    ]
    return [render.queried(order) for order in call.page(found, from_start=first_id is not None)]


def my_trades(call: Call) -> Any:
    trades = call.owner.executions.get(call.market().instrument.symbol, [])
    start, end = call.window()
    order_id = tickets.integer(call.params, "orderId")
    from_id = tickets.integer(call.params, "fromId")
    found = [
        (execution, order)
        for execution, order in trades
        if start <= execution.time_ms <= end
        and (order_id is None or order.id == order_id)
        and (from_id is None or execution.id >= from_id)
    ]
    return [render.own_trade(*pair) for pair in call.page(found, from_start=from_id is not None)]


def depth(call: Call) -> Any:
    limit = tickets.integer(call.params, "limit")
    return render.depth(call.market(), min(100 if limit is None else limit, 5000))


def trades(call: Call) -> Any:
    return [render.public_trade(one) for one in call.page(list(call.market().trades), from_start=False)]


def aggregate_trades(call: Call) -> Any:
    return [render.aggregate_trade(one) for one in call.page(list(call.market().trades), from_start=False)]


def _per_market(call: Call, shape: Callable[["Market"], Any]) -> Any:
    """One market if a symbol is named, else a list of the named ones or of all."""
    if "symbol" in call.params:
        return shape(call.market())
    markets = call.matching.markets
    names = list(markets)
    if "symbols" in call.params:
        names = [name.strip('"') for name in call.params["symbols"].strip("[]").split(",")]
    if any(name not in markets for name in names):
        raise refusals.unknown_symbol()
    return [shape(markets[name]) for name in names]


def day_ticker(call: Call) -> Any:
    now = call.matching.clock.now_ms()
    return _per_market(call, lambda market: render.day_ticker(market, now))


def book_ticker(call: Call) -> Any:
    return _per_market(call, render.book_ticker)


def price_ticker(call: Call) -> Any:
    return _per_market(
        call, lambda market: {"symbol": market.instrument.symbol, "price": text(market.last_price)}
    )


def trade_fee(call: Call) -> Any:
    owner = call.owner

    def shape(market: "Market") -> Any:
        return {
            "symbol": market.instrument.symbol,
            "makerCommission": text(owner.maker_rate),
            "takerCommission": text(owner.taker_rate),
        }

    shown = _per_market(call, shape)
    return shown if isinstance(shown, list) else [shown]


def all_coins(call: Call) -> Any:
    instruments = [market.instrument for market in call.matching.markets.values()]
    owner = call.owner
    return [
        {
            "coin": asset,
            "name": asset,
            "depositAllEnable": True,
            "withdrawAllEnable": True,
            "free": text(owner.free_of(asset)),
            "locked": text(owner.locked.get(asset, 0)),
            "freeze": "0",
            "withdrawing": "0",
            "ipoing": "0",
            "ipoable": "0",
            "storage": "0",
            "isLegalMoney": False,
            "trading": True,
            "networkList": [],
        }
        for asset in sorted({name for one in instruments for name in (one.base, one.quote)})
    ]


def api_restrictions(_: Call) -> Any:
    return {
        "ipRestrict": False,
        "enableReading": True,
        "enableSpotAndMarginTrading": True,
        "enableWithdrawals": False,
        "enableMargin": False,
        "enableFutures": False,
    }


def _empty_list(_: Call) -> Any:
    return []


def _no_symbols(call: Call) -> Any:
    """A derivatives exchange without instruments: enough for a client that loads all market types."""
    return {
        "timezone": "UTC",
        "serverTime": call.matching.clock.now_ms(),
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [],
    }


def _weigh_open_orders(params: dict[str, str]) -> int:
    return 6 if "symbol" in params else 80


def _weigh_my_trades(params: dict[str, str]) -> int:
    return 5 if "orderId" in params else 20


ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("GET", "/api/v3/ping"): Endpoint(ping),
    ("GET", "/api/v3/time"): Endpoint(server_time),
    ("GET", "/api/v3/exchangeInfo"): Endpoint(exchange_info, weight=20),
    ("GET", "/api/v3/depth"): Endpoint(depth, weight=5),
    ("GET", "/api/v3/trades"): Endpoint(trades, weight=25),
    ("GET", "/api/v3/aggTrades"): Endpoint(aggregate_trades, weight=4),
    ("GET", "/api/v3/ticker/24hr"): Endpoint(day_ticker, weight=2),
    ("GET", "/api/v3/ticker/bookTicker"): Endpoint(book_ticker, weight=2),
    ("GET", "/api/v3/ticker/price"): Endpoint(price_ticker, weight=2),
    ("GET", "/api/v3/account"): Endpoint(account, signed=True, weight=20),
    ("POST", "/api/v3/order"): Endpoint(new_order, signed=True, order=True),
    ("POST", "/api/v3/order/test"): Endpoint(try_order, signed=True),
    ("GET", "/api/v3/order"): Endpoint(query_order, signed=True, weight=4),
    ("DELETE", "/api/v3/order"): Endpoint(cancel_order, signed=True, order=True),
    ("GET", "/api/v3/openOrders"): Endpoint(open_orders, signed=True, weigh=_weigh_open_orders),
    ("DELETE", "/api/v3/openOrders"): Endpoint(cancel_all, signed=True, order=True),
    ("GET", "/api/v3/allOrders"): Endpoint(all_orders, signed=True, weight=20),
    ("GET", "/api/v3/myTrades"): Endpoint(my_trades, signed=True, weigh=_weigh_my_trades),
    ("GET", "/sapi/v1/system/status"): Endpoint(lambda _: {"status": 0, "msg": "normal"}),
    ("GET", "/sapi/v1/asset/tradeFee"): Endpoint(trade_fee, signed=True),
    ("GET", "/sapi/v1/capital/config/getall"): Endpoint(all_coins, signed=True, weight=10),
    ("GET", "/sapi/v1/account/apiRestrictions"): Endpoint(api_restrictions, signed=True),
    ("GET", "/sapi/v1/margin/allPairs"): Endpoint(_empty_list, signed=True),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): Endpoint(_empty_list, signed=True),
    ("GET", "/fapi/v1/ping"): Endpoint(ping),
    ("GET", "/fapi/v1/time"): Endpoint(server_time),
    ("GET", "/fapi/v1/exchangeInfo"): Endpoint(_no_symbols),
    ("GET", "/dapi/v1/ping"): Endpoint(ping),
    ("GET", "/dapi/v1/time"): Endpoint(server_time),
    ("GET", "/dapi/v1/exchangeInfo"): Endpoint(_no_symbols),
}
