"""A robot's dead-man's switch: armed and kept by one call, read, disarmed."""

from typing import Any, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from engine.api.answers import READ_ERRORS, answer
from engine.api.problems import from_validation
from engine.api.requests import Name, check_key
from engine.api.services import Services
from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import switches
from engine.ledger.switches import Setting

_PATH = "/dead-mans-switch"
_SECURITY: dict[str, Any] = {"security": [{"robotKey": []}]}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}


class SwitchBody(BaseModel):
    """How the switch is armed; sent again before `timeout_ms` has passed it is the robot's sign of life."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    timeout_ms: int = Field(ge=1_000, le=86_400_000, description="how long the robot may be silent")
    action: Literal["cancel", "reduce", "halt"] = Field(
        description="cancel all open orders of this robot; reduce: cancel its entries and set the profile to "
        "reducing; halt: cancel all and halt the profile"
    )
    profile: Name | None = Field(default=None, description="id or name; needed for reduce and halt")
    cancel_on_disconnect: bool = Field(
        default=False, description="act as well when the robot's last feed connection ends"
    )

    @model_validator(mode="after")
    def _names_its_profile(self) -> Self:
        if self.action != "cancel" and self.profile is None:
            raise PydanticCustomError("missing_profile", "reduce and halt need a profile")
        return self


def router(services: Services) -> APIRouter:
    """Return the routes of the caller's own switch."""
    routes = APIRouter(prefix="/v1", tags=["dead-man's switch"], responses=READ_ERRORS)

    @routes.put(
        _PATH,
        summary="Arm the switch, or give the robot's sign of life: the time begins anew",
        openapi_extra={
            **_SECURITY,
            "parameters": [_KEY],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": SwitchBody.model_json_schema(),
                        "example": {"timeout_ms": 60_000, "action": "cancel"},
                    }
                },
            },
        },
    )
    async def arm(request: Request) -> Response:
        caller = await services.caller(request)
        check_key(request.headers.get("idempotency-key"))  # setting it to the same again changes nothing else
        try:
            body = SwitchBody.model_validate_json(await request.body())
        except ValidationError as error:
            return from_validation(request, [dict(entry) for entry in error.errors()])
        work = services.at_work()
        profile_id = None
        if body.profile is not None:
            profile_id = (await work.trading.profile(caller.tenant_id, body.profile)).profile_id
        setting = Setting(body.timeout_ms, body.action, profile_id, body.cancel_on_disconnect)
        return answer(await switches.arm(work.ledger, caller.tenant_id, caller.robot_id, setting))

    @routes.get(_PATH, summary="The switch: whether it is armed, until when, and what it did last")
    async def show(request: Request) -> Response:
        caller = await services.caller(request)
        view = await switches.get(services.at_work().ledger, caller.tenant_id, caller.robot_id)
        if view is None:
            raise HoldfastError(ErrorCode.NOT_FOUND, "this robot has no dead-man's switch")
        return answer(view)

    @routes.delete(
        _PATH,
        summary="Disarm the switch; repeating it changes nothing",
        openapi_extra={**_SECURITY, "parameters": [_KEY]},
    )
    async def disarm(request: Request) -> Response:
        caller = await services.caller(request)
        check_key(request.headers.get("idempotency-key"))
        view = await switches.disarm(services.at_work().ledger, caller.tenant_id, caller.robot_id)
        return answer({"armed": False} if view is None else view)

    return routes
