"""Robots' reads: orders, timelines, capital, positions; each of the caller's tenant only."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from engine.api.answers import READ_ERRORS, answer, found, order_view
from engine.api.cursors import CURSOR_LENGTH_MAX, cursor_after, read_cursor
from engine.api.requests import PRINTABLE
from engine.api.services import Services
from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import reads

_LIMIT_MAX = 500
_ID_LENGTH_MAX = 64
_Text = Annotated[str | None, Query(min_length=1, max_length=_ID_LENGTH_MAX, pattern=PRINTABLE)]


def router(services: Services) -> APIRouter:
    """Return the routes that change nothing."""
    routes = APIRouter(prefix="/v1", tags=["reads"], responses=READ_ERRORS)

    @routes.get(
        "/orders/by-client-id/{client_order_id}",
        summary="One order, by its client order id",
        responses=found("Order"),
    )
    async def by_client_id(request: Request, client_order_id: str) -> Response:
        caller = await services.caller(request)
        if not client_order_id.isprintable():
            raise HoldfastError(ErrorCode.NOT_FOUND)
        view = await reads.get_order_by_client_id(services.reads(caller), caller.tenant_id, client_order_id)
        return answer(order_view(_found(view, client_order_id)))

    @routes.get(
        "/orders/{order_id}/timeline",
        summary="Everything that happened to an order, in order",
        responses=found("Timeline"),
    )
    async def timeline(request: Request, order_id: str) -> Response:
        caller = await services.caller(request)
        intent_id = identity(order_id)
        view = await reads.get_order(services.reads(caller), caller.tenant_id, intent_id)
        order = order_view(_found(view, order_id))
        events = await reads.order_timeline(services.reads(caller), caller.tenant_id, intent_id)
        return answer({"order": order, "events": events})

    @routes.get("/orders/{order_id}", summary="One order", responses=found("Order"))
    async def one(request: Request, order_id: str) -> Response:
        caller = await services.caller(request)
        view = await reads.get_order(services.reads(caller), caller.tenant_id, identity(order_id))
        return answer(order_view(_found(view, order_id)))

    _add_list(routes, services)
    _add_holdings(routes, services)
    return routes


def _add_list(routes: APIRouter, services: Services) -> None:
    @routes.get("/orders", summary="Orders, newest first", responses=found("Orders"))
    async def many(
        request: Request,
        *,
        profile: _Text = None,
        symbol: _Text = None,
        state: _Text = None,
        status: _Text = None,
        open: bool | None = None,  # noqa: A002 - the name in the query string
        limit: Annotated[int, Query(ge=1, le=_LIMIT_MAX)] = 100,
        before: Annotated[UUID | None, Query(description="an order's id; `cursor` does the same")] = None,
        cursor: Annotated[
            str | None, Query(max_length=CURSOR_LENGTH_MAX, description="a `next_cursor`")
        ] = None,
    ) -> Response:
        caller = await services.caller(request)
        behind = read_cursor("orders", cursor, str)
        if behind:
            before = identity(behind[0])
        filters = {
            "profile_id": await _profile_id(services, caller.tenant_id, profile),
            "symbol": symbol,
            "state": state,
            "status": status,
            "open": open,
            "limit": limit,
            "before": None if before is None else str(before),
        }
        given = {name: value for name, value in filters.items() if value is not None}
        views = await reads.list_orders(services.reads(caller), caller.tenant_id, given)
        following = cursor_after("orders", views, limit, "id")
        return answer({"orders": [order_view(view) for view in views], "next_cursor": following})


def _add_holdings(routes: APIRouter, services: Services) -> None:
    @routes.get(
        "/capital",
        summary="Capital of each profile, and whether the invariant holds",
        responses=found("Capital"),
    )
    async def capital(request: Request, profile: _Text = None) -> Response:
        caller = await services.caller(request)
        profile_id = await _profile_id(services, caller.tenant_id, profile)
        found = await reads.get_capital(services.reads(caller), caller.tenant_id, profile_id)
        return answer({"capital": found if profile_id is None else [found]})

    @routes.get("/positions", summary="Holdings per profile and symbol", responses=found("Positions"))
    async def positions(request: Request, profile: _Text = None) -> Response:
        caller = await services.caller(request)
        profile_id = await _profile_id(services, caller.tenant_id, profile)
        held = await reads.list_positions(services.reads(caller), caller.tenant_id, profile_id)
        return answer({"positions": held})


def identity(text: str) -> UUID:
    """Return an id of ours; what is no id names nothing."""
    try:
        return UUID(text)
    except ValueError:
        raise HoldfastError(ErrorCode.NOT_FOUND, id=text[:_ID_LENGTH_MAX]) from None


async def _profile_id(services: Services, tenant_id: UUID, profile: str | None) -> UUID | None:
    return (
        None if profile is None else (await services.at_work().trading.profile(tenant_id, profile)).profile_id
    )


def _found(view: Any, named: str) -> Any:
    if view is None:
        raise HoldfastError(ErrorCode.NOT_FOUND, id=named[:_ID_LENGTH_MAX])
    return view
