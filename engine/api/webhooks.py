"""Alerts of charting services: checked, kept, answered at once; what they ask for happens after."""

import hashlib
import hmac
import os
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from engine.api.answers import ALERT_ERRORS, answer
from engine.api.auth import Caller
from engine.api.services import Services
from engine.domain import alerts
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.ids import uuid7
from engine.ledger import webhooks
from engine.ledger.webhooks import NewAlert, Route

_ANSWER_S = 0.8  # senders give up after a second or three, and send nothing twice
_NO_HASH = bytes(32)
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"type": "object", "additionalProperties": True},
            "example": {"secret": "hw_…", "symbol": "BTC/USDT", "action": "buy", "quantity": "0.001"},
        },
        "text/plain": {"schema": {"type": "string"}},
    },
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    **ALERT_ERRORS,
    202: {"description": "kept; `duplicate: true` if it was before. Its order follows"},
}


def router(services: Services) -> APIRouter:
    """Return the routes that alerts arrive at; they carry a secret instead of a key."""
    routes = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=_RESPONSES)

    @routes.post(
        "/{route}",
        summary="An alert whose body carries the secret",
        status_code=202,
        openapi_extra={"requestBody": _BODY},
    )
    async def with_body(request: Request, route: str) -> Response:
        return await _take(services, request, route, None)

    @routes.post(
        "/{route}/{secret}",
        summary="An alert whose address carries the secret",
        status_code=202,
        openapi_extra={"requestBody": _BODY},
    )
    async def with_path(request: Request, route: str, secret: str) -> Response:
        return await _take(services, request, route, secret)

    return routes


async def _take(services: Services, request: Request, named: str, secret: str | None) -> Response:
    ledger = services.at_work().ledger
    deadline = ledger.deadline(_ANSWER_S)
    body = _text(await request.body())
    said = alerts.read(body)
    route = await _found(services, named, deadline)
    if not _fits(said.secret if secret is None else secret, route) or route is None:
        raise HoldfastError(ErrorCode.UNAUTHORIZED, "no such webhook, or not its secret")
    if services.rates is not None:
        services.rates.admit(request, Caller(route.tenant_id, route.robot_id, route.name))
    alert = NewAlert(
        uuid7(services.clock.unix_ms(), os.urandom(10)),
        alerts.identity(route.template, said.fields),
        said.body,
        hashlib.sha256(said.body.encode()).digest(),
        alerts.said_at(route.template, said.fields),
    )
    kept = await webhooks.accept(ledger, route.tenant_id, route.route_id, alert, deadline=deadline)
    if kept["code"] == ErrorCode.INTENT_EXPIRED and not kept["duplicate"]:
        raise HoldfastError(
            ErrorCode.INTENT_EXPIRED,
            "the alert is older than its route takes",
            **{name: kept[name] for name in ("alert_id", "lag_s", "max_lag_s")},
        )
    shown = {name: kept[name] for name in ("alert_id", "duplicate", "state")}
    return answer(shown, 202)


async def _found(services: Services, named: str, deadline: float) -> Route | None:
    try:
        route_id = UUID(named)
    except ValueError:
        return None
    return await webhooks.find(services.at_work().ledger, route_id, deadline=deadline)


def _fits(secret: str | None, route: Route | None) -> bool:
    """Compare in constant time, also where there is nothing to compare with."""
    digest = hashlib.sha256((secret or "").encode(errors="surrogatepass")).digest()
    same = hmac.compare_digest(digest, _NO_HASH if route is None else route.secret_hash)
    return same and secret is not None and route is not None


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise HoldfastError(ErrorCode.BAD_REQUEST, "an alert is UTF-8 text or JSON") from None
    if "\x00" in text or not text.strip():
        raise HoldfastError(ErrorCode.BAD_REQUEST, "an alert is not empty and has no NUL")
    return text
