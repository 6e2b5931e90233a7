"""Endpoints about one's own orders: new, canceled, replaced, queried, listed."""

from typing import TYPE_CHECKING, Any

from engine.paper import refusals, render, tickets
from engine.paper.orders import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.paper.calls import Call
    from engine.paper.orders import Order, Ticket

_REPLACE_ONLY = {
    "cancelReplaceMode",
    "cancelNewClientOrderId",
    "cancelOrigClientOrderId",
    "cancelOrderId",
    "cancelRestrictions",
    "orderRateLimitExceededMode",
}


def new_order(call: "Call") -> Any:
    return _place(call, tickets.read_ticket(call.matching, call.params))


def _place(call: "Call", ticket: "Ticket") -> dict[str, Any]:
    order, executions = call.matching.place(call.owner, ticket)
    default = "FULL" if order.type in {"LIMIT", "MARKET"} else "ACK"
    return render.placed(order, executions, call.params.get("newOrderRespType", default))


def try_order(call: "Call") -> Any:
    """Check an order without placing it; with the fees it would pay if asked for."""
    ticket = tickets.read_ticket(call.matching, call.params)
    if call.params.get("computeCommissionRates") != "true":
        return {}
    rates = render.commission(call.owner, ticket.symbol)
    return {
        **{
            f"{kind}CommissionForOrder": {
                side: rates[f"{kind}Commission"][side] for side in ("maker", "taker")
            }
            for kind in ("standard", "special", "tax")
        },
        "discount": rates["discount"],
    }


def weigh_try(params: dict[str, str]) -> int:
    return 20 if params.get("computeCommissionRates") == "true" else 1


def query_order(call: "Call") -> Any:
    return render.queried(_find(call, refusals.no_such_order))


def cancel_order(call: "Call") -> Any:
    order = _find(call, refusals.unknown_order)
    return _cancel(call, order, "newClientOrderId")


def _cancel(call: "Call", order: "Order", id_name: str) -> dict[str, Any]:
    cancel_id = tickets.client_order_id(call.params, id_name)
    only = call.params.get("cancelRestrictions")
    if only is not None:
        wanted = {"ONLY_NEW": Status.NEW, "ONLY_PARTIALLY_FILLED": Status.PARTIALLY_FILLED}.get(only)
        if wanted is None:
            raise refusals.Refusal(
                -1145, "Invalid cancelRestrictions: it has to be either ONLY_NEW or ONLY_PARTIALLY_FILLED."
            )
        if order.open and order.status is not wanted:
            raise refusals.Refusal(-2011, "Order was not canceled due to cancel restrictions.")
    call.matching.cancel(order, cancel_id)
    return render.canceled(order, cancel_id)


def cancel_all(call: "Call") -> Any:
    symbol = call.market().instrument.symbol
    orders = [order for (where, _), order in call.owner.open_orders.items() if where == symbol]
    if not orders:
        raise refusals.unknown_order()
    cancel_id = tickets.client_order_id(call.params, "newClientOrderId")
    for order in orders:
        call.matching.cancel(order, cancel_id)
    return [render.canceled(order, cancel_id) for order in orders]


def replace_order(call: "Call") -> Any:
    """Cancel one order and place another; parameters and filters are checked before either is tried."""
    params = call.params
    mode = tickets.require(params, "cancelReplaceMode")
    if mode not in {"STOP_ON_FAILURE", "ALLOW_FAILURE"}:
        raise refusals.not_valid("cancelReplaceMode")
    order_id = tickets.integer(params, "cancelOrderId")
    client_id = params.get("cancelOrigClientOrderId")
    if order_id is None and not client_id:
        raise refusals.either_of("cancelOrigClientOrderId", "cancelOrderId")
    tickets.client_order_id(params, "cancelNewClientOrderId")
    ticket = tickets.read_ticket(
        call.matching, {name: value for name, value in params.items() if name not in _REPLACE_ONLY}
    )

    def cancel() -> dict[str, Any]:
        order = _lookup(call, order_id, client_id, refusals.unknown_order)
        return _cancel(call, order, "cancelNewClientOrderId")

    canceled = _attempt(cancel)
    if isinstance(canceled, refusals.Refusal) and mode == "STOP_ON_FAILURE":
        raise _replace_failed(canceled, None)
    placed = _attempt(lambda: _place(call, ticket))
    if isinstance(canceled, refusals.Refusal) or isinstance(placed, refusals.Refusal):
        raise _replace_failed(canceled, placed)
    return _replace_parts(canceled, placed)


def _attempt(act: "Callable[[], dict[str, Any]]") -> dict[str, Any] | refusals.Refusal:
    try:
        return act()
    except refusals.Refusal as refusal:
        return refusal


def _replace_failed(
    canceled: dict[str, Any] | refusals.Refusal, placed: dict[str, Any] | refusals.Refusal | None
) -> refusals.Refusal:
    """Tell which half failed; a new order that was not even attempted counts as failed."""
    data = _replace_parts(canceled, placed)
    if isinstance(canceled, refusals.Refusal) and not isinstance(placed, dict):
        return refusals.Refusal(-2022, "Order cancel-replace failed.", data=data)
    return refusals.Refusal(-2021, "Order cancel-replace partially failed.", 409, data=data)


