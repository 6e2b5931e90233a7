"""How arguments and results of a call cross over HTTP: as JSON without a float, typed again on arrival."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.wire import load, plain

# What asyncpg gives for each type, from what to_jsonb made of it.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "boolean": bool,
    "bytea": lambda value: bytes.fromhex(value.removeprefix("\\x")),
    "bigint": int,
    "double precision": float,
    "integer": int,
    "jsonb": lambda value: value,
    "numeric": Decimal,
    "smallint": int,
    "text": str,
    "timestamp with time zone": datetime.fromisoformat,
    "uuid": UUID,
}


class BadAnswerError(Exception):
    """What came as an answer was none: cut off, or somebody else's page."""


def arguments(args: tuple[Any, ...]) -> list[Any]:
    """Return arguments as JSON values: numbers exact text, bytes as PostgreSQL writes them."""
    return [f"\\x{each.hex()}" if isinstance(each, bytes) else plain(each) for each in args]


def answer(text: str, *, table: bool) -> list[Any]:
    """Return the rows of an answer of engine.dispatch, with the types that PostgreSQL's own wire gives."""
    try:
        told = load(text)
        if table:
            kinds = told["columns"]
            return [{name: _read(value, kinds[name]) for name, value in row.items()} for row in told["rows"]]
        return [(_read(told["value"], told["type"]),)]
    except (TypeError, ValueError, KeyError) as error:
        raise BadAnswerError(f"no answer of ours: {text!r:.80}") from error


def _read(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind.endswith("[]"):
        return [_read(each, kind.removesuffix("[]")) for each in value]
    reader = _READERS.get(kind)
    if reader is None:
        raise HoldfastError(ErrorCode.INTERNAL, f"a function gives {kind}, which cannot cross over HTTP")
    return reader(value)
