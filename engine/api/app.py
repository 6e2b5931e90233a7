"""Builds the HTTP application from what it is given: robots' routes, internal endpoints, errors, OpenAPI."""

from fastapi import FastAPI

from engine.api import (
    cancels,
    document,
    feed,
    internal,
    lists,
    lookups,
    modes,
    problems,
    reads,
    robots,
    specs,
    switches,
    webhooks,
)
from engine.api.envelope import Envelope
from engine.api.services import Services

API_VERSION = "1"


def create_app(services: Services) -> FastAPI:
    """Return the application; the internal endpoints are in it unless they have a port of their own."""
    app = FastAPI(
        title="Holdfast",
        version=API_VERSION,
        summary="One intent, at most one order, with a proof for every unit of capital.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.include_router(robots.router(services))
    app.include_router(cancels.router(services))
    app.include_router(reads.router(services))
    app.include_router(switches.router(services))
    app.include_router(webhooks.router(services))
    app.include_router(lists.router(services))
    app.include_router(lookups.router(services))
    app.include_router(specs.router(services))
    app.include_router(modes.router(services))
    app.include_router(feed.router(services))
    if services.internal_on_same_port:
        app.include_router(internal.router(services.internal))
    problems.install(app)
    app.add_middleware(
        Envelope,
        metrics=services.metrics,
        clock=services.clock,
        body_bytes_max=services.body_bytes_max,
    )
    document.complete(app)
    return app
