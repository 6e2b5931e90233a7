"""Turns ccxt's dictionaries into our values: its own words (amount, cost, free, closed) end here."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.ids import canonical
from engine.domain.instruments import Instrument
from engine.domain.money import ONE, ZERO
from engine.domain.outcomes import Balance, Fill, OrderReport

_STATUSES: Mapping[str, str] = {
    "open": "open",
    "canceling": "open",
    "closed": "filled",
    "canceled": "canceled",
    "expired": "expired",
    "rejected": "rejected",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SMALLEST_STEP = ONE.scaleb(-18)


class IncompleteAnswerError(Exception):
    """An answer lacks what it must have; it is no evidence of anything."""


def number(value: Any) -> Decimal | None:
    """Return an exchange's number exactly, None if it says nothing; else raises IncompleteAnswerError."""
    if value is None or value == "":
        return None
    try:
        result = Decimal(value if type(value) is str else str(value))
    except InvalidOperation as error:
        raise IncompleteAnswerError(f"not a number: {value!r}") from error
    if not result.is_finite():
        raise IncompleteAnswerError(f"not a number: {value!r}")
    return result


def order_report(
    order: Mapping[str, Any], *, exchange: str = "", client_order_id: str | None = None
) -> OrderReport:
    """Return the report of a unified order, with our own form of its client order id.

    `client_order_id` is what we know it by, where the answer does not say. Status stays None where the
    exchange says nothing, or says "closed" without saying how much was filled.
    """
    exchange_order_id = order.get("id")
    symbol = order.get("symbol")
    if not exchange_order_id or not symbol:
        raise IncompleteAnswerError("an order without id or symbol")
    quantity, filled = number(order.get("amount")), number(order.get("filled"))
    own = canonical(exchange, _text(order.get("clientOrderId"))) or client_order_id
    trades = order.get("trades")
    return OrderReport(
        symbol=str(symbol),
        exchange_order_id=str(exchange_order_id),
        client_order_id=own,
        status=_status(order.get("status"), quantity, filled),
        side=_text(order.get("side")),
        quantity=quantity,
        filled_quantity=filled,
        price=number(order.get("price")),
        exchange_time=moment(order.get("lastUpdateTimestamp") or order.get("timestamp")),
        fills=tuple(_order_fills(order, trades, exchange, own)) if trades else (),
        raw=_raw(order),
        average_price=_positive(order.get("average")),
    )


def fill(trade: Mapping[str, Any], *, exchange: str = "", client_order_id: str | None = None) -> Fill:
    """Return one execution of a unified trade; the fee stays None where the exchange has not said it."""
    price, quantity = number(trade.get("price")), number(trade.get("amount"))
    at = moment(trade.get("timestamp"))
    identity = (trade.get("id"), trade.get("order"), trade.get("symbol"), trade.get("side"))
    if price is None or quantity is None or at is None or not all(identity):
        raise IncompleteAnswerError("a trade without id, order, symbol, side, price, quantity or time")
    fee = trade.get("fee") or {}
    fee_quantity, fee_asset = number(fee.get("cost")), _text(fee.get("currency"))
    if fee_quantity is None or fee_asset is None:
        fee_quantity = fee_asset = None
    maker = {"maker": True, "taker": False}.get(str(trade.get("takerOrMaker")))
    return Fill(
        symbol=str(trade["symbol"]),
        exchange_order_id=str(trade["order"]),
        exchange_trade_id=str(trade["id"]),
        side=str(trade["side"]),
        price=price,
        quantity=quantity,
        fee_quantity=fee_quantity,
        fee_asset=fee_asset,
        exchange_time=at,
        client_order_id=canonical(exchange, _told_id(trade, exchange)) or client_order_id,
        maker=maker,
    )


def _told_id(trade: Mapping[str, Any], exchange: str) -> str | None:
    """Return the client order id of a trade; ccxt drops the one in Binance's report of an execution."""
    told, info = trade.get("clientOrderId"), trade.get("info")
    if told is None and exchange == "binance" and isinstance(info, Mapping):
        told = info.get("c") if info.get("e") == "executionReport" else None
    return _text(told)


