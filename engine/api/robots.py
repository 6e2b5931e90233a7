"""Robots' orders: entries, exits, cancels, and the server's clock."""

from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from engine.api.answers import ORDER_ERRORS, READ_ERRORS, REPLAYED, answer, order_view
from engine.api.envelope import server_time
from engine.api.problems import from_validation, problem
from engine.api.reads import identity
from engine.api.requests import EntryBody, ExitBody, check_key, request_hash
from engine.api.services import Services
from engine.domain.errors import EXPLANATIONS, ErrorCode, Outcome
from engine.flows.commands import Answer, CancelCommand, EntryCommand, ExitCommand

_ERROR_STATUS_MIN = 400
_CANCEL_ENDED = frozenset({"done", "final"})
_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}


def router(services: Services) -> APIRouter:
    """Return the routes that a robot trades with."""
    routes = APIRouter(prefix="/v1", tags=["orders"])

    @routes.post("/entries", summary="Buy base with the profile's quote", **_described(EntryBody))
    async def enter(request: Request) -> Response:
        caller = await services.caller(request)
        key = check_key(request.headers.get("idempotency-key"))
        try:
            body = EntryBody.model_validate_json(await request.body())
        except ValidationError as error:
            return from_validation(request, [dict(entry) for entry in error.errors()])
        services.gates.check_entries()
        command = EntryCommand(
            tenant_id=caller.tenant_id,
            robot_id=caller.robot_id,
            idempotency_key=key,
            request_hash=request_hash("entry", body),
            quantity=body.quantity,
            **_common(body),
        )
        return _answered(request, await services.at_work().trading.enter(command))

    @routes.post("/exits", summary="Sell base that the profile holds", **_described(ExitBody))
    async def leave(request: Request) -> Response:
        caller = await services.caller(request)
        key = check_key(request.headers.get("idempotency-key"))
        try:
            body = ExitBody.model_validate_json(await request.body())
        except ValidationError as error:
            return from_validation(request, [dict(entry) for entry in error.errors()])
        services.gates.check_exits()
        command = ExitCommand(
            tenant_id=caller.tenant_id,
            robot_id=caller.robot_id,
            idempotency_key=key,
            request_hash=request_hash("exit", body),
            quantity=None if body.quantity == "all" else body.quantity,
            **_common(body),
        )
        return _answered(request, await services.at_work().trading.leave(command))

    @routes.delete(
        "/orders/{order_id}",
        summary="Request an order's cancel; repeating it changes nothing",
        responses={
            **READ_ERRORS,
            202: {"description": "the cancel is recorded or sent, its end not known yet"},
        },
        openapi_extra={"security": [{"robotKey": []}], "parameters": [_KEY_PARAMETER]},
    )
    async def cancel(request: Request, order_id: str) -> Response:
        caller = await services.canceller(request)
        check_key(request.headers.get("idempotency-key"))  # the order itself makes a repeat harmless
        command = CancelCommand(caller.tenant_id, identity(order_id), caller.actor)
        given = await services.at_work().trading.cancel(command)
        return _canceled(request, command, given)

    @routes.get("/time", summary="The server's clock")
    async def clock() -> dict[str, Any]:
        return {"time": server_time(services.clock), "unix_ms": services.clock.unix_ms()}

    return routes


def _common(body: EntryBody | ExitBody) -> dict[str, Any]:
    return {
        "profile": body.profile,
        "symbol": body.symbol,
        "type": body.type,
        "limit_price": body.limit_price,
        "time_in_force": body.time_in_force or "GTC",
        "post_only": body.post_only,
        "label": body.label,
        "expires_after_ms": body.expires_after_ms,
    }


def _answered(request: Request, given: Answer) -> Response:
    """Return what became of an intent, as HTTP says it."""
    if given.ok:
        shown = _shown(given) | {"recorded": given.recorded}
        return answer(shown, 201 if given.recorded else 202, replayed=given.replay)
    code = ErrorCode(given.code)
    if EXPLANATIONS[code].status < _ERROR_STATUS_MIN:
        shown = {"code": code.value, "detail": given.message} | _shown(given) | {"recorded": given.recorded}
        return answer(shown, EXPLANATIONS[code].status, replayed=given.replay)
    details = dict(given.details)
    message = details.pop("message", None)
    if given.intent is not None:
        details["order"] = order_view(given.intent)
    return problem(
        request,
        code,
        message or given.message,
        outcome=given.outcome,
        details=details,
        headers={REPLAYED: "true"} if given.replay else None,
    )


def _canceled(request: Request, command: CancelCommand, given: Answer) -> Response:
    if not given.ok:
        details = dict(given.details)
        message = details.pop("message", None)
        # What is known of a cancel is not what is known of the order.
        return problem(request, ErrorCode(given.code), message, outcome=Outcome.UNKNOWN, details=details)
    ended = given.details.get("cancel") in _CANCEL_ENDED
    shown = {"id": str(command.intent_id)} | _shown(given) | {"recorded": given.recorded}
    return answer(shown, 200 if ended else 202)


def _shown(given: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = dict(given.details)
    if given.intent is not None:
        shown |= order_view(given.intent)
    return shown | {"outcome": given.outcome.value}


def _described(body: type[EntryBody | ExitBody]) -> dict[str, Any]:
    """Return what OpenAPI says of a route that reads its body itself, after the key."""
    placed: dict[int | str, dict[str, Any]] = {
        201: {"description": "placed: the exchange confirmed the order"},
        202: {
            "description": "`outcome: unknown` (sent, not answered; `resolve_by` says until when), "
            "or `outcome: placed, recorded: false`"
        },
    }
    return {
        "status_code": 201,
        "responses": {**ORDER_ERRORS, **placed},
        "openapi_extra": {
            "security": [{"robotKey": []}],
            "parameters": [_KEY_PARAMETER],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": body.model_json_schema()}},
            },
        },
    }
