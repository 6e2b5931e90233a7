"""The operator's endpoints: alive, ready, health as JSON, metrics in Prometheus' text."""

import json
from typing import Any

from fastapi import APIRouter, FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from engine.api.services import InternalServices


def router(services: InternalServices) -> APIRouter:
    """Return the routes; they read and never change, and need no robot key: keep their port private."""
    routes = APIRouter(tags=["internal"])

    @routes.get("/livez", summary="The process answers")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz", summary="Every gate is open, or which one is not", responses=_READYZ)
    async def readyz() -> Response:
        closed = services.gates.closed()
        body: dict[str, Any] = {"status": "ready" if closed is None else "not_ready"}
        if closed is not None:
            body |= {"gate": closed[0], "reason": closed[1]}
        body |= {"gates": services.gates.report(), "notes": services.gates.notes}
        return _json(body, status=200 if closed is None else 503)

    @routes.get("/internal/health", summary="Gates, loops, locks, capital, exchange, database, version")
    async def health() -> Response:
        return _json(await services.health())

    @routes.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        services.gates.look()
        return Response(generate_latest(services.registry), media_type=CONTENT_TYPE_LATEST)

    return routes


def create_internal_app(services: InternalServices) -> FastAPI:
    """Return the internal endpoints alone, for a port of their own."""
    app = FastAPI(title="Holdfast internal", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router(services))
    return app


_READYZ: dict[int | str, dict[str, Any]] = {
    503: {"description": "a gate is closed: `gate` and `reason` name it"}
}


def _json(body: dict[str, Any], status: int = 200) -> Response:
    text = json.dumps(body, default=str, separators=(",", ":"))
    return Response(text, status_code=status, media_type="application/json")
