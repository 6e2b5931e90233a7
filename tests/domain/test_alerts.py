"""Alerts: how bodies are read, what templates make of them, and what can never become an order."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.alerts import checked_template, identity, order_of, read, said_at
from engine.domain.errors import ErrorCode, HoldfastError

PLAIN = {"action": "{{action}}", "symbol": "{{symbol}}", "quantity": "{{quantity}}"}
FIELDS = {"action": "buy", "symbol": "BTC/USDT", "quantity": "0.01"}


def test_json_keeps_the_digits_that_were_written() -> None:
    """A JSON number is its text, never a float; nested fields are named by a path."""
    said = read('{"qty": 0.10000000000000001, "strategy": {"order": {"action": "buy"}}, "secret": "s"}')
    assert ("s", "0.10000000000000001") == (said.secret, said.fields["qty"])
    order = order_of(
        {"action": "{{strategy.order.action}}", "symbol": "BTC/USDT", "quantity": "{{qty}}"}, said.fields
    )
    assert Decimal("0.10000000000000001") == order.quantity


def test_text_has_numbered_words_and_named_ones() -> None:
    """Words count from 1 without those that are named; the secret is in none of them."""
    said = read("buy BTCUSDT secret=s3cret 0.01 tag=x=y")
    assert {"1": "buy", "2": "BTCUSDT", "3": "0.01", "tag": "x=y"} == dict(said.fields)
    assert ("s3cret", "buy BTCUSDT 0.01 tag=x=y") == (said.secret, said.body)


@pytest.mark.parametrize(
    "body",
    [
        '{"secret": "s3cret", "a": "s"}',
        "a secret=s3cret",
        '{"secret": {"a": "s3cret"}}',
        '{"a": 1} secret=s3cret',
    ],
)
def test_the_secret_is_not_in_what_is_kept(body: str) -> None:
    """Whatever form it came in, the kept body and fields do not have it."""
    said = read(body)
    assert "s3cret" not in said.body
    assert "s3cret" not in str(said.fields)


@given(st.text(max_size=300))
def test_any_text_can_be_read(body: str) -> None:
    """Nothing that arrives is a fault of ours, and what is read again without its secret says the same."""
    said = read(body)
    assert dict(said.fields) == dict(read(said.body).fields)


@pytest.mark.parametrize("body", ["{", '{"a": ' + "[" * 5000, "[1]", '{"a": NaN}', '{"a": 1e999999999}'])
def test_strange_json_is_no_fault(body: str) -> None:
    """Broken, deep, or absurd JSON is read as something, and makes no order."""
    with pytest.raises(HoldfastError):
        order_of(PLAIN, read(body).fields)


def test_actions_and_maps() -> None:
    """Buy and sell are entry and exit in any letters; maps translate; what is not in them stays."""
    template = {**PLAIN, "maps": {"symbol": {"BTCUSDT": "BTC/USDT"}, "action": {"long": "buy"}}}
    cases = [("BUY", "entry"), ("sell", "exit"), ("entry", "entry"), ("Exit", "exit"), ("long", "entry")]
    for action, expected in cases:
        order = order_of(template, {**FIELDS, "action": action, "symbol": "BTCUSDT"})
        assert (expected, "BTC/USDT", "market") == (order.action, order.symbol, order.type)
    assert "ETH/USDT" == order_of(template, {**FIELDS, "symbol": "ETH/USDT"}).symbol


def test_all_is_for_exits_alone() -> None:
    """An exit of all has no quantity; an entry of all is no number."""
    assert order_of(PLAIN, {**FIELDS, "action": "sell", "quantity": "all"}).quantity is None
    with pytest.raises(HoldfastError) as refused:
        order_of(PLAIN, {**FIELDS, "quantity": "all"})
    assert ErrorCode.INVALID_NUMBER == refused.value.code


@pytest.mark.parametrize(
    ("written", "number"), [("1e-05", "0.00001"), ("2.5E2", "250"), ("1", "1"), ("0.010", "0.010")]
)
def test_small_numbers_with_exponents_are_understood(written: str, number: str) -> None:
    """As charting services write them; exactly."""
    assert Decimal(number) == order_of(PLAIN, {**FIELDS, "quantity": written}).quantity


WRONG: list[tuple[dict[str, Any], ErrorCode]] = [
    ({"quantity": "1e99999"}, ErrorCode.INVALID_NUMBER),
    ({"quantity": "NaN"}, ErrorCode.INVALID_NUMBER),
    ({"quantity": "-1"}, ErrorCode.INVALID_NUMBER),
    ({"quantity": ""}, ErrorCode.INVALID_NUMBER),
    ({"quantity": "1" * 300}, ErrorCode.BAD_REQUEST),
    ({"quantity": True}, ErrorCode.BAD_REQUEST),
    ({"symbol": None}, ErrorCode.BAD_REQUEST),
    ({"symbol": "BTC\x00"}, ErrorCode.BAD_REQUEST),
    ({"symbol": "\ud800"}, ErrorCode.BAD_REQUEST),
    ({"action": "hodl"}, ErrorCode.BAD_REQUEST),
    ({"symbol": {"a": "b"}}, ErrorCode.BAD_REQUEST),
]


@pytest.mark.parametrize(("changes", "code"), WRONG)
def test_what_can_never_be_an_order(changes: dict[str, Any], code: ErrorCode) -> None:
    """Each is refused with its code, and what it shows of the value can be stored."""
    with pytest.raises(HoldfastError) as refused:
        order_of(PLAIN, {**FIELDS, **changes})
    assert code == refused.value.code
    assert str(refused.value.details.get("value") or "x").isprintable()


def test_a_limit_needs_its_price_and_a_known_condition() -> None:
    """Without a price, or with a condition nobody knows, it is no order."""
    limit = {**PLAIN, "type": "limit", "limit_price": "{{price}}", "time_in_force": "{{tif}}"}
    order = order_of(limit, {**FIELDS, "price": "50000", "tif": "ioc"})
    assert (Decimal(50000), "IOC") == (order.limit_price, order.time_in_force)
    for fields in ({"tif": "GTC"}, {"price": "50000", "tif": "day"}):
        with pytest.raises(HoldfastError):
            order_of(limit, {**FIELDS, **fields})


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-30T10:00:00Z",
        "2026-11-30T12:00:00+02:00",
        "2026-11-30 10:00:00",
        "1796032800",
        "1796032800000",
    ],
)
def test_times_in_every_usual_form(written: str) -> None:
    """ISO 8601 with or without zone (then UTC), unix seconds and milliseconds: the same moment."""
    assert datetime(2026, 11, 30, 10, tzinfo=UTC) == said_at({**PLAIN, "time": "{{t}}"}, {"t": written})


def test_identity_and_time_of_what_has_none() -> None:
    """What the template does not name, or cannot find, is None at arrival; a bad time stops its order."""
    template = {**PLAIN, "id": "{{id}}-{{n}}", "time": "{{t}}"}
    assert "a-1" == identity(template, {"id": "a", "n": "1"})
    assert identity(template, {"id": "a"}) is None
    assert identity(PLAIN, {}) is None
    for wrong in ("yesterday", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"):
        assert said_at(template, {"t": wrong}) is None
        with pytest.raises(HoldfastError):
            order_of(template, {**FIELDS, "t": wrong})


@pytest.mark.parametrize(
    "template",
    [
        None,
        [],
        {},
        {"action": "buy", "symbol": "x"},
        {**PLAIN, "quantity": 1},
        {**PLAIN, "more": "x"},
        {**PLAIN, "maps": {"symbol": {"a": 1}}},
        {**PLAIN, "maps": {"price": {}}},
    ],
)
def test_templates_of_another_form_are_refused(template: Any) -> None:
    """Missing or unknown keys and values that are no text, before anything is stored."""
    with pytest.raises(HoldfastError) as refused:
        checked_template(template)
    assert ErrorCode.BAD_REQUEST == refused.value.code
