"""Cancel-all and preview: many orders ended at once, and one told without being placed."""

from typing import Any
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from engine.api.answers import READ_ERRORS, answer, errors, found
from engine.api.auth import Caller
from engine.api.bodies import CancelAllBody, PreviewBody, PreviewEntry, body_of
from engine.api.claims import KEY_PARAMETER, checked_key, claim
from engine.api.robots import entry_command, exit_command
from engine.api.services import Services
from engine.domain.errors import EXPLANATIONS, ErrorCode
from engine.domain.scopes import Scope
from engine.flows.commands import CancelAllCommand
from engine.flows.preview import Preview

_BODY_ERRORS = errors(ErrorCode.BAD_REQUEST, ErrorCode.INVALID_NUMBER)
_WRITE_ERRORS = errors(
    ErrorCode.BAD_REQUEST,
    ErrorCode.IDEMPOTENCY_KEY_REQUIRED,
    ErrorCode.IDEMPOTENCY_KEY_REUSED,
    ErrorCode.BUSY,
)
_EXAMPLE = {
    "kind": "entry",
    "order": {
        "profile": "main",
        "symbol": "BTC/USDT",
        "type": "limit",
        "quantity": "0.001",
        "limit_price": "49000",
    },
}


def router(services: Services) -> APIRouter:
    """Return the routes of cancel-all and preview."""
    routes = APIRouter(prefix="/v1/orders", tags=["orders"], responses=READ_ERRORS)

    @routes.post(
        "/cancel-all",
        summary="Cancel every unfinished order, or those of a profile, a symbol or this robot",
        responses=READ_ERRORS | _WRITE_ERRORS | found("CanceledAll"),
        openapi_extra={"parameters": [KEY_PARAMETER], "requestBody": _body("CancelAllBody", {"own": True})},
    )
    async def cancel_all(request: Request) -> Response:
        caller = await services.canceller(request)
        key = checked_key(request)
        body = await body_of(request, CancelAllBody)
        if isinstance(body, Response):
            return body
        command = CancelAllCommand(
            caller.tenant_id,
            claim(caller, key, "cancel-all", body.model_dump()),
            body.profile,
            body.symbol,
            caller.robot_id if body.own else None,
        )
        given = await services.at_work().trading.cancel_all(command)
        shown = {"orders": given.orders, "recorded": given.recorded}
        return answer(shown, replayed=given.replay)

    @routes.post(
        "/preview",
        summary="What an order would be answered now; nothing is placed, reserved or kept",
        responses=READ_ERRORS | _BODY_ERRORS | found("Preview"),
        openapi_extra={"requestBody": _body("PreviewBody", _EXAMPLE)},
    )
    async def preview(request: Request) -> Response:
        caller = await services.caller(request, Scope.READ)
        body = await body_of(request, PreviewBody)
        if isinstance(body, Response):
            return body
        return answer(_shown(await _preview(services, caller, body)))

    return routes


async def _preview(services: Services, caller: Caller, body: PreviewBody) -> Preview:
    trading, asked = services.at_work().trading, body.root
    key = f"preview-{uuid4()}"  # never used before, and never stored
    if isinstance(asked, PreviewEntry):
        services.gates.check_entries()
        return await trading.preview_entry(entry_command(caller, key, asked.order))
    services.gates.check_exits()
    return await trading.preview_exit(exit_command(caller, key, asked.order))


def _shown(preview: Preview) -> dict[str, Any]:
    details = dict(preview.details)
    detail = details.pop("message", None)
    if not preview.accepted and detail is None:
        detail = EXPLANATIONS[ErrorCode(preview.code)].text
    shown: dict[str, Any] = {
        "accepted": preview.accepted,
        "code": preview.code,
        "detail": detail or "It would be sent.",
        "limit_price": preview.limit_price,
        "quantity": preview.quantity,
        "reserved": preview.reserved,
        "available_after": preview.available_after,
        "spec_version": preview.spec_version,
    }
    return shown if preview.accepted else shown | {"details": details}


def _body(name: str, example: dict[str, Any]) -> dict[str, Any]:
    return {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": example}
        },
    }
