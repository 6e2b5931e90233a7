"""Reads an order request: mandatory, unwanted and malformed parameters, then the instrument's filters."""

import re
import secrets
from typing import TYPE_CHECKING

from engine.paper import refusals, scale
from engine.paper.orders import Ticket

if TYPE_CHECKING:
    from engine.paper.instruments import Instrument
    from engine.paper.matching import Market, Matching

CLIENT_ID_RANGE = "^[a-zA-Z0-9-_]{1,36}$"
_CLIENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")
_TYPES = {"LIMIT", "MARKET", "LIMIT_MAKER"}
_TYPES_TO_COME = {"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"}
_KNOWN = {
    "symbol",
    "side",
    "type",
    "timeInForce",
    "quantity",
    "quoteOrderQty",
    "price",
    "newClientOrderId",
    "strategyId",
    "strategyType",
    "stopPrice",
    "trailingDelta",
    "icebergQty",
    "newOrderRespType",
    "selfTradePreventionMode",
    "recvWindow",
    "timestamp",
    "signature",
    "computeCommissionRates",
}


def read_ticket(matching: "Matching", params: dict[str, str]) -> Ticket:
    """Check a new order's parameters and filters; Refusal says what is wrong."""
    refuse_unknown(params, _KNOWN)
    market = matching.markets.get(require(params, "symbol"))
    if market is None:
        raise refusals.unknown_symbol()
    side, order_type = require(params, "side"), require(params, "type")
    if side not in {"BUY", "SELL"}:
        raise refusals.Refusal(-1117, "Invalid side.")
    if order_type in _TYPES_TO_COME:
        raise refusals.Refusal(-1013, "This action is disabled on this account.")
    if order_type not in _TYPES:
        raise refusals.Refusal(-1116, "Invalid orderType.")
    ticket = Ticket(
        symbol=market.instrument.symbol,
        buy=side == "BUY",
        type=order_type,
        time_in_force=_time_in_force(params, order_type),
        price=_price(params, order_type),
        quantity=_quantity(params, order_type),
        quote_quantity=_amount(params, "quoteOrderQty") if "quoteOrderQty" in params else 0,
        client_order_id=client_order_id(params, "newClientOrderId"),
    )
    if params.get("newOrderRespType", "FULL") not in {"ACK", "RESULT", "FULL"}:
        raise refusals.Refusal(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    check_filters(market, ticket)
    return ticket


def require(params: dict[str, str], name: str) -> str:
    value = params.get(name)
    if value is None or value == "":
        raise refusals.missing(name)
    return value


def refuse_unknown(params: dict[str, str], known: set[str]) -> None:
    if not params.keys() <= known:
        raise refusals.too_many(len(params.keys() & known), len(params))


def client_order_id(params: dict[str, str], name: str) -> str:
    """Take the client's id, or make one as the exchange does."""
    given = params.get(name)
    if given is None:
        return secrets.token_urlsafe(16)[:22].replace("~", "x")
    if not _CLIENT_ID.fullmatch(given):
        raise refusals.illegal_characters(name, CLIENT_ID_RANGE)
    return given


def integer(params: dict[str, str], name: str) -> int | None:
    """Read an optional non-negative integer."""
    given = params.get(name)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 20):  # noqa: PLR2004 - Binance's limit
        raise refusals.illegal_characters(name, "^[0-9]{1,20}$")
    return int(given)


def check_filters(market: "Market", ticket: Ticket) -> None:
    """Apply the filters in Binance's order: price, lot, market lot, notional."""
    instrument = market.instrument
    if ticket.type == "MARKET":
        price = market.last_price
    else:
        price = ticket.price
        if price < instrument.tick or price > instrument.price_max or price % instrument.tick:
            raise refusals.filter_failure("PRICE_FILTER")
    if ticket.quote_quantity:
        _check_notional(instrument, ticket.quote_quantity, market_order=True)
        return
    quantity = ticket.quantity
    if quantity < instrument.quantity_min or quantity > instrument.quantity_max or quantity % instrument.lot:
        raise refusals.filter_failure("LOT_SIZE")
    if ticket.type == "MARKET" and quantity > instrument.market_quantity_max:
        raise refusals.filter_failure("MARKET_LOT_SIZE")
    _check_notional(instrument, scale.times(price, quantity), market_order=ticket.type == "MARKET")


def _check_notional(instrument: "Instrument", notional: int, *, market_order: bool) -> None:
    if notional < instrument.notional_min or (notional > instrument.notional_max and not market_order):
        raise refusals.filter_failure("NOTIONAL")


def _time_in_force(params: dict[str, str], order_type: str) -> str:
    given = params.get("timeInForce")
    if order_type != "LIMIT":
        if given is not None:
            raise refusals.not_required("timeInForce")
        return "GTC"
    if given is None or given == "":
        raise refusals.missing("timeInForce")
    if given not in {"GTC", "IOC", "FOK"}:
        raise refusals.Refusal(-1115, "Invalid timeInForce.")
    return given


def _price(params: dict[str, str], order_type: str) -> int:
    if order_type == "MARKET":
        if "price" in params:
            raise refusals.not_required("price")
        return 0
    return _amount(params, "price")


def _quantity(params: dict[str, str], order_type: str) -> int:
    for unsupported in ("stopPrice", "trailingDelta", "icebergQty"):
        if unsupported in params:
            raise refusals.not_required(unsupported)
    if "quoteOrderQty" not in params:
        return _amount(params, "quantity")
    if order_type != "MARKET":
        raise refusals.not_required("quoteOrderQty")
    if "quantity" in params:
        raise refusals.Refusal(-1128, "Combination of optional parameters invalid.")
    return 0


def _amount(params: dict[str, str], name: str) -> int:
    given = require(params, name)
    try:
        value = scale.parse(given)
    except scale.TooPreciseError:
        raise refusals.too_precise(name) from None
    except ValueError:
        raise refusals.illegal_characters(name, scale.NUMBER_RANGE) from None
    if value == 0:
        raise refusals.Refusal(-1013, f"Invalid {'quantity' if name == 'quoteOrderQty' else name}.")
    return value
