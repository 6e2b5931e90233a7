"""What a failed SQL call means: SQLSTATE to error code, and whether its effect may have happened."""

import json
from collections.abc import Mapping
from enum import StrEnum
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
    "HF417": ErrorCode.PRECONDITION_FAILED,
    "HF418": ErrorCode.ACCOUNT_SHARED,
    "HF422": ErrorCode.BAD_REQUEST,
    "HF431": ErrorCode.LIMIT_EXCEEDED,
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


class Trouble(StrEnum):
    """What kind of outage a call met; `details.trouble` of DATABASE_UNAVAILABLE."""

    UNREACHABLE = "unreachable"
    NO_ANSWER = "no_answer"
    READ_ONLY = "read_only"
    NO_CONNECTIONS = "no_connections"
    NOT_STARTED = "not_started"
    DISK_FULL = "disk_full"
    OUT_OF_MEMORY = "out_of_memory"


_TROUBLES: Mapping[str, Trouble] = {
    "25006": Trouble.READ_ONLY,
    "53300": Trouble.NO_CONNECTIONS,
    "57P03": Trouble.NOT_STARTED,
    "53100": Trouble.DISK_FULL,
    "53200": Trouble.OUT_OF_MEMORY,
    "57014": Trouble.NO_ANSWER,
}
_TEXTS: Mapping[Trouble, str] = {
    Trouble.UNREACHABLE: "The database cannot be reached.",
    Trouble.NO_ANSWER: "The database did not answer in time.",
    Trouble.READ_ONLY: "The database is read-only.",
    Trouble.NO_CONNECTIONS: "The database has no connection left.",
    Trouble.NOT_STARTED: "The database is starting, stopping or in recovery.",
    Trouble.DISK_FULL: "The database's disk is full.",
    Trouble.OUT_OF_MEMORY: "The database is out of memory.",
}


def translate(error: BaseException, function: str, *, sent: bool) -> HoldfastError:
    """Return the error a caller sees; `details.effect` says whether the call may have taken effect."""
    if isinstance(error, asyncpg.PostgresError):
        return _of_server(error, function, sent=sent)
    if isinstance(error, asyncpg.DataError):
        return HoldfastError(ErrorCode.BAD_REQUEST, str(error), function=function, effect=EFFECT_NONE)
    return _unavailable(error, function, EFFECT_UNKNOWN if sent else EFFECT_NONE, "")


def effect_unknown(error: HoldfastError) -> bool:
    """Tell whether the call that failed so may have taken effect nevertheless."""
    return bool(error.details.get("effect") == EFFECT_UNKNOWN)


def passing(error: HoldfastError) -> bool:
    """Tell whether the same call may succeed later: contention or an unreachable database."""
    return error.code in {ErrorCode.BUSY, ErrorCode.DATABASE_UNAVAILABLE}


def trouble_of(error: HoldfastError) -> Trouble | None:
    """Return the kind of outage behind an error, None if it is none."""
    return error.details.get("trouble")


def _of_server(error: asyncpg.PostgresError, function: str, *, sent: bool) -> HoldfastError:
    state = str(getattr(error, "sqlstate", None) or "")
    message = str(getattr(error, "message", None) or error)
    if not state or state in _SESSION_ENDED or state.startswith("08"):
        return _unavailable(error, function, EFFECT_UNKNOWN if sent else EFFECT_NONE, state)
    code = _OWN.get(state) or _POSTGRES.get(state)
    away = code is None and (not sent or state[:2] in _UNAVAILABLE_CLASSES)  # no session: nothing was asked
    if away or code is ErrorCode.DATABASE_UNAVAILABLE:
        return _unavailable(error, function, EFFECT_NONE, state)
    details: dict[str, Any] = _detail(error) if state in _OWN else {}
    details |= {"function": function, "sqlstate": state, "effect": EFFECT_NONE}
    return HoldfastError(code or ErrorCode.INTERNAL, message, **details)


def _unavailable(error: BaseException, function: str, effect: str, state: str) -> HoldfastError:
    cause = f"{type(error).__name__}: {error}".rstrip(": ")
    slow = isinstance(error, TimeoutError)
    trouble = _TROUBLES.get(state, Trouble.NO_ANSWER if slow else Trouble.UNREACHABLE)
    return HoldfastError(
        ErrorCode.DATABASE_UNAVAILABLE,
        _TEXTS[trouble],
        function=function,
        effect=effect,
        cause=cause,
        sqlstate=state,
        trouble=trouble,
    )


def _detail(error: asyncpg.PostgresError) -> dict[str, Any]:
    text = getattr(error, "detail", None)
    if not text:
        return {}
    try:
        detail = json.loads(text)
    except ValueError:
        return {"detail": text}
    return detail if isinstance(detail, dict) else {"detail": detail}
