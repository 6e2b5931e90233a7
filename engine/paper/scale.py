"""Exact amounts as integers of 10^-8: read from and written to the wire's decimal text, never a float."""

import re
from decimal import Decimal

PLACES = 8
ONE: int = 100_000_000
NUMBER = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?")
NUMBER_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


class TooPreciseError(ValueError):
    """More significant decimals than an amount has."""


def parse(text: str) -> int:
    """Read plain decimal text; ValueError if it is none, TooPreciseError beyond 8 decimals."""
    match = NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(text)
    whole, fraction = match.group(1), match.group(2) or ""
    if len(fraction) > PLACES:
        if fraction[PLACES:].strip("0"):
            raise TooPreciseError(text)
        fraction = fraction[:PLACES]
    return int(whole) * ONE + int(fraction.ljust(PLACES, "0"))


def text(value: int) -> str:
    """Write with all 8 decimals, as the wire does."""
    if value < 0:
        return "-" + text(-value)
    return f"{value // ONE}.{value % ONE:08d}"


def decimal(value: int) -> Decimal:
    return Decimal(value).scaleb(-PLACES)


def times(price: int, quantity: int) -> int:
    """Price times quantity in quote units, cut to 8 decimals as the exchange does."""
    return price * quantity // ONE


def times_up(price: int, quantity: int) -> int:
    """Price times quantity rounded up: what has to be locked to cover every way of filling it."""
    return -(-price * quantity // ONE)


def share(amount: int, rate: int) -> int:
    """A rate's part of an amount, cut towards zero; a negative rate gives a negative part (a rebate)."""
    if rate < 0:
        return -(amount * -rate // ONE)
    return amount * rate // ONE
