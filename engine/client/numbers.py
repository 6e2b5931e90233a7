"""Exact numbers at the robot's edge: what may be given for money, and what comes back."""

import re
from decimal import Decimal
from typing import Any

from engine.client.errors import NumberError

Number = Decimal | int | str

_PLAIN = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,18})?")


def to_text(value: Number, name: str) -> str:
    """Return the plain decimal text of a positive number; raises NumberError naming it.

    No float: 0.1 + 0.2 is not 0.3, and an order is not the place to find that out.
    """
    if isinstance(value, bool | float) or not isinstance(value, Decimal | int | str):
        raise NumberError(f"{name} is a Decimal, int or str, not {type(value).__name__}")
    text = value if isinstance(value, str) else _plain(Decimal(value))
    if _PLAIN.fullmatch(text) is None or Decimal(text) == 0:
        raise NumberError(f"{name} is a positive number of at most 20 + 18 digits, not {text[:64]!r}")
    return _plain(Decimal(text))


def exact(value: Any) -> Decimal:
    """Return a number of an answer."""
    return Decimal(str(value))


def exact_or_none(value: Any) -> Decimal | None:
    return None if value is None else exact(value)


def _plain(number: Decimal) -> str:
    if not number.is_finite():
        return str(number)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
