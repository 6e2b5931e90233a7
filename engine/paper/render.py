"""The shapes of Binance's answers: orders, fills, accounts, books, tickers."""

from typing import TYPE_CHECKING, Any

from engine.paper.accounts import THIRD_ASSET_DISCOUNT
from engine.paper.scale import text

if TYPE_CHECKING:
    from engine.paper.accounts import Account
    from engine.paper.candles import Candle
    from engine.paper.matching import Market
    from engine.paper.orders import Execution, Order, PreventedMatch


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
    shown["selfTradePreventionMode"] = order.prevention
    if order.prevented is not None:
        shown["preventedMatches"] = [_prevented_now(match) for match in order.prevented]
        shown.update(_prevented(order))
    return shown


def _prevented_now(match: "PreventedMatch") -> dict[str, Any]:
    shown = {
        "preventedMatchId": match.id,
        "makerOrderId": match.maker_id,
        "price": text(match.price),
        "takerPreventedQuantity": text(match.taker_quantity),
        "makerPreventedQuantity": text(match.maker_quantity),
    }
    return _without_zero(shown, match)


def prevented_match(match: "PreventedMatch") -> dict[str, Any]:
    """One row of myPreventedMatches."""
    shown = {
        "symbol": match.symbol,
        "preventedMatchId": match.id,
        "takerOrderId": match.taker_id,
        "makerSymbol": match.symbol,
        "makerOrderId": match.maker_id,
        "tradeGroupId": -1,
        "selfTradePreventionMode": match.mode,
        "price": text(match.price),
        "takerPreventedQuantity": text(match.taker_quantity),
        "makerPreventedQuantity": text(match.maker_quantity),
        "transactTime": match.time_ms,
    }
    return _without_zero(shown, match)


def _without_zero(shown: dict[str, Any], match: "PreventedMatch") -> dict[str, Any]:
    """Leave out the side that did not expire."""
    if not match.taker_quantity:
        del shown["takerPreventedQuantity"]
    if not match.maker_quantity:
        del shown["makerPreventedQuantity"]
    return shown


def _prevented(order: "Order") -> dict[str, Any]:
    """What an order that expired in a match tells about it."""
    if order.prevented is None or order.open or not order.prevented[-1].quantity_of(order.id):
        return {}
    match = order.prevented[-1]
    return {"preventedMatchId": match.id, "preventedQuantity": text(match.quantity_of(order.id))}


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
        "selfTradePreventionMode": order.prevention,
        **_prevented(order),
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
        "selfTradePreventionMode": order.prevention,
        **_prevented(order),
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


def commission(owner: "Account", symbol: str) -> dict[str, Any]:
    """Tell an account's fee rates on one symbol; a third asset pays fees with a discount if it is set so."""
    none = text(0)
    nothing = {"maker": none, "taker": none, "buyer": none, "seller": none}
    pays = owner.fee_asset is not None
    return {
        "symbol": symbol,
        "standardCommission": {**nothing, "maker": text(owner.maker_rate), "taker": text(owner.taker_rate)},
        "specialCommission": nothing,
        "taxCommission": nothing,
        "discount": {
            "enabledForAccount": pays,
            "enabledForSymbol": pays,
            "discountAsset": owner.fee_asset or "BNB",
            "discount": text(THIRD_ASSET_DISCOUNT),
        },
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
    day = market.candles.window(24 * 60, now_ms, market.last_price)
    bid, bid_quantity, ask, ask_quantity = best(market)
    last = market.last_price
    return {
        "symbol": market.instrument.symbol,
        **_change(day, last),
        "prevClosePrice": text(day.open),
        "lastPrice": text(last),
        "lastQty": text(market.trades[-1].quantity if market.trades else 0),
        "bidPrice": bid,
        "bidQty": bid_quantity,
        "askPrice": ask,
        "askQty": ask_quantity,
        **_totals(day),
        "openTime": now_ms - 86_400_000,
        "closeTime": now_ms,
        **_ids(day),
    }


def rolling_ticker(market: "Market", minutes: int, now_ms: int, *, full: bool) -> dict[str, Any]:
    """Statistics of so many minutes, the current one among them."""
    window = market.candles.window(minutes, now_ms, market.last_price)
    shown: dict[str, Any] = {"symbol": market.instrument.symbol}
    if full:
        shown.update(_change(window, market.last_price))
    shown["lastPrice"] = text(market.last_price)
    return {**shown, **_totals(window), "openTime": window.start_ms, "closeTime": now_ms, **_ids(window)}


def _change(window: "Candle", last: int) -> dict[str, Any]:
    average = window.quote * 10**8 // window.volume if window.volume else last
    change = last - window.open
    return {
        "priceChange": text(change),
        "priceChangePercent": _percent(change, window.open),
        "weightedAvgPrice": text(average),
    }


def _totals(window: "Candle") -> dict[str, Any]:
    return {
        "openPrice": text(window.open),
        "highPrice": text(window.high),
        "lowPrice": text(window.low),
        "volume": text(window.volume),
        "quoteVolume": text(window.quote),
    }


def _ids(window: "Candle") -> dict[str, Any]:
    return {"firstId": window.first_id, "lastId": window.last_id, "count": window.count}


def _percent(part: int, whole: int) -> str:
    thousandths = part * 100_000 // whole
    sign = "-" if thousandths < 0 else ""
    return f"{sign}{abs(thousandths) // 1000}.{abs(thousandths) % 1000:03d}"
