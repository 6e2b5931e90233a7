"""Exact numbers: how text becomes a Decimal, how it is stepped and rounded, how it becomes text again."""

import re
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    Underflow,
)

from engine.domain.errors import ErrorCode, HoldfastError

INTEGER_DIGITS_MAX = 20
FRACTION_DIGITS_MAX = 18

ZERO = Decimal(0)
ONE = Decimal(1)

_PLAIN = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?")
_SHOWN_CHARACTERS_MAX = 64
# Three factors of 38 digits (quantity, price, 1 + fee rate) have at most 114: their product is exact.
_PRECISION = 120
_TRAPS = [InvalidOperation, DivisionByZero, Overflow, Underflow, Clamped, FloatOperation]

# EXACT raises rather than round; STEPPED is only for operations whose rounding is named at the call.
EXACT = Context(prec=_PRECISION, rounding=ROUND_HALF_EVEN, traps=[*_TRAPS, Inexact])
STEPPED = Context(prec=_PRECISION, rounding=ROUND_HALF_EVEN, traps=_TRAPS)


def parse_decimal(text: object, field: str) -> Decimal:
    """Return the number that a plain decimal string says.

    Only `-?digits(.digits)?` with at most 20 + 18 digits: no float, exponent, NaN, infinity, plus sign,
    blank or digit of another script. Raises INVALID_NUMBER with `field` and `value`.
    """
    match = _PLAIN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise _invalid(field, text, "a plain decimal string is wanted")
    if len(match[1]) > INTEGER_DIGITS_MAX or len(match[2] or "") > FRACTION_DIGITS_MAX:
        raise _invalid(field, text, "at most 20 integer and 18 fraction digits")
    number = Decimal(match[0])
    return abs(number) if number == ZERO else number  # there is no negative zero in money


def parse_positive(text: object, field: str) -> Decimal:
    """Return `parse_decimal`, refusing zero and less."""
    number = parse_decimal(text, field)
    if number <= ZERO:
        raise _invalid(field, text, "it must be greater than zero")
    return number


def to_text(number: Decimal) -> str:
    """Return the one plain form of a number: no exponent, no trailing zeros, no negative zero."""
    if not number.is_finite():
        raise HoldfastError(ErrorCode.INVALID_NUMBER, "money is finite", value=str(number))
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def product(*factors: Decimal) -> Decimal:
    """Return the exact product; raises `decimal.Inexact` instead of rounding."""
    result = ONE
    for factor in factors:
        result = EXACT.multiply(result, factor)
    return result


def floor_to_step(number: Decimal, step: Decimal) -> Decimal:
    """Return the greatest multiple of `step` (> 0) that is not above `number`."""
    steps = STEPPED.divide_int(number, step)
    if EXACT.multiply(steps, step) > number:  # divide_int truncates towards zero
        steps = EXACT.subtract(steps, ONE)
    return EXACT.multiply(steps, step)


def ceil_to_step(number: Decimal, step: Decimal) -> Decimal:
    """Return the least multiple of `step` (> 0) that is not below `number`."""
    floor = floor_to_step(number, step)
    return floor if floor == number else EXACT.add(floor, step)


def is_multiple(number: Decimal, step: Decimal) -> bool:
    """Tell whether `number` is a whole number of `step`s (> 0)."""
    return STEPPED.remainder(number, step) == ZERO


def ceil_places(number: Decimal, places: int = FRACTION_DIGITS_MAX) -> Decimal:
    """Return `number` rounded up (towards plus infinity) to `places` decimals: what a reservation uses."""
    return _places(number, places, ROUND_CEILING)


def floor_places(number: Decimal, places: int = FRACTION_DIGITS_MAX) -> Decimal:
    """Return `number` rounded down (towards minus infinity) to `places` decimals."""
    return _places(number, places, ROUND_FLOOR)


def _places(number: Decimal, places: int, rounding: str) -> Decimal:
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -places:
        return number
    return number.quantize(ONE.scaleb(-places), rounding=rounding, context=STEPPED)


def _invalid(field: str, value: object, why: str) -> HoldfastError:
    shown = str(value)[:_SHOWN_CHARACTERS_MAX]
    return HoldfastError(ErrorCode.INVALID_NUMBER, f"{field}: {why}", field=field, value=shown)
