"""What a failed SQL call means: SQLSTATE to error code, and whether its effect may have happened."""

import json
from typing import Any

import asyncpg

from engine.domain.errors import ErrorCode, HoldfastError

EFFECT_NONE = "none"
EFFECT_UNKNOWN = "unknown"

# Own refusals.
_OWN: dict[str, ErrorCode] = {
    "HF401": ErrorCode.INTERNAL,  # a call without tenant is a bug of ours
    "HF403": ErrorCode.FORBIDDEN,
    "HF404": ErrorCode.NOT_FOUND,
    "HF409": ErrorCode.ILLEGAL_TRANSITION,
    "HF410": ErrorCode.STALE_TOKEN,
    "HF411": ErrorCode.IMMUTABLE,
    "HF412": ErrorCode.INVARIANT_BROKEN,
    "HF413": ErrorCode.IDEMPOTENCY_KEY_REQUIRED,
    "HF414": ErrorCode.IDEMPOTENCY_KEY_REUSED,
    "HF415": ErrorCode.ALREADY_EXISTS,
    "HF416": ErrorCode.ALREADY_EXISTS,
    "HF422": ErrorCode.BAD_REQUEST,
}
# Rolled back for sure; the first four may succeed at once when repeated.
_POSTGRES: dict[str, ErrorCode] = {
    "40001": ErrorCode.BUSY,
    "40P01": ErrorCode.BUSY,
    "55P03": ErrorCode.BUSY,
    "57014": ErrorCode.DATABASE_UNAVAILABLE,
    "23514": ErrorCode.INVARIANT_BROKEN,
    "42501": ErrorCode.FORBIDDEN,
}
# The server ended the session: during a commit nobody knows which side of it.
_SESSION_ENDED = frozenset({"57P01", "57P02", "57P03", "57P05"})
_UNAVAILABLE_CLASSES = frozenset({"08", "25", "28", "3D", "53", "57", "58"})


def translate(error: BaseException, function: str, *, sent: bool) -> HoldfastError:
    """Return the error a caller sees; `details.effect` says whether the call may have taken effect."""
    if isinstance(error, asyncpg.PostgresError):
        return _of_server(error, function, sent=sent)
    if isinstance(error, asyncpg.DataError):
        return HoldfastError(ErrorCode.BAD_REQUEST, str(error), function=function, effect=EFFECT_NONE)
    return _unavailable(error, function, EFFECT_UNKNOWN if sent else EFFECT_NONE)


def effect_unknown(error: HoldfastError) -> bool:
    """Tell whether the call that failed so may have taken effect nevertheless."""
    return bool(error.details.get("effect") == EFFECT_UNKNOWN)


def passing(error: HoldfastError) -> bool:
    """Tell whether the same call may succeed later: contention or an unreachable database."""
    return error.code in {ErrorCode.BUSY, ErrorCode.DATABASE_UNAVAILABLE}


def _of_server(error: asyncpg.PostgresError, function: str, *, sent: bool) -> HoldfastError:
    state = str(getattr(error, "sqlstate", None) or "")
    message = str(getattr(error, "message", None) or error)
    if not state or state in _SESSION_ENDED or state.startswith("08"):
        return _unavailable(error, function, EFFECT_UNKNOWN if sent else EFFECT_NONE)
    code = _OWN.get(state) or _POSTGRES.get(state)
    if code is None and state[:2] in _UNAVAILABLE_CLASSES:
        return _unavailable(error, function, EFFECT_NONE)
    details: dict[str, Any] = _detail(error) if state in _OWN else {}
    details |= {"function": function, "sqlstate": state, "effect": EFFECT_NONE}
    return HoldfastError(code or ErrorCode.INTERNAL, message, **details)


def _unavailable(error: BaseException, function: str, effect: str) -> HoldfastError:
    cause = f"{type(error).__name__}: {error}".rstrip(": ")
    return HoldfastError(ErrorCode.DATABASE_UNAVAILABLE, function=function, effect=effect, cause=cause)


def _detail(error: asyncpg.PostgresError) -> dict[str, Any]:
    text = getattr(error, "detail", None)
    if not text:
        return {}
    try:
        detail = json.loads(text)
    except ValueError:
        return {"detail": text}
    return detail if isinstance(detail, dict) else {"detail": detail}
