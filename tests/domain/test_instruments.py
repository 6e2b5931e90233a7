"""Proves that an order which the exchange's filters would refuse is refused here, with the numbers."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.instruments import Instrument, check_order, sellable

BTC = Instrument(
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    max_quantity=Decimal(9000),
    min_notional=Decimal(5),
    max_notional=Decimal(9000000),
    maker_fee_rate=Decimal("0.001"),
    taker_fee_rate=Decimal("0.002"),
    market_max_quantity=Decimal(50),
    min_price=Decimal("0.01"),
    max_price=Decimal(1000000),
)


def refused(
    quantity: str, price: str | None, order_type: str = "limit", instrument: Instrument = BTC
) -> HoldfastError:
    with pytest.raises(HoldfastError) as caught:
        check_order(instrument, Decimal(quantity), None if price is None else Decimal(price), order_type)
    return caught.value


def test_good_orders_pass() -> None:
    """Orders on tick and lot and above the minimum notional pass, at the bounds too."""
    check_order(BTC, Decimal("0.01"), Decimal(50000), "limit")
    check_order(BTC, Decimal("0.0001"), Decimal("50000.00"), "limit")
    check_order(BTC, Decimal("0.01"), None, "market", reference_price=Decimal(50000))
    check_order(BTC, Decimal(50), None, "market")
    check_order(BTC, Decimal(9), Decimal(1000000), "limit")


@pytest.mark.parametrize(
    ("price", "nearest"),
    [
        ("50000.001", ["50000", "50000.01"]),
        ("0.001", ["0.01"]),
        ("-5", ["0.01"]),
        ("1000000.01", ["1000000"]),
        ("2000000", ["1000000"]),
    ],
)
def test_wrong_prices(price: str, nearest: list[str]) -> None:
    """A price off the tick or out of bounds is INVALID_PRICE and names the nearest valid ones."""
    error = refused("0.01", price)
    assert ErrorCode.INVALID_PRICE == error.code
    assert nearest == error.details["nearest"]
    assert "0.01" == error.details["tick_size"]


@pytest.mark.parametrize(
    ("quantity", "order_type", "nearest"),
    [
        ("0.010001", "limit", ["0.01", "0.01001"]),
        ("0.000001", "limit", ["0.00001"]),
        ("-1", "limit", ["0.00001"]),
        ("9000.00001", "limit", ["9000"]),
        ("50.00001", "market", ["50"]),
    ],
)
def test_wrong_quantities(quantity: str, order_type: str, nearest: list[str]) -> None:
    """A quantity off the lot or out of bounds is INVALID_QUANTITY and names the nearest valid ones."""
    error = refused(quantity, "50000" if order_type == "limit" else None, order_type)
    assert ErrorCode.INVALID_QUANTITY == error.code
    assert nearest == error.details["nearest"]


def test_wrong_notionals() -> None:
    """Below the minimum and above the maximum notional are refused with both numbers."""
    low = refused("0.00009", "50000")
    assert (ErrorCode.BELOW_MIN_NOTIONAL, "4.5", "5") == (
        low.code,
        low.details["notional"],
        low.details["min_notional"],
    )
    high = refused("200", "50000")
    assert (ErrorCode.INVALID_QUANTITY, "9000000") == (high.code, high.details["max_notional"])


def test_price_and_type_belong_together() -> None:
    """A limit order needs a price, and a market order must have none."""
    assert ErrorCode.INVALID_PRICE == refused("1", None, "limit").code
    assert ErrorCode.INVALID_PRICE == refused("1", "50000", "market").code


def test_an_instrument_that_is_not_trading() -> None:
    """Nothing is sent to a symbol that the exchange has stopped."""
    assert ErrorCode.UNKNOWN_SYMBOL == refused("1", "5", instrument=replace(BTC, active=False)).code


def test_sellable_uses_the_coarser_lot() -> None:
    """What whole lots can sell is judged by the coarser of both lot sizes."""
    assert Decimal("0.00399") == sellable(BTC, Decimal("0.003996"))
    assert Decimal("0.003") == sellable(replace(BTC, market_lot_size=Decimal("0.001")), Decimal("0.003996"))


def test_a_rebate_provides_for_nothing() -> None:
    """The highest fee rate never falls below zero."""
    rebate = replace(BTC, maker_fee_rate=Decimal("-0.0001"), taker_fee_rate=Decimal("-0.0001"))
    assert Decimal(0) == rebate.highest_fee_rate
    assert Decimal("0.002") == BTC.highest_fee_rate


def refusal(quantity: Decimal, price: Decimal) -> HoldfastError | None:
    try:
        check_order(BTC, quantity, price, "limit")
    except HoldfastError as error:
        return error
    return None


@given(st.decimals("0.000001", 9000, places=6), st.decimals("0.001", 1000000, places=3))
def test_nearest_values_are_valid(quantity: Decimal, price: Decimal) -> None:
    """Taking a nearest value that a refusal names never leads to the same refusal again."""
    first = refusal(quantity, price)
    for nearest in first.details.get("nearest", []) if first else []:
        is_price = first is not None and first.code is ErrorCode.INVALID_PRICE
        second = refusal(quantity if is_price else Decimal(nearest), Decimal(nearest) if is_price else price)
        assert second is None or "nearest" not in second.details or second.code is not first.code
