"""Alerts of charting services: what a body says, and what order a route's template makes of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.money import parse_positive
from engine.domain.requests import OrderType, TimeInForce

SECRET = "secret"  # noqa: S105 - the name of the field, not its value

_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_.-]{1,64})\s*\}\}")
_WORD = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]{0,63})=(.*)", re.DOTALL)
_REQUIRED = ("action", "symbol", "quantity")
_FIELDS = (*_REQUIRED, "type", "limit_price", "time_in_force", "label", "id", "time")
_KNOWN = ", ".join((*_FIELDS, "maps"))
_ACTIONS = {"entry": "entry", "buy": "entry", "exit": "exit", "sell": "exit"}
_TYPES: Mapping[str, OrderType] = {"market": "market", "limit": "limit"}
_CONDITIONS: Mapping[str, TimeInForce] = {"GTC": "GTC", "IOC": "IOC", "FOK": "FOK"}
_TEXT_MAX = 256
_EXPONENT_MAX = 40
_YEARS = range(2000, 2100)
_MS_FROM = 100_000_000_000  # unix times from here on are milliseconds


@dataclass(frozen=True, slots=True)
class Said:
    """A body read: its fields, the secret that it carried, and the body without that."""

    fields: Mapping[str, Any]
    secret: str | None
    body: str


@dataclass(frozen=True, slots=True)
class AlertOrder:
    """The order that an alert stands for; `quantity` None is all that can be sold."""

    action: Literal["entry", "exit"]
    symbol: str
    type: OrderType
    quantity: Decimal | None
    limit_price: Decimal | None
    time_in_force: TimeInForce
    label: str | None


def read(body: str) -> Said:
    """Read a JSON object, or text: `name=value` words are fields, the others are numbered from 1.

    Numbers stay the digits that were written. Whatever does not parse as JSON is text.
    """
    parsed = _json(body)
    if parsed is not None:
        secret = parsed.pop(SECRET, None)
        if not isinstance(secret, str):
            return Said(parsed, None, body if secret is None else json.dumps(parsed))
        return Said(parsed, secret, json.dumps(parsed))
    fields: dict[str, Any] = {}
    secret, kept, place = None, [], 0
    for word in body.split():
        named = _WORD.fullmatch(word)
        if named is None:
            place += 1
            fields[str(place)] = word
        elif named[1] == SECRET:
            secret = named[2]
            continue
        else:
            fields[named[1]] = named[2]
        kept.append(word)
    if secret is None:
        return Said(fields, None, body)
    rest = read(" ".join(kept))  # as it will be read when it is executed
    return Said(rest.fields, secret, rest.body)


def checked_template(template: Any) -> Mapping[str, Any]:
    """Return a template. Raises BAD_REQUEST with the key that is wrong."""
    if not isinstance(template, dict):
        raise HoldfastError(ErrorCode.BAD_REQUEST, "A template is a JSON object.")
    for name in _REQUIRED:
        if name not in template:
            raise HoldfastError(ErrorCode.BAD_REQUEST, f"The template has no {name!r}.", key=name)
    for name, value in template.items():
        fine = _is_maps(value) if name == "maps" else name in _FIELDS and isinstance(value, str)
        if not fine:
            raise HoldfastError(
                ErrorCode.BAD_REQUEST,
                f"The template's {name!r} is not of the documented form; known are {_KNOWN}.",
                key=name,
            )
    return template


def identity(template: Mapping[str, Any], fields: Mapping[str, Any]) -> str | None:
    """Return what makes two alerts the same one, as the template says; None if it does not, or cannot."""
    try:
        return _filled(template, "id", fields) or None
    except HoldfastError:
        return None  # its execution will say what is wrong


def said_at(template: Mapping[str, Any], fields: Mapping[str, Any]) -> datetime | None:
    """Return when an alert says it was made, by the template; None if it does not, or cannot be read."""
    try:
        text = _filled(template, "time", fields)
        return None if text is None else _moment(text)
    except HoldfastError:
        return None


def order_of(template: Mapping[str, Any], fields: Mapping[str, Any]) -> AlertOrder:
    """Return the order that an alert stands for. Raises BAD_REQUEST or INVALID_NUMBER: it never will."""
    action = _ACTIONS.get((_filled(template, "action", fields) or "").lower())
    if action is None:
        raise _wrong("action", "it is entry, exit, buy or sell", _filled(template, "action", fields))
    kind = _one_of(_TYPES, "type", (_filled(template, "type", fields) or "market").lower())
    conditions = _one_of(
        _CONDITIONS, "time_in_force", (_filled(template, "time_in_force", fields) or "GTC").upper()
    )
    price = _filled(template, "limit_price", fields) if kind == "limit" else None
    if kind == "limit" and price is None:
        raise _wrong("limit_price", "a limit order needs it", None)
    quantity = _filled(template, "quantity", fields)
    time = _filled(template, "time", fields)
    if time is not None:
        _moment(time)
    every = action == "exit" and quantity == "all"
    return AlertOrder(
        "entry" if action == "entry" else "exit",
        _filled(template, "symbol", fields) or "",
        kind,
        None if every else parse_positive(_plain(quantity or ""), "quantity"),
        None if price is None else parse_positive(_plain(price), "limit_price"),
        conditions,
        (_filled(template, "label", fields) or "")[:64] or None,
    )


def _json(body: str) -> dict[str, Any] | None:
    if not body.lstrip().startswith("{"):
        return None
    try:
        parsed = json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _filled(template: Mapping[str, Any], name: str, fields: Mapping[str, Any]) -> str | None:
    """Fill one value of a template. Raises BAD_REQUEST for a field that the alert does not have."""
    pattern = template.get(name)
    if pattern is None:
        return None
    text = _PLACE.sub(lambda place: _field(fields, place[1]), pattern).strip()
    if len(text) > _TEXT_MAX or not text.isprintable():
        raise _wrong(name, f"it has at most {_TEXT_MAX} printable characters", text[:_TEXT_MAX])
    return str(template.get("maps", {}).get(name, {}).get(text, text))


def _field(fields: Mapping[str, Any], path: str) -> str:
    found: Any = fields.get(path)
    if found is None:
        found = fields
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, str):
        raise _wrong(path, "the alert has no such field, or it is no text and no number", None)
    return found


def _one_of(table: Mapping[str, Any], name: str, value: str) -> Any:
    if value not in table:
        raise _wrong(name, f"it is one of {', '.join(table)}", value)
    return table[value]


def _plain(text: str) -> str:
    """Return a number without exponent, as charting services write small ones; all else as it is."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if "e" not in text.lower() or not number.is_finite() or abs(number.adjusted()) > _EXPONENT_MAX:
        return text
    return format(number, "f")


def _moment(text: str) -> datetime:
    try:
        if re.fullmatch(r"[0-9]{9,13}", text):
            number = int(text)
            return datetime.fromtimestamp(number / 1000 if number >= _MS_FROM else number, UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise _wrong("time", "it is ISO 8601 or a unix time", text) from None
    if moment.year not in _YEARS:
        raise _wrong("time", "it is of this century", text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _is_maps(value: Any) -> bool:
    return isinstance(value, dict) and all(
        name in _FIELDS and isinstance(table, dict) and all(isinstance(to, str) for to in table.values())
        for name, table in value.items()
    )


def _wrong(name: str, reason: str, value: str | None) -> HoldfastError:
    # ascii: what is shown is stored, and a database takes no NUL and no half of a surrogate pair
    shown = None if value is None else ascii(value)[1:-1]
    return HoldfastError(ErrorCode.BAD_REQUEST, f"{name}: {reason}", field=name, value=shown)
