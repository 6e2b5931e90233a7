"""What a failed call over HTTP means: whether it arrived, and the error that PostgreSQL's own wire gives."""

from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from typing import Any

import asyncpg

from engine.ledger.rpc_values import BadAnswerError

_SQLSTATE_LENGTH = 5
# PostgREST's own codes that are said before a statement is sent; every other of its codes leaves it open.
_REFUSED_STATES = {
    "PGRST106": "3F000",  # the schema is not exposed
    "PGRST202": "42883",  # no such function, or not in its cache yet
    "PGRST300": "28000",  # no secret to verify tokens with
    "PGRST301": "28000",  # the token is invalid
    "PGRST302": "28000",  # no token, and no role without one
    "PGRST303": "28000",  # the token's claims do not hold
}
_REFUSED_CLASSES = ("PGRST1", "PGRST2", "PGRST3")
_NO_CONNECTION = frozenset({"PGRST000", "PGRST002", "PGRST003"})  # none was to be had: nothing was sent
# The server ended the session: nobody knows on which side of the commit.
_SESSION_ENDED = frozenset({"57P01", "57P02", "57P05"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failed attempt means.

    `error` is one that a transport raises. `reached`: the database may have got the call; `unknown`: whether
    it had an effect is not known, so that it can be sent again.
    """

    error: BaseException
    reached: bool
    unknown: bool


def failures() -> tuple[type[Exception], ...]:
    """What an attempt may fail with; anything else is a bug of ours and is not sent again."""
    postgrest, httpx = import_module("postgrest.exceptions"), import_module("httpx")
    return (postgrest.APIError, httpx.HTTPError, OSError, TimeoutError, BadAnswerError)


def judge(error: Exception) -> Verdict:
    """Return what a failed attempt means; what is not known for sure is unknown."""
    postgrest, httpx = import_module("postgrest.exceptions"), import_module("httpx")
    if isinstance(error, postgrest.APIError):
        return _of_answer(error)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Verdict(ConnectionError(_named(error)), reached=False, unknown=False)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Verdict(TimeoutError(_named(error)), reached=True, unknown=True)
    return Verdict(ConnectionError(_named(error)), reached=True, unknown=True)


def _of_answer(error: Any) -> Verdict:
    code = str(error.code or "")
    if len(code) == _SQLSTATE_LENGTH and code.isalnum():
        unknown = code.startswith("08") or code in _SESSION_ENDED
        return Verdict(_as_postgres(code, error), reached=True, unknown=unknown)
    state = _REFUSED_STATES.get(code)
    if state is None and code in {str(HTTPStatus.UNAUTHORIZED.value), str(HTTPStatus.FORBIDDEN.value)}:
        state = "28000"  # the gateway's word: the key is not one of this project
    if state is not None:
        return Verdict(_as_postgres(state, error), reached=True, unknown=False)
    refused = code.startswith(_REFUSED_CLASSES) or code in _NO_CONNECTION or _is_gateways_refusal(code)
    return Verdict(ConnectionError(_named(error)), reached=not refused, unknown=not refused)


def _as_postgres(state: str, error: Any) -> asyncpg.PostgresError:
    """The same exception that PostgreSQL's own wire raises for this SQLSTATE."""
    fields = {"S": "ERROR", "C": state, "M": str(error.message or ""), "D": error.details, "H": error.hint}
    told: asyncpg.PostgresError = asyncpg.PostgresError.new(
        {key: str(value) for key, value in fields.items() if value is not None}
    )
    return told


def _is_gateways_refusal(code: str) -> bool:
    return code.isdigit() and HTTPStatus.BAD_REQUEST <= int(code) < HTTPStatus.INTERNAL_SERVER_ERROR


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ").replace("\n", ", ")
