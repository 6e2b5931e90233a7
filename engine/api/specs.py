"""Profiles and the versions of their specs: read with an ETag, written with If-Match."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from engine.api.answers import READ_ERRORS, answer, errors, found
from engine.api.claims import KEY_PARAMETER, checked_key, claim
from engine.api.cursors import CURSOR_LENGTH_MAX, cursor_after, read_cursor
from engine.api.requests import PRINTABLE
from engine.api.services import Services
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.scopes import Scope
from engine.domain.specs import read_spec, spec_revision, tag_of, tags_of
from engine.ledger import reads, requests

PAGE_MAX = 500
_VERSION_MAX = 2**31 - 1
_NAME_LENGTH_MAX = 64
ProfileName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=_NAME_LENGTH_MAX,
        pattern=PRINTABLE,
        description="id or name of the profile",
        examples=["main"],
    ),
]
_ETAG = {"ETag": {"description": "names version and rules", "schema": {"type": "string"}, "required": True}}
_WRITE_ERRORS = READ_ERRORS | errors(
    ErrorCode.BAD_REQUEST,
    ErrorCode.IDEMPOTENCY_KEY_REQUIRED,
    ErrorCode.IDEMPOTENCY_KEY_REUSED,
    ErrorCode.SPEC_INVALID_SCHEMA,
    ErrorCode.PRECONDITION_REQUIRED,
    ErrorCode.PRECONDITION_FAILED,
)


def router(services: Services) -> APIRouter:
    """Return the routes of profiles and their specs."""
    routes = APIRouter(prefix="/v1", tags=["profiles"], responses=READ_ERRORS)
    _add_profiles(routes, services)
    _add_reads(routes, services)
    _add_write(routes, services)
    return routes


def _add_profiles(routes: APIRouter, services: Services) -> None:
    @routes.get("/profiles", summary="Profiles with their capital", responses=found("Profiles"))
    async def many(request: Request) -> Response:
        caller = await services.caller(request)
        ledger = services.reads(caller)
        rows = await reads.list_profiles(ledger, caller.tenant_id)
        figures = {row["profile_id"]: row for row in await reads.get_capital(ledger, caller.tenant_id, None)}
        return answer({"profiles": [_profile(row, figures[row["profile_id"]]) for row in rows]})

    @routes.get("/profiles/{profile}", summary="One profile", responses=found("Profile"))
    async def one(request: Request, profile: ProfileName) -> Response:
        caller = await services.caller(request)
        named = await services.at_work().trading.profile(caller.tenant_id, profile)
        ledger = services.reads(caller)
        figures = await reads.get_capital(ledger, caller.tenant_id, named.profile_id)
        rows = await reads.list_profiles(ledger, caller.tenant_id)
        row = next(row for row in rows if row["profile_id"] == str(named.profile_id))
        return answer(_profile(row, figures))

    @routes.get(
        "/profiles/{profile}/limits", summary="What it may do now, and why", responses=found("Limits")
    )
    async def limits(request: Request, profile: ProfileName) -> Response:
        caller = await services.caller(request)
        named = await services.at_work().trading.profile(caller.tenant_id, profile)
        ledger = services.reads(caller)
        return answer(await requests.get_limits(ledger, caller.tenant_id, named.profile_id))


def _add_reads(routes: APIRouter, services: Services) -> None:
    @routes.get(
        "/profiles/{profile}/spec", summary="Its rules as they are now", responses=found("ProfileSpec", _ETAG)
    )
    async def current(request: Request, profile: ProfileName) -> Response:
        caller = await services.caller(request)
        named = await services.at_work().trading.profile(caller.tenant_id, profile)
        spec = await requests.get_spec(services.reads(caller), caller.tenant_id, named.profile_id)
        return _tagged(spec)

    @routes.get(
        "/profiles/{profile}/specs",
        summary="The versions of its rules, newest first",
        responses=found("SpecVersions"),
    )
    async def versions(
        request: Request,
        profile: ProfileName,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
        cursor: Annotated[str | None, Query(max_length=CURSOR_LENGTH_MAX)] = None,
    ) -> Response:
        caller = await services.caller(request)
        filters: dict[str, Any] = {"limit": limit}
        filters |= dict(zip(("before",), read_cursor("specs", cursor, int), strict=False))
        named = await services.at_work().trading.profile(caller.tenant_id, profile)
        rows = await requests.list_specs(services.reads(caller), caller.tenant_id, named.profile_id, filters)
        return answer({"specs": rows, "next_cursor": cursor_after("specs", rows, limit, "version")})

    @routes.get(
        "/profiles/{profile}/specs/{version}",
        summary="One version of its rules",
        responses=found("ProfileSpec", _ETAG),
    )
    async def version(
        request: Request,
        profile: ProfileName,
        version: Annotated[int, Path(ge=1, le=_VERSION_MAX, examples=[1])],
    ) -> Response:
        caller = await services.caller(request)
        named = await services.at_work().trading.profile(caller.tenant_id, profile)
        spec = await requests.get_spec(services.reads(caller), caller.tenant_id, named.profile_id, version)
        return _tagged(spec)


def _add_write(routes: APIRouter, services: Services) -> None:
    @routes.put(
        "/profiles/{profile}/spec",
        summary="Give it the next version of its rules",
        responses=_WRITE_ERRORS | found("ProfileSpec", _ETAG),
        openapi_extra={
            "parameters": [
                KEY_PARAMETER,
                {
                    "name": "If-Match",
                    "in": "header",
                    "required": True,
                    "description": "the ETag of the version that was read; * overwrites whatever is there",
                    "schema": {"type": "string", "pattern": r'^(\*|"[0-9]+-[0-9a-f]{64}")$'},
                    "example": "*",
                },
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Spec"},
                        "example": {"symbols": ["BTC/USDT"], "max_order_notional": "5000"},
                    }
                },
            },
        },
    )
    async def write(request: Request, profile: ProfileName) -> Response:
        caller = await services.caller(request, Scope.MANAGE)
        key = checked_key(request)
        if_match = request.headers.get("if-match")
        if if_match is None:
            raise HoldfastError(ErrorCode.PRECONDITION_REQUIRED)
        tags = tags_of(if_match)
        spec = read_spec(await request.body())
        named = await services.at_work().trading.profile(caller.tenant_id, profile)
        changed = await requests.change_spec(
            services.at_work().ledger,
            caller.tenant_id,
            claim(caller, key, f"spec {named.profile_id}", dict(spec)),
            named.profile_id,
            tags,
            spec=spec,
            spec_hash=spec_revision(spec),
        )
        services.at_work().trading.forget_profiles(caller.tenant_id)
        return _tagged(changed)


def _profile(row: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **figures,
        "spec_version": row["spec_version"],
        "revision": row["spec_hash"],
        "created_at": row["created_at"],
    }


def _tagged(spec: Mapping[str, Any]) -> Response:
    shown = {name: value for name, value in spec.items() if name != "replay"}
    given = answer(shown, replayed=bool(spec.get("replay", False)))
    given.headers["ETag"] = f'"{tag_of(int(spec["version"]), str(spec["revision"]))}"'
    return given
