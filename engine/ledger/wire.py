"""How values cross to SQL and back: numbers as exact text, moments as ISO text, JSON without floats."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.money import INTEGER_DIGITS_MAX, parse_decimal, to_text

# Made once: json.dumps and json.loads make new ones for every call that has options.
_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_DECODE = json.JSONDecoder(parse_float=Decimal).decode
_BARE = frozenset({str, int, bool, type(None)})  # what JSON takes as it is


def exact(number: Decimal | None, field: str) -> str | None:
    """Return a number as the text SQL takes; excess scale is refused here, Postgres would round it.

    Raises INVALID_NUMBER for more than 20 + 18 digits, NaN and infinity.
    """
    if number is None:
        return None
    text = to_text(number)
    if len(text) > INTEGER_DIGITS_MAX:  # a plain text this short has neither digits nor places in excess
        parse_decimal(text, field)
    return text


def moment(when: datetime | None) -> str | None:
    """Return an aware moment as ISO text; a naive one is a bug."""
    if when is None:
        return None
    if when.tzinfo is None:
        raise HoldfastError(ErrorCode.INTERNAL, "a moment without time zone reached the ledger")
    return when.isoformat()


def number(text: str | None) -> Decimal | None:
    """Return a number that SQL gave as text."""
    return None if text is None else Decimal(text)


def instant(text: str) -> datetime:
    """Return a moment that SQL gave as text."""
    return datetime.fromisoformat(text)


def dump(value: Any) -> str:
    """Return JSON text for a jsonb parameter; a float in it is a bug and refused."""
    return _ENCODE(plain(value))


def load(text: str) -> Any:
    """Return what a jsonb result holds; a bare number in it becomes a Decimal, never a float."""
    return _DECODE(text)


def plain(value: Any) -> Any:
    """Return a value as JSON has it: numbers exact text, moments ISO text. A float is a bug and refused."""
    # most values are bare and most others ids: a call for each costs more than the rest when there are many
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dict):
        return {str(key): inner if type(inner) in _BARE else plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [inner if type(inner) in _BARE else plain(inner) for inner in value]
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return exact(value, "number")
    if isinstance(value, datetime):
        return moment(value)
    raise HoldfastError(ErrorCode.INTERNAL, f"{type(value).__name__} cannot cross to the ledger")
