"""Proves that numbers are exact, refused when they are not plain, and rounded only as stated."""

import decimal
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.money import (
    ceil_places,
    ceil_to_step,
    floor_places,
    floor_to_step,
    is_multiple,
    parse_decimal,
    parse_positive,
    product,
    to_text,
)

PLAIN = st.from_regex(r"\A-?[0-9]{1,20}(\.[0-9]{1,18})?\Z")
NUMBERS = PLAIN.map(Decimal)
STEPS = st.sampled_from(["0.00000001", "0.001", "0.5", "1", "0.025", "10", "0.000000000000000001"]).map(
    Decimal
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "+1",
        ".5",
        "1.",
        "1e3",
        "1E-3",
        "NaN",
        "nan",
        "Infinity",
        "-inf",
        "0x10",
        "1_000",
        "1,5",
        "--1",
        "1.2.3",
        "١٢",
        "1\n",
        "9" * 21,
        "0." + "1" * 19,
        "1" + "0" * 40,
        1,
        1.5,
        True,
        None,
        Decimal(1),
        b"1",
    ],
)
def test_refuses_what_is_no_plain_decimal(text: object) -> None:
    """What is no plain decimal string within 20 + 18 digits is INVALID_NUMBER with its field."""
    with pytest.raises(HoldfastError) as caught:
        parse_decimal(text, "quantity")
    assert ErrorCode.INVALID_NUMBER == caught.value.code
    assert "quantity" == caught.value.details["field"]
    assert str(text)[:64] == caught.value.details["value"]


@pytest.mark.parametrize("text", ["0", "-0", "0.000", "-1", "-0.000000000000000001"])
def test_positive_refuses_zero_and_less(text: str) -> None:
    """A quantity of zero or below never passes."""
    with pytest.raises(HoldfastError, match="greater than zero"):
        parse_positive(text, "quantity")


def test_negative_zero_is_zero() -> None:
    """Neither parsing nor printing ever yields a negative zero."""
    assert not parse_decimal("-0.00", "x").is_signed()
    assert "0" == to_text(Decimal("-0.000"))


@given(PLAIN)
def test_text_round_trip(text: str) -> None:
    """Each accepted string keeps its value through text, and its text form is stable."""
    number = parse_decimal(text, "x")
    assert Decimal(text) == number
    assert number == parse_decimal(to_text(number), "x")
    assert "e" not in to_text(number).lower()


def test_text_is_plain_for_exponents() -> None:
    """Numbers that Decimal itself prints with an exponent come out plain."""
    assert "0.00000001" == to_text(Decimal("1E-8"))
    assert "100000" == to_text(Decimal("1E+5"))
    assert "100" == to_text(Decimal("100.00"))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_text_refuses_what_is_not_finite(number: str) -> None:
    """NaN and infinity cannot leave as text."""
    with pytest.raises(HoldfastError):
        to_text(Decimal(number))


@given(NUMBERS, STEPS)
def test_steps_enclose_the_number(number: Decimal, step: Decimal) -> None:
    """Both are whole steps that enclose the number, less than a step away, negative numbers too."""
    floor, ceil = floor_to_step(number, step), ceil_to_step(number, step)
    assert floor <= number <= ceil
    assert is_multiple(floor, step)
    assert is_multiple(ceil, step)
    assert is_multiple(number, step) == (floor == ceil)
    with decimal.localcontext(prec=120):
        assert ceil - floor in (0, step)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_three_factors_are_exact(a: Decimal, b: Decimal, c: Decimal) -> None:
    """The product of three numbers of full size loses no digit."""
    shift = 10**18
    expected = int(a.scaleb(18, decimal.Context(prec=120))) * int(b.scaleb(18, decimal.Context(prec=120)))
    expected *= int(c.scaleb(18, decimal.Context(prec=120)))
    with decimal.localcontext(prec=200):
        assert Decimal(expected) == product(a, b, c) * shift * shift * shift


def test_too_many_digits_raise_instead_of_rounding() -> None:
    """A product beyond the precision raises; nothing is rounded silently."""
    factor = Decimal("9" * 38)
    with pytest.raises(decimal.Inexact):
        product(factor, factor, factor, factor)


def test_the_caller_s_context_does_not_matter() -> None:
    """A careless context of the thread changes no result."""
    with decimal.localcontext(prec=3):
        assert Decimal("1234567.89") == floor_to_step(Decimal("1234567.899"), Decimal("0.01"))
        assert Decimal(152415765279684) == product(Decimal(12345678), Decimal(12345678))
        assert "12345.6789" == to_text(parse_decimal("12345.678900", "x"))


@pytest.mark.parametrize(
    ("number", "up", "down"),
    [
        ("1.0000000000000000001", "1.000000000000000001", "1"),
        ("-1.0000000000000000001", "-1", "-1.000000000000000001"),
        ("1.5", "1.5", "1.5"),
        ("0", "0", "0"),
    ],
)
def test_places_round_as_named(number: str, up: str, down: str) -> None:
    """At 18 decimals ceil goes towards plus infinity and floor towards minus infinity."""
    assert Decimal(up) == ceil_places(Decimal(number))
    assert Decimal(down) == floor_places(Decimal(number))
