"""What is traded and which orders its exchange takes: checked here before anything is reserved or sent."""

from dataclasses import dataclass
from decimal import Decimal

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.money import ZERO, ceil_to_step, floor_to_step, is_multiple, product, to_text


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable symbol. Prices in quote per base, quantities in base, notionals in quote.

    Fee rates are shares of the notional (0.001 = 0.1 %); negative is a rebate. None: the exchange has
    no such rule. The `market_*` rules apply to market orders in place of (lot) or beside the others.
    """

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal | None
    min_notional: Decimal | None
    max_notional: Decimal | None
    maker_fee_rate: Decimal
    taker_fee_rate: Decimal
    market_lot_size: Decimal | None = None
    market_min_quantity: Decimal | None = None
    market_max_quantity: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    active: bool = True

    @property
    def highest_fee_rate(self) -> Decimal:
        """What a reservation provides for; a rebate provides for nothing."""
        return max(self.maker_fee_rate, self.taker_fee_rate, ZERO)


def check_order(
    instrument: Instrument,
    quantity: Decimal,
    price: Decimal | None,
    order_type: str,
    *,
    reference_price: Decimal | None = None,
) -> None:
    """Refuse an order that the exchange's filters would refuse.

    `price` is the limit price, None for a market order; its notional is then judged by `reference_price`
    (the last known price), or not at all. Raises UNKNOWN_SYMBOL, INVALID_PRICE, INVALID_QUANTITY or
    BELOW_MIN_NOTIONAL with the rule and the nearest valid values as plain decimal strings.
    """
    if not instrument.active:
        raise HoldfastError(
            ErrorCode.UNKNOWN_SYMBOL, "the instrument is not trading now", symbol=instrument.symbol
        )
    if order_type == "limit":
        if price is None:
            raise HoldfastError(
                ErrorCode.INVALID_PRICE, "a limit order has a price", symbol=instrument.symbol
            )
        _check_price(instrument, price)
    elif price is not None:
        raise HoldfastError(
            ErrorCode.INVALID_PRICE,
            "a market order has no price",
            symbol=instrument.symbol,
            price=to_text(price),
        )
    _check_quantity(instrument, quantity, order_type)
    notional_price = price if price is not None else reference_price
    if notional_price is not None:
        _check_notional(instrument, quantity, notional_price)


def sellable(instrument: Instrument, quantity: Decimal) -> Decimal:
    """Return the part of a holding that whole lots can sell."""
    lot = instrument.lot_size
    if instrument.market_lot_size is not None:
        lot = max(lot, instrument.market_lot_size)
    return floor_to_step(quantity, lot)


def _check_price(instrument: Instrument, price: Decimal) -> None:
    tick = instrument.tick_size
    lowest = max(instrument.min_price or tick, tick)
    highest = instrument.max_price
    if price >= lowest and (highest is None or price <= highest) and is_multiple(price, tick):
        return
    below, above = floor_to_step(price, tick), ceil_to_step(price, tick)
    if below < lowest:
        below = above = ceil_to_step(lowest, tick)
    if highest is not None and above > highest:
        above = floor_to_step(highest, tick)
        below = min(below, above)
    raise HoldfastError(
        ErrorCode.INVALID_PRICE,
        symbol=instrument.symbol,
        price=to_text(price),
        tick_size=to_text(tick),
        min_price=to_text(lowest),
        max_price=_text(highest),
        nearest=[to_text(value) for value in sorted({below, above})],
    )


def _check_quantity(instrument: Instrument, quantity: Decimal, order_type: str) -> None:
    lot, lowest, highest = instrument.lot_size, instrument.min_quantity, instrument.max_quantity
    if order_type == "market":
        lot = max(lot, instrument.market_lot_size or lot)
        lowest = max(lowest, instrument.market_min_quantity or lowest)
        limits = [value for value in (highest, instrument.market_max_quantity) if value is not None]
        highest = min(limits, default=None)
    lowest = max(lowest, lot)
    if quantity >= lowest and (highest is None or quantity <= highest) and is_multiple(quantity, lot):
        return
    below, above = floor_to_step(quantity, lot), ceil_to_step(quantity, lot)
    if below < lowest:
        below = above = ceil_to_step(lowest, lot)
    if highest is not None and above > highest:
        above = floor_to_step(highest, lot)
        below = min(below, above)
    raise HoldfastError(
        ErrorCode.INVALID_QUANTITY,
        symbol=instrument.symbol,
        quantity=to_text(quantity),
        lot_size=to_text(lot),
        min_quantity=to_text(lowest),
        max_quantity=_text(highest),
        nearest=[to_text(value) for value in sorted({below, above})],
    )


def _check_notional(instrument: Instrument, quantity: Decimal, price: Decimal) -> None:
    notional = product(quantity, price)
    if instrument.min_notional is not None and notional < instrument.min_notional:
        raise HoldfastError(
            ErrorCode.BELOW_MIN_NOTIONAL,
            symbol=instrument.symbol,
            notional=to_text(notional),
            min_notional=to_text(instrument.min_notional),
            price=to_text(price),
            quantity=to_text(quantity),
        )
    if instrument.max_notional is not None and notional > instrument.max_notional:
        raise HoldfastError(
            ErrorCode.INVALID_QUANTITY,
            "price times quantity is above the instrument's maximum",
            symbol=instrument.symbol,
            notional=to_text(notional),
            max_notional=to_text(instrument.max_notional),
            quantity=to_text(quantity),
        )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else to_text(number)
