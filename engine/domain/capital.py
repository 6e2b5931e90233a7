"""The arithmetic of capital: what an order reserves, at which price at worst, and what is left."""

from dataclasses import dataclass
from decimal import Decimal

from engine.domain.money import EXACT, ONE, ZERO, ceil_places, ceil_to_step, product


@dataclass(frozen=True, slots=True)
class CapitalFigures:
    """The stored figures of a profile, in its quote asset."""

    allocated: Decimal
    reserved_for_orders: Decimal
    reserved_for_positions: Decimal
    realized_pnl: Decimal

    @property
    def available(self) -> Decimal:
        """What may still be reserved; below zero only after a fill that the reservation did not cover."""
        return available(
            self.allocated, self.reserved_for_orders, self.reserved_for_positions, self.realized_pnl
        )


def worst_price(best_ask: Decimal, slippage: Decimal, tick_size: Decimal) -> Decimal:
    """Return the limit of a market entry: ask x (1 + slippage), rounded up to the tick.

    `slippage` is a share (0.005 = 0.5 %) and not negative: below the ask the order could never fill.
    """
    if best_ask <= ZERO or slippage < ZERO:
        raise ValueError("an ask is positive and a slippage cap not negative")
    return ceil_to_step(product(best_ask, EXACT.add(ONE, slippage)), tick_size)


def reservation(quantity: Decimal, price: Decimal, highest_fee_rate: Decimal) -> Decimal:
    """Return what an entry reserves: quantity x price x (1 + rate), rounded up at 18 decimals.

    `price` is the limit as it is sent (already on the tick). A rebate reserves nothing less.
    """
    if quantity <= ZERO or price <= ZERO:
        raise ValueError("quantity and price are positive")
    return ceil_places(product(quantity, price, EXACT.add(ONE, max(highest_fee_rate, ZERO))))


def available(
    allocated: Decimal,
    reserved_for_orders: Decimal,
    reserved_for_positions: Decimal,
    realized_pnl: Decimal,
) -> Decimal:
    """Return what the profile may still reserve: the invariant says that this is never below zero."""
    free = EXACT.subtract(allocated, reserved_for_orders)
    return EXACT.add(EXACT.subtract(free, reserved_for_positions), realized_pnl)
