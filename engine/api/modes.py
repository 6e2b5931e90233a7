"""Modes: what stops whom, and how a tenant stops and resumes its own; the engine's is the operator's."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from engine.api.answers import READ_ERRORS, answer, errors, found
from engine.api.bodies import ModeBody, body_of
from engine.api.claims import KEY_PARAMETER, checked_key, claim
from engine.api.services import Services
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.scopes import Scope
from engine.ledger import reads, requests

_WRITE_ERRORS = READ_ERRORS | errors(
    ErrorCode.BAD_REQUEST,
    ErrorCode.IDEMPOTENCY_KEY_REQUIRED,
    ErrorCode.IDEMPOTENCY_KEY_REUSED,
    ErrorCode.INVARIANT_BROKEN,
)


def router(services: Services) -> APIRouter:
    """Return the routes of modes."""
    routes = APIRouter(prefix="/v1", tags=["modes"], responses=READ_ERRORS)

    @routes.get("/mode", summary="Every mode, and each profile's effective one", responses=found("Modes"))
    async def modes(request: Request) -> Response:
        caller = await services.caller(request)
        return answer(await requests.get_modes(services.reads(caller), caller.tenant_id))

    @routes.put(
        "/mode",
        summary="Stop or resume the tenant, an account or a profile, at once on every instance",
        responses=_WRITE_ERRORS | found("ModeChanged"),
        openapi_extra={
            "parameters": [KEY_PARAMETER],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/ModeBody"},
                        "example": {
                            "level": "profile",
                            "id": "main",
                            "mode": "active",
                            "reason": "the quotes are fine again",
                        },
                    }
                },
            },
        },
    )
    async def change(request: Request) -> Response:
        caller = await services.caller(request, Scope.MANAGE)
        key = checked_key(request)
        body = await body_of(request, ModeBody)
        if isinstance(body, Response):
            return body
        named = await _named(services, caller.tenant_id, body)
        meaning = {"level": body.level, "id": str(named), "mode": body.mode, "reason": body.reason}
        changed = await requests.change_mode(
            services.at_work().ledger,
            caller.tenant_id,
            claim(caller, key, "mode", meaning),
            body.level,
            named,
            mode=body.mode,
            reason=body.reason,
        )
        shown: dict[str, Any] = {name: value for name, value in changed.items() if name != "replay"}
        return answer(shown, replayed=bool(changed["replay"]))

    return routes


async def _named(services: Services, tenant_id: UUID, body: ModeBody) -> UUID | None:
    """Return the id of what a mode is for. Raises NOT_FOUND."""
    if body.id is None:
        return None
    if body.level == "profile":
        return (await services.at_work().trading.profile(tenant_id, body.id)).profile_id
    for row in await reads.list_accounts(services.at_work().ledger, tenant_id):
        if body.id in {row["name"], row["account_id"]}:
            return UUID(row["account_id"])
    raise HoldfastError(ErrorCode.NOT_FOUND, "no such account", account=body.id)
