"""Proves the arithmetic of reservations and available capital."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.capital import CapitalFigures, reservation, worst_price
from engine.domain.money import is_multiple

POSITIVE = st.decimals("0.000000000000000001", 10**12, places=18)
RATES = st.decimals("-0.01", "0.05", places=6)


def test_the_worked_example_reserves_500_5() -> None:
    """0.01 at 50,000 with 0.1 % fee reserves 500.5."""
    assert Decimal("500.5") == reservation(Decimal("0.01"), Decimal(50000), Decimal("0.001"))


@given(POSITIVE, POSITIVE, RATES)
def test_a_reservation_covers_the_worst_case(quantity: Decimal, price: Decimal, rate: Decimal) -> None:
    """It covers notional and highest fee exactly or by less than one unit of the 18th place."""
    import fractions  # noqa: PLC0415 - an independent exact arithmetic, only here

    exact = fractions.Fraction(quantity) * fractions.Fraction(price)
    exact += exact * max(fractions.Fraction(rate), fractions.Fraction(0))
    kept = fractions.Fraction(reservation(quantity, price, rate))
    assert 0 <= kept - exact < fractions.Fraction(1, 10**18)


@given(POSITIVE, st.decimals(0, 1, places=6), st.sampled_from(["0.01", "0.5", "0.00000001"]))
def test_the_worst_price_is_on_the_tick_and_not_below(ask: Decimal, slippage: Decimal, tick: str) -> None:
    """A market entry's limit is a whole tick and never cheaper than ask and slippage say."""
    price = worst_price(ask, slippage, Decimal(tick))
    assert is_multiple(price, Decimal(tick))
    assert price >= ask


def test_worst_price_rounds_up() -> None:
    """50,000.01 with 0.1 % is 50,050.01001, so the next tick is 50,050.02."""
    assert Decimal("50050.02") == worst_price(Decimal("50000.01"), Decimal("0.001"), Decimal("0.01"))


@pytest.mark.parametrize(("ask", "slippage"), [("0", "0.01"), ("-1", "0.01"), ("1", "-0.01")])
def test_worst_price_refuses_nonsense(ask: str, slippage: str) -> None:
    """An ask that is not positive and a negative cap are programming errors."""
    with pytest.raises(ValueError, match="positive"):
        worst_price(Decimal(ask), Decimal(slippage), Decimal("0.01"))


@pytest.mark.parametrize(("quantity", "price"), [("0", "1"), ("1", "0"), ("-1", "1")])
def test_reservation_refuses_nonsense(quantity: str, price: str) -> None:
    """A negative reservation would raise available capital; it cannot be computed."""
    with pytest.raises(ValueError, match="positive"):
        reservation(Decimal(quantity), Decimal(price), Decimal("0.001"))


def test_available_is_the_formula() -> None:
    """The last line of the worked example: 1000 allocated, 4.79904 dust, pnl 3.939 - 0.39886."""
    figures = CapitalFigures(
        Decimal(1000), Decimal(0), Decimal("4.79904"), Decimal("3.939") - Decimal("0.39886")
    )
    assert Decimal("998.7411") == figures.available
