"""What happens to an account's orders by itself: bursts of fills, a fill after the cancel, a self-trade."""

from typing import TYPE_CHECKING

from engine.paper import refusals, scale
from engine.paper.orders import Ticket

if TYPE_CHECKING:
    from engine.paper.matching import Matching
    from engine.paper.orders import Order


def fill_in_parts(matching: "Matching", order: "Order", parts: int, fee_asset: str | None = None) -> int:
    """Let outsiders fill the rest of an order at its own price in so many parts; returns how many there were.

    With a fee asset every second part pays its fee in it, the others in what they receive.
    """
    account, lot = order.account, order.instrument.lot
    if account is None or not order.open:
        return 0
    usual, done = account.fee_asset, 0
    part = max(order.remaining // parts // lot * lot, lot)
    try:
        while order.open and done < parts:
            if fee_asset is not None:
                account.fee_asset = fee_asset if done % 2 else None
            done += 1
            matching.fill(order, order.remaining if done == parts else min(part, order.remaining))
    finally:
        account.fee_asset = usual
    return done


def fill_after_cancel(matching: "Matching", order: "Order") -> int:
    """Let an outsider fill what a cancel took off the book, as far as free money covers it still.

    It is the fill that met the order just before its cancel did, and is told later.
    """
    account, instrument = order.account, order.instrument
    if account is None or order.open or order.price == 0:
        return 0
    if order.buy:
        covered = account.free_of(instrument.quote) * scale.ONE // order.price
    else:
        covered = account.free_of(instrument.base)
    quantity = instrument.on_lot(min(order.remaining, covered))
    if quantity > 0:
        matching.fill(order, quantity)
    return quantity


def trade_with_itself(matching: "Matching", order: "Order", prevention: str, client_order_id: str) -> bool:
    """Let the account's owner send the opposite order; False where others stand before this order."""
    account, instrument = order.account, order.instrument
    if account is None or not order.resting:
        return False
    if matching.markets[instrument.symbol].book.side(order.buy).first() is not order:
        return False
    ticket = Ticket(
        symbol=instrument.symbol,
        buy=not order.buy,
        type="LIMIT",
        time_in_force="IOC",
        price=order.price,
        quantity=order.remaining,
        quote_quantity=0,
        client_order_id=client_order_id,
        prevention=prevention,
    )
    try:
        matching.place(account, ticket)
    except refusals.Refusal:
        return False
    return True
