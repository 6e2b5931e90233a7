"""Canonical JSON (RFC 8785): one text for one value, so that a hash of it names the value."""

import hashlib
import json
from typing import Any

# Beyond these a reader with IEEE doubles sees another number (RFC 7493, RFC 8785 section 3.2.2.3).
_INTEGER_MAX = 2**53 - 1


def canonical(value: Any) -> str:
    """Return the canonical text of a JSON value.

    Numbers are whole and within ±(2^53 - 1): money is text here, so no fraction has to be printed as
    ECMAScript prints it. Raises ValueError for what has no such form: floats, larger integers, lone
    surrogates, keys that are not text.
    """
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        if abs(value) > _INTEGER_MAX:
            raise ValueError(f"{value} is beyond 2^53 - 1")
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(canonical(one) for one in value) + "]"
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a key is not text")
        # by UTF-16 code units, which is not the order of code points beyond the basic plane
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(key)}:{canonical(value[key])}" for key in keys) + "}"
    raise ValueError(f"{type(value).__name__} has no canonical form")


def revision(value: Any) -> str:
    """Return the SHA-256 of a value's canonical text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def parse(text: bytes | str) -> Any:
    """Return what a JSON text says, where it says one thing.

    Raises ValueError for no JSON, a key that stands twice, and NaN or Infinity.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _text(value: str) -> str:
    # json escapes exactly what RFC 8785 escapes, in its form
    quoted = json.dumps(value, ensure_ascii=False)
    try:
        quoted.encode()
    except UnicodeEncodeError:
        raise ValueError("a text has a lone surrogate") from None
    return quoted


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")