def _replace_parts(
    canceled: dict[str, Any] | refusals.Refusal, placed: dict[str, Any] | refusals.Refusal | None
) -> dict[str, Any]:
    def result(part: dict[str, Any] | refusals.Refusal | None) -> str:
        if part is None:
            return "NOT_ATTEMPTED"
        return "FAILURE" if isinstance(part, refusals.Refusal) else "SUCCESS"

    def shown(part: dict[str, Any] | refusals.Refusal | None) -> dict[str, Any] | None:
        return part.shown() if isinstance(part, refusals.Refusal) else part

    return {
        "cancelResult": result(canceled),
        "newOrderResult": result(placed),
        "cancelResponse": shown(canceled),
        "newOrderResponse": shown(placed),
    }


def _find(call: "Call", refusal: "Callable[[], refusals.Refusal]") -> "Order":
    order_id = tickets.integer(call.params, "orderId")
    client_id = call.params.get("origClientOrderId")
    if order_id is None and not client_id:
        raise refusals.either_of("origClientOrderId", "orderId")
    return _lookup(call, order_id, client_id, refusal)


def _lookup(
    call: "Call", order_id: int | None, client_id: str | None, refusal: "Callable[[], refusals.Refusal]"
) -> "Order":
    """Find one own order by either id; with a reused client order id the newest counts."""
    market, owner = call.market(), call.owner
    if order_id is not None:
        order = market.orders.get(order_id)
    else:
        order = owner.by_client_id.get((market.instrument.symbol, client_id or ""))
    if order is None or order.account is not owner or (client_id and order.client_order_id != client_id):
        raise refusal()
    return order


def open_orders(call: "Call") -> Any:
    symbol = call.market().instrument.symbol if "symbol" in call.params else None
    orders = call.owner.open_orders.items()
    return [render.queried(order) for (where, _), order in orders if symbol in (None, where)]


def weigh_open_orders(params: dict[str, str]) -> int:
    return 6 if "symbol" in params else 80


def all_orders(call: "Call") -> Any:
    orders = call.owner.orders.get(call.market().instrument.symbol, [])
    start, end = call.window()
    first_id = tickets.integer(call.params, "orderId")
    found = [
        order
        for order in orders
        if start <= order.created_ms <= end and (first_id is None or order.id >= first_id)
    ]
    return [render.queried(order) for order in call.page(found, from_start=first_id is not None)]


def my_trades(call: "Call") -> Any:
    """List own trades by id, order or time, in the combinations the exchange allows."""
    trades = call.owner.executions.get(call.market().instrument.symbol, [])
    start, end = call.window()
    order_id = tickets.integer(call.params, "orderId")
    from_id = tickets.integer(call.params, "fromId")
    timed = "startTime" in call.params or "endTime" in call.params
    if timed and (order_id is not None or from_id is not None):
        raise refusals.bad_combination()
    found = [
        (execution, order)
        for execution, order in trades
        if start <= execution.time_ms <= end
        and (order_id is None or order.id == order_id)
        and (from_id is None or execution.id >= from_id)
    ]
    return [render.own_trade(*pair) for pair in call.page(found, from_start=from_id is not None)]


def weigh_my_trades(params: dict[str, str]) -> int:
    return 5 if "orderId" in params else 20


def prevented_matches(call: "Call") -> Any:
    """Own prevented matches by their id, or all of one order."""
    market = call.market()
    match_id = tickets.integer(call.params, "preventedMatchId")
    order_id = tickets.integer(call.params, "orderId")
    if match_id is None and order_id is None:
        raise refusals.either_of("preventedMatchId", "orderId")
    first_id = tickets.integer(call.params, "fromPreventedMatchId") or 0
    found = [
        match
        for match in market.prevented
        if market.orders[match.taker_id].account is call.owner
        and match_id in (None, match.id)
        and (order_id is None or order_id in (match.taker_id, match.maker_id))
        and match.id >= first_id
    ]
    return [render.prevented_match(match) for match in call.page(found, from_start=True)]


def weigh_prevented(params: dict[str, str]) -> int:
    return 2 if "preventedMatchId" in params else 20


def no_amendments(call: "Call") -> Any:
    """Orders are never amended here, nor allocated by a router; a symbol must be right all the same."""
    call.market()
    return []


def refuse_order_list(call: "Call") -> Any:
    """Order lists are not traded here; exchangeInfo says so too."""
    call.market()
    raise refusals.not_supported("OCO orders are")


def no_order_lists(_: "Call") -> Any:
    return []


def unknown_order_list(call: "Call") -> Any:
    if not call.params.keys() & {"orderListId", "listClientOrderId", "origClientOrderId"}:
        raise refusals.either_of("origClientOrderId", "orderListId")
    raise refusals.Refusal(-2013, "Order list does not exist.")


def unknown_order_list_canceled(call: "Call") -> Any:
    call.market()
    raise refusals.unknown_order()
