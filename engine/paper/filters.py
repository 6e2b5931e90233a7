"""An instrument's filters, applied to a new order in Binance's order and refused with its words."""

from typing import TYPE_CHECKING

from engine.paper import refusals, scale

if TYPE_CHECKING:
    from engine.paper.accounts import Account
    from engine.paper.instruments import Instrument, PercentPrice
    from engine.paper.matching import Market
    from engine.paper.orders import Ticket


def check_filters(market: "Market", ticket: "Ticket", now_ms: int) -> None:
    """Refuse a price, quantity or notional the instrument does not allow."""
    instrument = market.instrument
    if ticket.type == "MARKET":
        _check_market_order(market, instrument, ticket, now_ms)
        return
    price, quantity = ticket.price, ticket.quantity
    if price < instrument.price_min or price > instrument.price_max or price % instrument.tick:
        raise refusals.filter_failure("PRICE_FILTER")
    if instrument.percent_price is not None:
        _check_percent(instrument.percent_price, market, ticket, now_ms)
    _check_lot(instrument, quantity)
    notional = scale.times(price, quantity)
    if notional < instrument.notional_min or notional > instrument.notional_max:
        raise refusals.filter_failure(instrument.notional_name)


def check_room(account: "Account", instrument: "Instrument", ticket: "Ticket", quantity: int) -> None:
    """Refuse what would be one open order too many, or too large a holding of the base asset."""
    if instrument.open_orders_max and ticket.type != "MARKET":
        symbol = instrument.symbol
        if sum(where == symbol for where, _ in account.open_orders) >= instrument.open_orders_max:
            raise refusals.filter_failure("MAX_NUM_ORDERS")
    if instrument.position_max and ticket.buy:
        held = account.free_of(instrument.base) + account.locked.get(instrument.base, 0)
        wanted = sum(
            order.remaining
            for (symbol, _), order in account.open_orders.items()
            if symbol == instrument.symbol and order.buy
        )
        if held + wanted + quantity > instrument.position_max:
            raise refusals.filter_failure("MAX_POSITION")


def _check_market_order(market: "Market", instrument: "Instrument", ticket: "Ticket", now_ms: int) -> None:
    notional = ticket.quote_quantity
    if not notional:
        quantity = ticket.quantity
        _check_lot(instrument, quantity)
        if (
            quantity < instrument.market_quantity_min
            or quantity > instrument.market_quantity_max
            or (quantity - instrument.market_quantity_min) % instrument.market_lot
        ):
            raise refusals.filter_failure("MARKET_LOT_SIZE")
        price = market.average_price(instrument.notional_minutes, now_ms)
        notional = scale.times(price, quantity)
    too_small = instrument.notional_min_at_market and notional < instrument.notional_min
    too_large = instrument.notional_max_at_market and notional > instrument.notional_max
    if too_small or too_large:
        raise refusals.filter_failure(instrument.notional_name)


def _check_lot(instrument: "Instrument", quantity: int) -> None:
    if quantity < instrument.quantity_min or quantity > instrument.quantity_max or quantity % instrument.lot:
        raise refusals.filter_failure("LOT_SIZE")


def _check_percent(limits: "PercentPrice", market: "Market", ticket: "Ticket", now_ms: int) -> None:
    average = market.average_price(limits.minutes, now_ms)
    up, down = (limits.buy_up, limits.buy_down) if ticket.buy else (limits.sell_up, limits.sell_down)
    price = ticket.price * scale.ONE
    if price > average * up or price < average * down:
        raise refusals.filter_failure(limits.name)
