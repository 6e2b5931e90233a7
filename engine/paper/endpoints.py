"""Which paths there are, who answers them, what they weigh and what they ask for."""

from typing import TYPE_CHECKING, Any

from engine.paper import account_endpoints as account
from engine.paper import listen_keys as legacy
from engine.paper import market_endpoints as market
from engine.paper import order_endpoints as orders
from engine.paper import transfer_endpoints as transfers
from engine.paper.calls import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.paper.calls import Call


def _read(answer: "Callable[[Call], Any]", weight: int = 1, **more: Any) -> Endpoint:
    """About one's own account: needs a signature."""
    return Endpoint(answer, signed=True, weight=weight, **more)


def _order(answer: "Callable[[Call], Any]") -> Endpoint:
    """Places or ends an order: logged, and counted if it is new."""
    return Endpoint(answer, signed=True, order=True)


ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("GET", "/api/v3/ping"): Endpoint(market.ping),
    ("GET", "/api/v3/time"): Endpoint(market.server_time),
    ("GET", "/api/v3/exchangeInfo"): Endpoint(market.exchange_info, weight=20),
    ("GET", "/api/v3/depth"): Endpoint(market.depth, weigh=market.weigh_depth),
    ("GET", "/api/v3/trades"): Endpoint(market.trades, weight=25),
    ("GET", "/api/v3/historicalTrades"): Endpoint(market.old_trades, keyed=True, weight=25),
    ("GET", "/api/v3/aggTrades"): Endpoint(market.aggregate_trades, weight=4),
    ("GET", "/api/v3/klines"): Endpoint(market.candles, weight=2),
    ("GET", "/api/v3/uiKlines"): Endpoint(market.candles, weight=2),
    ("GET", "/api/v3/avgPrice"): Endpoint(market.average_price, weight=2),
    ("GET", "/api/v3/ticker/24hr"): Endpoint(market.day_ticker, weigh=market.weigh_day),
    ("GET", "/api/v3/ticker/bookTicker"): Endpoint(market.book_ticker, weigh=market.weigh_ticker),
    ("GET", "/api/v3/ticker/price"): Endpoint(market.price_ticker, weigh=market.weigh_ticker),
    ("GET", "/api/v3/ticker"): Endpoint(market.rolling_ticker, weigh=market.weigh_rolling),
    ("GET", "/api/v3/ticker/tradingDay"): Endpoint(market.trading_day_ticker, weigh=market.weigh_rolling),
    ("GET", "/api/v3/account"): _read(account.account, 20),
    ("GET", "/api/v3/account/commission"): _read(account.commission, 20),
    ("GET", "/api/v3/rateLimit/order"): _read(account.order_counts, 40),
    ("GET", "/api/v3/myFilters"): _read(account.filters, 40),
    ("POST", "/api/v3/order"): _order(orders.new_order),
    ("POST", "/api/v3/order/test"): _read(orders.try_order, weigh=orders.weigh_try),
    ("GET", "/api/v3/order"): _read(orders.query_order, 4),
    ("DELETE", "/api/v3/order"): _order(orders.cancel_order),
    ("POST", "/api/v3/order/cancelReplace"): _order(orders.replace_order),
    ("GET", "/api/v3/openOrders"): _read(orders.open_orders, weigh=orders.weigh_open_orders),
    ("DELETE", "/api/v3/openOrders"): _order(orders.cancel_all),
    ("GET", "/api/v3/allOrders"): _read(orders.all_orders, 20),
    ("GET", "/api/v3/myTrades"): _read(orders.my_trades, weigh=orders.weigh_my_trades),
    ("GET", "/api/v3/myPreventedMatches"): _read(orders.prevented_matches, weigh=orders.weigh_prevented),
    ("GET", "/api/v3/myAllocations"): _read(orders.no_amendments, 20),
    ("GET", "/api/v3/order/amendments"): _read(orders.no_amendments, 4),
    ("POST", "/api/v3/order/oco"): _read(orders.refuse_order_list),
    ("POST", "/api/v3/orderList/oco"): _read(orders.refuse_order_list),
    ("POST", "/api/v3/orderList/oto"): _read(orders.refuse_order_list),
    ("POST", "/api/v3/orderList/otoco"): _read(orders.refuse_order_list),
    ("DELETE", "/api/v3/orderList"): _read(orders.unknown_order_list_canceled),
    ("GET", "/api/v3/orderList"): _read(orders.unknown_order_list, 4),
    ("GET", "/api/v3/allOrderList"): _read(orders.no_order_lists, 20),
    ("GET", "/api/v3/openOrderList"): _read(orders.no_order_lists, 6),
    ("POST", "/api/v3/userDataStream"): Endpoint(legacy.create, keyed=True, weight=2),
    ("PUT", "/api/v3/userDataStream"): Endpoint(legacy.extend, keyed=True, weight=2),
    ("DELETE", "/api/v3/userDataStream"): Endpoint(legacy.close, keyed=True, weight=2),
    ("GET", "/sapi/v1/system/status"): Endpoint(lambda _: {"status": 0, "msg": "normal"}),
    ("GET", "/sapi/v1/asset/tradeFee"): _read(account.trade_fee),
    ("GET", "/sapi/v1/capital/config/getall"): _read(account.all_coins, 10),
    ("GET", "/sapi/v1/capital/deposit/hisrec"): _read(transfers.deposits),
    ("GET", "/sapi/v1/capital/withdraw/history"): _read(transfers.withdrawals),
    ("GET", "/sapi/v1/account/apiRestrictions"): _read(account.api_restrictions),
    ("GET", "/sapi/v1/margin/allPairs"): _read(market.empty_list),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): _read(market.empty_list),
    ("GET", "/fapi/v1/ping"): Endpoint(market.ping),
    ("GET", "/fapi/v1/time"): Endpoint(market.server_time),
    ("GET", "/fapi/v1/exchangeInfo"): Endpoint(market.no_symbols),
    ("GET", "/dapi/v1/ping"): Endpoint(market.ping),
    ("GET", "/dapi/v1/time"): Endpoint(market.server_time),
    ("GET", "/dapi/v1/exchangeInfo"): Endpoint(market.no_symbols),
}
