"""Reads an order request: mandatory, unwanted and malformed parameters, then the instrument's filters."""

import re
import secrets
from typing import TYPE_CHECKING

from engine.paper import refusals, scale
from engine.paper.filters import check_filters
from engine.paper.orders import Ticket

if TYPE_CHECKING:
    from engine.paper.instruments import Instrument
    from engine.paper.matching import Matching

CLIENT_ID_RANGE = "^[a-zA-Z0-9-_]{1,36}$"
_CLIENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")
_TYPES = {
    "LIMIT": "Limit",
    "MARKET": "Market",
    "LIMIT_MAKER": "Limit maker",
    "STOP_LOSS": "Stop loss",
    "STOP_LOSS_LIMIT": "Stop loss limit",
    "TAKE_PROFIT": "Take profit",
    "TAKE_PROFIT_LIMIT": "Take profit limit",
}
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
    instrument = market.instrument
    if order_type not in instrument.order_types:
        if order_type not in _TYPES:
            raise refusals.Refusal(-1116, "Invalid orderType.")
        raise refusals.not_supported(f"{_TYPES[order_type]} orders are")
    if not instrument.trading:
        raise refusals.Refusal(-1013, "Market is closed.")
    ticket = Ticket(
        symbol=instrument.symbol,
        buy=side == "BUY",
        type=order_type,
        time_in_force=_time_in_force(params, order_type),
        price=_price(params, order_type),
        quantity=_quantity(params, order_type),
        quote_quantity=_amount(params, "quoteOrderQty") if "quoteOrderQty" in params else 0,
        client_order_id=client_order_id(params, "newClientOrderId"),
        prevention=_prevention(params, instrument),
    )
    if ticket.quote_quantity and not instrument.quote_quantity_allowed:
        raise refusals.not_supported("Quote order qty market orders are")
    if params.get("newOrderRespType", "FULL") not in {"ACK", "RESULT", "FULL"}:
        raise refusals.Refusal(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    check_filters(market, ticket, matching.clock.now_ms())
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


def _prevention(params: dict[str, str], instrument: "Instrument") -> str:
    given = params.get("selfTradePreventionMode")
    if given is None:
        return instrument.prevention
    if given not in instrument.preventions:
        raise refusals.Refusal(-1013, "This symbol does not allow the specified self-trade prevention mode.")
    return given


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
    if "icebergQty" in params:
        _amount(params, "icebergQty")
        raise refusals.not_supported("Iceberg orders are")
    for stop in ("stopPrice", "trailingDelta"):
        if stop in params:
            raise refusals.not_required(stop)
    if "quoteOrderQty" not in params:
        return _amount(params, "quantity")
    if order_type != "MARKET":
        raise refusals.not_required("quoteOrderQty")
    if "quantity" in params:
        raise refusals.bad_combination()
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
