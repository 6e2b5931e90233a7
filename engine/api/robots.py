"""Robots' orders: entries, exits, cancels, and the server's clock."""

from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from engine.api.answers import ORDER_ERRORS, READ_ERRORS, REPLAYED, answer, errors, found, order_view
from engine.api.auth import Caller
from engine.api.claims import KEY_PARAMETER, checked_key, claim
from engine.api.envelope import server_time
from engine.api.problems import from_validation, problem
from engine.api.reads import identity
from engine.api.requests import EntryBody, ExitBody, request_hash
from engine.api.services import Services
from engine.domain.errors import EXPLANATIONS, ErrorCode, Outcome
from engine.flows.commands import Answer, CancelCommand, EntryCommand, ExitCommand

_ERROR_STATUS_MIN = 400
_CANCEL_ENDED = frozenset({"done", "final"})
_CANCEL_ERRORS = errors(
    ErrorCode.BAD_REQUEST, ErrorCode.IDEMPOTENCY_KEY_REQUIRED, ErrorCode.IDEMPOTENCY_KEY_REUSED
)
_ENTRY = {
    "profile": "main",
    "symbol": "BTC/USDT",
    "type": "limit",
    "quantity": "0.001",
    "limit_price": "49000",
    "label": "breakout-7",
}
_EXIT = {"profile": "main", "symbol": "BTC/USDT", "type": "market", "quantity": "all"}


def router(services: Services) -> APIRouter:
    """Return the routes that a robot trades with."""
    routes = APIRouter(prefix="/v1", tags=["orders"])

    @routes.post("/entries", summary="Buy base with the profile's quote", **_described(EntryBody, _ENTRY))
    async def enter(request: Request) -> Response:
        caller = await services.caller(request)
        key = checked_key(request)
        try:
            body = EntryBody.model_validate_json(await request.body())
        except ValidationError as error:
            return from_validation(request, [dict(entry) for entry in error.errors()])
        services.gates.check_entries()
        return answered(request, await services.at_work().trading.enter(entry_command(caller, key, body)))

    @routes.post("/exits", summary="Sell base that the profile holds", **_described(ExitBody, _EXIT))
    async def leave(request: Request) -> Response:
        caller = await services.caller(request)
        key = checked_key(request)
        try:
            body = ExitBody.model_validate_json(await request.body())
        except ValidationError as error:
            return from_validation(request, [dict(entry) for entry in error.errors()])
        services.gates.check_exits()
        return answered(request, await services.at_work().trading.leave(exit_command(caller, key, body)))

    @routes.get("/time", summary="The server's clock", responses=found("Time"))
    async def clock() -> dict[str, Any]:
        return {"time": server_time(services.clock), "unix_ms": services.clock.unix_ms()}

    _add_cancel(routes, services)
    return routes


def _add_cancel(routes: APIRouter, services: Services) -> None:
    @routes.delete(
        "/orders/{order_id}",
        summary="Request an order's cancel; repeating it changes nothing",
        responses={**READ_ERRORS, **_CANCEL_ERRORS, **found("Canceled"), **found("Canceled", status=202)},
        openapi_extra={"parameters": [KEY_PARAMETER]},
    )
    async def cancel(request: Request, order_id: str) -> Response:
        caller = await services.canceller(request)
        key, intent_id = checked_key(request), identity(order_id)
        claimed = claim(caller, key, "cancel", str(intent_id))
        command = CancelCommand(caller.tenant_id, intent_id, claimed.actor, claimed)
        given = await services.at_work().trading.cancel(command)
        return _canceled(request, command, given)


def entry_command(caller: Caller, key: str, body: EntryBody) -> EntryCommand:
    """Return what the flow of entries is asked for."""
    return EntryCommand(
        tenant_id=caller.tenant_id,
        robot_id=caller.robot_id,
        idempotency_key=key,
        request_hash=request_hash("entry", body),
        quantity=body.quantity,
        **_common(body),
    )


def exit_command(caller: Caller, key: str, body: ExitBody) -> ExitCommand:
    """Return what the flow of exits is asked for."""
    return ExitCommand(
        tenant_id=caller.tenant_id,
        robot_id=caller.robot_id,
        idempotency_key=key,
        request_hash=request_hash("exit", body),
        quantity=None if body.quantity == "all" else body.quantity,
        **_common(body),
    )


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


def answered(request: Request, given: Answer) -> Response:
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
    return answer(shown, 200 if ended else 202, replayed=given.replay)


def _shown(given: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = dict(given.details)
    if given.intent is not None:
        shown |= order_view(given.intent)
    return shown | {"outcome": given.outcome.value}


def _described(body: type[EntryBody | ExitBody], example: dict[str, Any]) -> dict[str, Any]:
    """Return what OpenAPI says of a route that reads its body itself, after the key."""
    described = {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}, "example": example}
    return {
        "status_code": 201,
        "responses": {**ORDER_ERRORS, **found("Placed", status=201), **found("Unresolved", status=202)},
        "openapi_extra": {
            "parameters": [KEY_PARAMETER],
            "requestBody": {"required": True, "content": {"application/json": described}},
        },
    }
