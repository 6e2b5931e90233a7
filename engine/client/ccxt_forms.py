"""ccxt's unified structures out of Holdfast's values."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from engine.client.values import Capital, Fill, Order, Position

Form = dict[str, Any]
Number = Callable[[str], Any]  # what a decimal text becomes: float as in ccxt, or str, or Decimal

# An order in doubt is open to its robot: it may trade, its capital is held, and a cancel of it counts.
_STATUSES = {"open": "open", "filled": "closed", "canceled": "canceled", "expired": "expired"}
_NEVER = frozenset({"rejected", "not_placed"})


def order_form(order: Order, key: str | None, number: Number) -> Form:
    """Return an order; `id` is Holdfast's, `clientOrderId` the key it was asked for with if it is known."""
    timestamp = moment_ms(order.created_at)
    status = "rejected" if order.state in _NEVER else _STATUSES.get(order.status or "open", "rejected")
    fees = [{"currency": asset, "cost": _out(fee, number)} for asset, fee in order.fees.items()]
    return {
        "id": order.id,
        "clientOrderId": key or order.client_order_id,
        "timestamp": timestamp,
        "datetime": iso8601(timestamp),
        "lastTradeTimestamp": None,
        "lastUpdateTimestamp": moment_ms(order.updated_at),
        "symbol": order.symbol,
        "type": order.type,
        "timeInForce": order.time_in_force,
        "postOnly": order.post_only,
        "reduceOnly": None,
        "side": order.side,
        "price": _out(order.limit_price, number),
        "triggerPrice": None,
        "stopPrice": None,
        "takeProfitPrice": None,
        "stopLossPrice": None,
        "amount": _out(order.quantity, number),
        "filled": _out(order.filled_quantity, number),
        "remaining": _out(order.quantity - order.filled_quantity, number),
        "average": _out(order.average_price, number),
        "cost": _out(order.notional, number),
        "status": status,
        "fee": fees[0] if len(fees) == 1 else None,
        "fees": fees,
        "trades": [],
        "info": dict(order.raw),
    }


def trade_form(fill: Fill, number: Number) -> Form:
    """Return a trade, which is what ccxt calls a fill."""
    timestamp = moment_ms(fill.exchange_time or fill.recorded_at)
    fee = None
    if fill.fee_asset is not None:
        fee = {"currency": fill.fee_asset, "cost": _out(fill.fee_quantity, number)}
    return {
        "id": fill.exchange_trade_id,
        "order": fill.order_id,
        "timestamp": timestamp,
        "datetime": iso8601(timestamp),
        "symbol": fill.symbol,
        "type": None,
        "side": fill.side,
        "takerOrMaker": None if fill.maker is None else "maker" if fill.maker else "taker",
        "price": _out(fill.price, number),
        "amount": _out(fill.quantity, number),
        "cost": _out(fill.notional, number),
        "fee": fee,
        "fees": [] if fee is None else [fee],
        "info": dict(fill.raw),
    }


def balance_form(capital: Capital, positions: Sequence[Position], number: Number) -> Form:
    """Return the profile's own money: quote that it may spend, base that it holds. Not the account's."""
    held: dict[str, tuple[Decimal, Decimal]] = {
        capital.quote_asset: (capital.available, capital.reserved_for_orders)
    }
    for position in positions:
        held[position.base_asset] = (
            position.quantity - position.reserved_quantity,
            position.reserved_quantity,
        )
    info = {"capital": dict(capital.raw), "positions": [dict(position.raw) for position in positions]}
    timestamp = moment_ms(capital.raw["updated_at"])
    form: Form = {"info": info, "timestamp": timestamp, "datetime": iso8601(timestamp)}
    form |= {"free": {}, "used": {}, "total": {}}
    for asset, (free, used) in held.items():
        figures = {"free": free, "used": used, "total": free + used}
        form[asset] = {name: _out(figure, number) for name, figure in figures.items()}
        for name, figure in figures.items():
            form[name][asset] = _out(figure, number)
    return form


def moment_ms(text: str) -> int:
    """Return a moment in milliseconds since 1970."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def iso8601(unix_ms: int) -> str:
    """Return a moment as ccxt writes it."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _out(value: Decimal | None, number: Number) -> Any:
    return None if value is None else number(f"{value:f}")
