"""Fills, events and exchanges: what happened to a tenant, and where it trades."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from engine.api.answers import READ_ERRORS, answer, found
from engine.api.cursors import CURSOR_LENGTH_MAX, cursor_after, read_cursor
from engine.api.requests import PRINTABLE
from engine.api.services import Services
from engine.exchange.tiers import EXCHANGES, facts_of
from engine.ledger import reads, requests

_LIMIT_MAX = 500
_TEXT_LENGTH_MAX = 64
_Text = Annotated[str | None, Query(min_length=1, max_length=_TEXT_LENGTH_MAX, pattern=PRINTABLE)]
_Limit = Annotated[int, Query(ge=1, le=_LIMIT_MAX)]
_Cursor = Annotated[str | None, Query(max_length=CURSOR_LENGTH_MAX, description="a `next_cursor`")]


def router(services: Services) -> APIRouter:
    """Return the routes of these lists."""
    routes = APIRouter(prefix="/v1", tags=["reads"], responses=READ_ERRORS)

    @routes.get("/fills", summary="Fills, newest first", responses=found("Fills"))
    async def fills(
        request: Request,
        *,
        profile: _Text = None,
        symbol: _Text = None,
        order: UUID | None = None,
        limit: _Limit = 100,
        cursor: _Cursor = None,
    ) -> Response:
        caller = await services.caller(request)
        filters: dict[str, Any] = {"limit": limit, "symbol": symbol, "order_id": order}
        filters["profile_id"] = await _profile_id(services, caller.tenant_id, profile)
        filters |= dict(zip(("before",), read_cursor("fills", cursor, int), strict=False))
        rows = await reads.list_fills(services.reads(caller), caller.tenant_id, _given(filters))
        return answer({"fills": rows, "next_cursor": cursor_after("fills", rows, limit, "event_id")})

    @routes.get(
        "/events",
        summary="Events, newest first",
        description="The history, page by page. To follow what happens use the feed, whose seq has no gaps.",
        responses=found("Events"),
    )
    async def events(
        request: Request,
        *,
        profile: _Text = None,
        order: UUID | None = None,
        type: _Text = None,  # noqa: A002 - the name in the query string
        limit: _Limit = 100,
        cursor: _Cursor = None,
    ) -> Response:
        caller = await services.caller(request)
        filters: dict[str, Any] = {"limit": limit, "type": type, "order_id": order}
        filters["profile_id"] = await _profile_id(services, caller.tenant_id, profile)
        filters |= dict(zip(("before", "before_part"), read_cursor("events", cursor, int, int), strict=False))
        rows = await requests.list_events(services.reads(caller), caller.tenant_id, _given(filters))
        behind = cursor_after("events", rows, limit, "event_id", "part")
        return answer({"events": rows, "next_cursor": behind})

    @routes.get(
        "/exchanges", summary="Exchanges, their tier, and the tenant's accounts", responses=found("Exchanges")
    )
    async def exchanges(request: Request) -> Response:
        caller = await services.caller(request)
        accounts = await reads.list_accounts(services.reads(caller), caller.tenant_id)
        names = sorted(EXCHANGES.keys() | {row["exchange"] for row in accounts})
        return answer({"exchanges": [_exchange(name, accounts) for name in names]})

    return routes


def _exchange(name: str, accounts: list[dict[str, Any]]) -> dict[str, Any]:
    known = facts_of(name)
    shown = [
        {"account_id": row["account_id"], "name": row["name"], "mode": row["mode"]}
        for row in accounts
        if row["exchange"] == name
    ]
    return {
        "exchange": name,
        "tier": known.tier.value,
        "why": known.why,
        "verified": known.verified,
        "accounts": shown,
    }


async def _profile_id(services: Services, tenant_id: UUID, profile: str | None) -> UUID | None:
    return (
        None if profile is None else (await services.at_work().trading.profile(tenant_id, profile)).profile_id
    )


def _given(filters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value is not None}
