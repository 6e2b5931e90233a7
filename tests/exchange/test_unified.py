"""Proves how ccxt's dictionaries are read: exactly, and as unknown where they say nothing."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from engine.exchange.unified import IncompleteAnswerError, balances, fill, instrument, number, order_report

TRADE: dict[str, Any] = {
    "id": "9",
    "order": "28",
    "symbol": "BTC/USDT",
    "side": "buy",
    "price": "50000.10",
    "amount": "0.0010",
    "timestamp": 1_700_000_000_007,
    "takerOrMaker": "maker",
    "fee": {"cost": "-0.0001", "currency": "BNB"},
}
MARKET: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "active": True,
    "maker": "0.001",
    "taker": "0.002",
    "precision": {"price": "0.01", "amount": "0.00001"},
    "limits": {
        "amount": {"min": "0.0001", "max": "9000"},
        "cost": {"min": "5", "max": None},
        "market": {"min": "0", "max": "50"},
        "price": {"min": "0.01", "max": None},
    },
}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "x", "1,5", {}, []])
def test_no_number(value: object) -> None:
    """What is no finite number is an incomplete answer, not a zero."""
    with pytest.raises(IncompleteAnswerError):
        number(value)


def test_numbers_are_exact() -> None:
    """Digits are kept; nothing said is None."""
    assert Decimal("0.123456789012345678") == number("0.123456789012345678")
    assert None is number(None)
    assert None is number("")


@pytest.mark.parametrize(
    ("status", "amount", "filled", "expected"),
    [
        ("open", "1", "0.5", "open"),
        ("canceling", "1", "0", "open"),
        ("closed", "1", "1", "filled"),
        ("closed", "1", "0.4", "canceled"),
        ("closed", "1", None, None),
        ("closed", None, "1", None),
        ("canceled", "1", "0.4", "canceled"),
        ("expired", "1", "0", "expired"),
        ("rejected", "1", "0", "rejected"),
        ("surprise", "1", "0", None),
        (None, None, None, None),
    ],
)
def test_status(status: str | None, amount: str | None, filled: str | None, expected: str | None) -> None:
    """`closed` means filled only with all of its quantity; what is not said or not known stays unknown."""
    report = order_report(
        {"id": 1, "symbol": "BTC/USDT", "status": status, "amount": amount, "filled": filled}
    )
    assert expected == report.status


@pytest.mark.parametrize("missing", ["id", "symbol"])
def test_an_order_without_identity(missing: str) -> None:
    """An order that cannot be named is no evidence."""
    with pytest.raises(IncompleteAnswerError):
        order_report({"id": "1", "symbol": "BTC/USDT", missing: None})


def test_a_fill_with_a_rebate() -> None:
    """A negative fee is a rebate and keeps its sign."""
    found = fill(TRADE, client_order_id="mine")
    assert (Decimal("-0.0001"), "BNB", True, "mine") == (
        found.fee_quantity,
        found.fee_asset,
        found.maker,
        found.client_order_id,
    )
    assert datetime(2023, 11, 14, 22, 13, 20, 7000, UTC) == found.exchange_time


@pytest.mark.parametrize(
    "fee", [None, {}, {"cost": None, "currency": "BNB"}, {"cost": "1", "currency": None}]
)
def test_a_fee_that_is_not_said(fee: dict[str, Any] | None) -> None:
    """Half a fee is no fee: both parts are None until the exchange says them."""
    found = fill({**TRADE, "fee": fee})
    assert (None, None) == (found.fee_quantity, found.fee_asset)


@pytest.mark.parametrize("missing", ["id", "order", "symbol", "side", "price", "amount", "timestamp"])
def test_a_trade_without_identity(missing: str) -> None:
    """A trade that lacks a part of its identity cannot be booked."""
    with pytest.raises(IncompleteAnswerError):
        fill({**TRADE, missing: None})


def test_an_instrument() -> None:
    """Zero means `no such rule`; the account's own rates replace the list's."""
    found = instrument(MARKET, None, Decimal("0.0005"))
    assert found is not None
    assert (Decimal("0.001"), Decimal("0.0005")) == (found.maker_fee_rate, found.taker_fee_rate)
    assert (None, Decimal(50), None) == (
        found.market_min_quantity,
        found.market_max_quantity,
        found.max_notional,
    )
    assert (Decimal("0.0001"), Decimal("0.00001")) == (found.min_quantity, found.lot_size)


@pytest.mark.parametrize("missing", ["price", "amount"])
def test_an_instrument_without_steps(missing: str) -> None:
    """Without tick or lot nothing can be checked, so it is not traded."""
    assert None is instrument({**MARKET, "precision": {**MARKET["precision"], missing: None}}, None, None)


def test_partial_balances() -> None:
    """An asset with only a part of its figures makes the whole answer incomplete."""
    whole = {"free": {"BTC": "1"}, "used": {"BTC": "0.5"}, "total": {"BTC": "1.5"}}
    assert Decimal("0.5") == balances(whole)["BTC"].used
    with pytest.raises(IncompleteAnswerError):
        balances({**whole, "used": {}})
    with pytest.raises(IncompleteAnswerError):
        balances({})