def instrument(market: Mapping[str, Any], maker: Decimal | None, taker: Decimal | None) -> Instrument | None:
    """Return the instrument of a unified market, None where it states no tick, no lot or no fee."""
    precision, limits = market.get("precision") or {}, market.get("limits") or {}
    tick, lot = _positive(precision.get("price")), _positive(precision.get("amount"))
    maker = number(market.get("maker")) if maker is None else maker
    taker = number(market.get("taker")) if taker is None else taker
    if tick is None or lot is None or maker is None or taker is None:
        return None
    quantities, notionals = limits.get("amount") or {}, limits.get("cost") or {}
    markets, prices = limits.get("market") or {}, limits.get("price") or {}
    return Instrument(
        symbol=str(market["symbol"]),
        base=str(market["base"]),
        quote=str(market["quote"]),
        tick_size=tick,
        lot_size=lot,
        min_quantity=_positive(quantities.get("min")) or lot,
        max_quantity=_positive(quantities.get("max")),
        min_notional=_positive(notionals.get("min")),
        max_notional=_positive(notionals.get("max")),
        maker_fee_rate=maker,
        taker_fee_rate=taker,
        market_min_quantity=_positive(markets.get("min")),
        market_max_quantity=_positive(markets.get("max")),
        min_price=_positive(prices.get("min")),
        max_price=_positive(prices.get("max")),
        active=market.get("active") is not False,
    )


def balances(answer: Mapping[str, Any]) -> dict[str, Balance]:
    """Return what the answer names; an asset that it does not name is unknown, not zero."""
    totals = answer.get("total")
    if not isinstance(totals, Mapping):
        raise IncompleteAnswerError("a balance answer without totals")
    found: dict[str, Balance] = {}
    for asset, total_text in totals.items():
        total = number(total_text)
        free = number((answer.get("free") or {}).get(asset))
        used = number((answer.get("used") or {}).get(asset))
        if total is None or free is None or used is None:
            raise IncompleteAnswerError(f"a partial balance of {asset}")
        found[str(asset)] = Balance(free, used, total)
    return found


def moment(unix_ms: Any) -> datetime | None:
    """Return a moment in UTC out of milliseconds."""
    if unix_ms is None:
        return None
    return _EPOCH + timedelta(milliseconds=int(unix_ms))


def refuse_missing_fields(error: Exception) -> HoldfastError:
    """Return the error of a read whose answer cannot be understood."""
    return HoldfastError(ErrorCode.EXCHANGE_UNAVAILABLE, str(error))


def _order_fills(
    order: Mapping[str, Any], trades: Sequence[Mapping[str, Any]], exchange: str, own: str | None
) -> list[Fill]:
    found = []
    for trade in trades:
        # the fills of a create answer have no time of their own, and no order id on some exchanges
        whole = {
            **trade,
            "timestamp": trade.get("timestamp") or order.get("lastTradeTimestamp") or order.get("timestamp"),
            "order": trade.get("order") or order.get("id"),
            "symbol": trade.get("symbol") or order.get("symbol"),
            "side": trade.get("side") or order.get("side"),
        }
        if whole.get("id"):
            found.append(fill(whole, exchange=exchange, client_order_id=own))
    return found


def _status(said: Any, quantity: Decimal | None, filled: Decimal | None) -> str | None:
    status = _STATUSES.get(str(said))
    if status != "filled":
        return status
    if filled is None or quantity is None:
        return None
    return "filled" if filled >= quantity else "canceled"


def _positive(value: Any) -> Decimal | None:
    """Return a limit; exchanges write 0 for `no such rule`."""
    found = number(value)
    return None if found is None or found < _SMALLEST_STEP or found <= ZERO else found


def _raw(structure: Mapping[str, Any]) -> dict[str, Any]:
    info = structure.get("info")
    if type(info) is dict:  # as it came: nobody writes into it, and a list has very many
        return info
    return dict(info) if isinstance(info, Mapping) else {}


def _text(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None
