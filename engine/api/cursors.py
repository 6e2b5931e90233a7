"""Where a list goes on: an opaque text that names the last row, so that new rows move nothing."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from engine.domain.errors import ErrorCode, HoldfastError

CURSOR_LENGTH_MAX = 256


def cursor_after(name: str, rows: Sequence[Any], limit: int, *fields: str) -> str | None:
    """Return the cursor behind the last row of a full page of the list `name`; None when it is the last.

    A full page may be the last one all the same: the next is then empty.
    """
    if len(rows) < limit:
        return None
    text = json.dumps([name, *(rows[-1][field] for field in fields)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(name: str, cursor: str | None, *types: type) -> list[Any]:
    """Return what a cursor of the list `name` holds, nothing without one. Raises BAD_REQUEST."""
    if cursor is None:
        return []
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        parts = None
    fits = (
        isinstance(parts, list)
        and len(parts) == 1 + len(types)
        and parts[0] == name
        and all(type(part) is wanted for part, wanted in zip(parts[1:], types, strict=True))
    )
    if not fits or parts is None:
        errors = [
            {"field": "cursor", "reason": f"it is no next_cursor of this list of {name}", "value": None}
        ]
        raise HoldfastError(ErrorCode.BAD_REQUEST, "The cursor is none of this list's.", errors=errors)
    return list(parts[1:])
