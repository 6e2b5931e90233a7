"""Every error of the API as one problem+json answer: stable code, outcome, retryability and the numbers."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from engine.domain.errors import EXPLANATIONS, ErrorCode, HoldfastError, Outcome
from engine.runtime.log import get_logger

MEDIA_TYPE = "application/problem+json"
NUMBER_ERROR = "invalid_number"  # the pydantic error type that engine.api.requests raises for money

SUSPECT = "holdfast.suspect"  # in a request's scope, once the caller is known: who looks at ids not found
_log = get_logger(__name__)
_SHOWN_CHARACTERS_MAX = 64
_LOGGED = frozenset(
    {ErrorCode.INTERNAL, ErrorCode.DATABASE_UNAVAILABLE, ErrorCode.CONFIGURATION, ErrorCode.DRIFT}
)
_LEFT_OUT = frozenset(
    {"type", "title", "status", "detail", "instance", "code", "outcome", "retryable", "request_id"}
    | {"function", "sqlstate", "effect", "cause"}  # for the log, not for robots
)


def problem(
    request: Request,
    code: ErrorCode,
    message: str | None = None,
    *,
    outcome: Outcome | None = None,
    status: int | None = None,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return one error answer (RFC 9457).

    `outcome` None: a request that sends nothing says `unknown` of any order, one that would have sent says
    `not_placed`. Details whose names the format reserves, and our internals, are left out.
    """
    explanation = EXPLANATIONS[code]
    if code is ErrorCode.NOT_FOUND:
        _suspect(request, details or {})
    if outcome is None:
        outcome = Outcome.NOT_PLACED if request.method == "POST" else Outcome.UNKNOWN
    body: dict[str, Any] = {
        "type": f"urn:holdfast:error:{code.value}",
        "title": explanation.text,
        "status": status or explanation.status,
        "detail": message or explanation.text,
        "code": code.value,
        "outcome": outcome.value,
        "retryable": explanation.retryable,
        "request_id": request_id(request),
    }
    body.update((key, value) for key, value in (details or {}).items() if key not in _LEFT_OUT)
    all_headers = dict(headers or {})
    if code is ErrorCode.UNAUTHORIZED:
        all_headers["WWW-Authenticate"] = "Bearer"
    elif explanation.retryable:
        all_headers.setdefault("Retry-After", str((details or {}).get("retry_after_s", 1)))
    return Response(
        json.dumps(body, default=str, separators=(",", ":")),
        status_code=body["status"],
        media_type=MEDIA_TYPE,
        headers=all_headers,
    )


def _suspect(request: Request, details: Mapping[str, Any]) -> None:
    """Hand over what was asked for in vain: an id that is another tenant's is an attempt."""
    look = request.scope.get(SUSPECT)
    if look is not None:
        route = getattr(request.scope.get("route"), "path", "none")
        asked = [*request.path_params.values(), *request.query_params.values(), *details.values()]
        look(f"{request.method} {route}", [text for text in asked if isinstance(text, str)])


def from_error(request: Request, error: HoldfastError) -> Response:
    """Return the answer for an error of ours; a request that sends nothing never claims an outcome."""
    outcome = error.outcome if request.method == "POST" else None
    message = str(error)
    if error.code in _LOGGED:
        _log.warning("request failed", code=error.code.value, detail=message, request_id=request_id(request))
    return problem(request, error.code, message, outcome=outcome, details=error.details)


def from_validation(request: Request, errors: list[dict[str, Any]]) -> Response:
    """Return the answer for a body or parameter of the wrong form: each field with its reason."""
    shown = [
        {
            "field": ".".join(str(part) for part in error["loc"]) or "body",
            "reason": error["msg"],
            "value": _shown(error.get("input")),
        }
        for error in errors
    ]
    number = next((error for error in errors if error["type"] == NUMBER_ERROR), None)
    if number is None:
        return problem(request, ErrorCode.BAD_REQUEST, details={"errors": shown})
    return problem(
        request,
        ErrorCode.INVALID_NUMBER,
        str(number["msg"]),
        details={
            "field": ".".join(str(part) for part in number["loc"]),
            "value": _shown(number.get("input")),
            "errors": shown,
        },
    )


def from_fault(request: Request, error: Exception) -> Response:
    """Return the answer for a fault of ours: whether an order went out before it is not known here."""
    # the route's own path: an address may carry a secret
    path = getattr(request.scope.get("route"), "path", "none")
    _log.error("request fault", request_id=request_id(request), path=path, exc_info=error)
    return problem(request, ErrorCode.INTERNAL, outcome=Outcome.UNKNOWN)


def request_id(request: Request) -> str:
    """Return the id that the envelope gave this request."""
    return str(request.scope.get("holdfast.request_id", ""))


def install(app: FastAPI) -> None:
    """Answer every expected exception of a route; the envelope answers the others."""

    async def ours(request: Request, error: Exception) -> Response:
        if not isinstance(error, HoldfastError):  # registered for that class alone
            raise error
        return from_error(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):  # registered for that class alone
            raise error
        return from_validation(request, [dict(entry) for entry in error.errors()])

    async def http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):  # registered for that class alone
            raise error
        code = ErrorCode.NOT_FOUND if error.status_code == 404 else ErrorCode.BAD_REQUEST  # noqa: PLR2004
        return problem(
            request, code, str(error.detail), status=error.status_code, headers=dict(error.headers or {})
        )

    app.add_exception_handler(HoldfastError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _shown(value: object) -> str | None:
    """A rejected value, short: a body may hold anything, and answers are logged by robots."""
    if value is None or isinstance(value, dict | list):
        return None
    return str(value)[:_SHOWN_CHARACTERS_MAX]
