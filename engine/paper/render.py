"""The shapes of Binance's answers: orders, fills, accounts, books, tickers."""

from typing import TYPE_CHECKING, Any

from engine.paper.scale import text

if TYPE_CHECKING:
    from engine.paper.accounts import Account
    from engine.paper.matching import Market
    from engine.paper.orders import Execution, Order

_STP = {"selfTradePreventionMode": "NONE"}


def placed(order: "Order", executions: "list[Execution]", response_type: str) -> dict[str, Any]:
    """Answer a new order: ACK, RESULT or FULL."""
    shown: dict[str, Any] = {
        "symbol": order.instrument.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": order.updated_ms,
    }
    if response_type == "ACK":
        return shown
    shown.update(_state(order))
    shown["workingTime"] = order.created_ms
    if response_type == "FULL":
        shown["fills"] = [_fill(order, execution) for execution in executions]
    shown.update(_STP)
    return shown


def _fill(order: "Order", execution: "Execution") -> dict[str, Any]:
    fee, asset = execution.fee_of(order.buy)
    return {
        "price": text(execution.price),
        "qty": text(execution.quantity),
        "commission": text(fee),
        "commissionAsset": asset,
        "tradeId": execution.id,
    }


def _state(order: "Order") -> dict[str, Any]:
    return {
        "price": text(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.filled),
        "origQuoteOrderQty": text(order.quote_quantity),
        "cummulativeQuoteQty": text(order.quote_filled),
        "status": order.status.value,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": "BUY" if order.buy else "SELL",
    }


def queried(order: "Order") -> dict[str, Any]:
    """One order of a query or a list."""
    return {
        "symbol": order.instrument.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        **_state(order),
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
        "workingTime": order.created_ms,
        **_STP,
    }


def canceled(order: "Order", cancel_id: str) -> dict[str, Any]:
    """Answer a cancel: clientOrderId is the cancel's own id."""
    return {
        "symbol": order.instrument.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": order.updated_ms,
        **_state(order),
        **_STP,
    }


def own_trade(execution: "Execution", order: "Order") -> dict[str, Any]:
    fee, asset = execution.fee_of(order.buy)
    return {
        "symbol": execution.symbol,
        "id": execution.id,
        "orderId": order.id,
        "orderListId": -1,
        "price": text(execution.price),
        "qty": text(execution.quantity),
        "quoteQty": text(execution.quote),
        "commission": text(fee),
        "commissionAsset": asset,
        "time": execution.time_ms,
        "isBuyer": order.buy,
        "isMaker": execution.buyer_is_maker is order.buy,
        "isBestMatch": True,
    }


def public_trade(execution: "Execution") -> dict[str, Any]:
    return {
        "id": execution.id,
        "price": text(execution.price),
        "qty": text(execution.quantity),
        "quoteQty": text(execution.quote),
        "time": execution.time_ms,
        "isBuyerMaker": execution.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate_trade(execution: "Execution") -> dict[str, Any]:
    return {
        "a": execution.id,
        "p": text(execution.price),
        "q": text(execution.quantity),
        "f": execution.id,
        "l": execution.id,
        "T": execution.time_ms,
        "m": execution.buyer_is_maker,
        "M": True,
    }


def account(shown: "Account", omit_zero: bool) -> dict[str, Any]:
    assets = sorted({*shown.free, *shown.locked})
    balances = [
        {"asset": asset, "free": text(shown.free_of(asset)), "locked": text(shown.locked.get(asset, 0))}
        for asset in assets
        if not omit_zero or shown.free_of(asset) or shown.locked.get(asset)
    ]
    return {
        "makerCommission": shown.maker_rate // 10_000,
        "takerCommission": shown.taker_rate // 10_000,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": text(shown.maker_rate),
            "taker": text(shown.taker_rate),
            "buyer": text(0),
            "seller": text(0),
        },
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": shown.updated_ms,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": shown.uid,
    }


def depth(market: "Market", limit: int) -> dict[str, Any]:
    book = market.book
    return {
        "lastUpdateId": book.update_id,
        "bids": [[text(price), text(quantity)] for price, quantity in book.bids.levels(limit)],
        "asks": [[text(price), text(quantity)] for price, quantity in book.asks.levels(limit)],
    }


def best(market: "Market") -> tuple[str, str, str, str]:
    """Bid price, bid quantity, ask price, ask quantity; zeros where a side is empty."""
    bids, asks = market.book.bids.levels(1), market.book.asks.levels(1)
    bid, ask = (bids or [(0, 0)])[0], (asks or [(0, 0)])[0]
    return text(bid[0]), text(bid[1]), text(ask[0]), text(ask[1])


def book_ticker(market: "Market") -> dict[str, Any]:
    bid, bid_quantity, ask, ask_quantity = best(market)
    return {
        "symbol": market.instrument.symbol,
        "bidPrice": bid,
        "bidQty": bid_quantity,
        "askPrice": ask,
        "askQty": ask_quantity,
    }


def day_ticker(market: "Market", now_ms: int) -> dict[str, Any]:
    bid, bid_quantity, ask, ask_quantity = best(market)
    start = market.opening
    change = market.last_price - start
    average = market.quote_volume * 10**8 // market.volume if market.volume else market.last_price
    return {
        "symbol": market.instrument.symbol,
        "priceChange": text(change),
        "priceChangePercent": _percent(change, start),
        "weightedAvgPrice": text(average),
        "prevClosePrice": text(start),
        "lastPrice": text(market.last_price),
        "lastQty": text(market.trades[-1].quantity if market.trades else 0),
        "bidPrice": bid,
        "bidQty": bid_quantity,
        "askPrice": ask,
        "askQty": ask_quantity,
        "openPrice": text(start),
        "highPrice": text(market.high),
        "lowPrice": text(market.low),
        "volume": text(market.volume),
        "quoteVolume": text(market.quote_volume),
        "openTime": now_ms - 86_400_000,
        "closeTime": now_ms,
        "firstId": market.trades[0].id if market.trades else -1,
        "lastId": market.last_trade_id or -1,
        "count": market.last_trade_id,
    }


def _percent(part: int, whole: int) -> str:
    thousandths = part * 100_000 // whole
    sign = "-" if thousandths < 0 else ""
    return f"{sign}{abs(thousandths) // 1000}.{abs(thousandths) % 1000:03d}"
