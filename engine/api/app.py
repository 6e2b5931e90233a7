"""Builds the HTTP application from what it is given: robots' routes, internal endpoints, errors, OpenAPI."""

from typing import Any

from fastapi import FastAPI

from engine.api import feed, internal, problems, reads, robots
from engine.api.envelope import Envelope
from engine.api.services import Services
from engine.domain.errors import EXPLANATIONS, ErrorCode, Outcome

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
    app.include_router(reads.router(services))
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
    _complete_openapi(app)
    return app


def _complete_openapi(app: FastAPI) -> None:
    """Add the error form with all its codes, and the bearer scheme, to the generated document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            components = document.setdefault("components", {})
            components.setdefault("schemas", {})["Problem"] = _problem_schema()
            components.setdefault("securitySchemes", {})["robotKey"] = {
                "type": "http",
                "scheme": "bearer",
                "description": "a robot key; shown once when it was made",
            }
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # the documented way of FastAPI to extend the document


def _problem_schema() -> dict[str, Any]:
    codes = "\n".join(
        f"- `{code.value}` ({entry.status}{', retryable' if entry.retryable else ''}): {entry.text}"
        for code, entry in EXPLANATIONS.items()
    )
    return {
        "title": "Problem",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "outcome", "retryable", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string", "enum": [code.value for code in ErrorCode], "description": codes},
            "outcome": {"type": "string", "enum": [outcome.value for outcome in Outcome]},
            "retryable": {"type": "boolean"},
            "request_id": {"type": "string"},
            "errors": {"type": "array", "items": {"type": "object"}},
        },
        "additionalProperties": True,
    }
