"""Completes the OpenAPI document: schemas, the error form with its codes, keys, every answer's headers."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from engine.api.bodies import CancelAllBody, ModeBody, PreviewBody
from engine.api.problems import MEDIA_TYPE
from engine.api.requests import EntryBody, ExitBody
from engine.api.schemas import SCHEMAS
from engine.domain.errors import EXPLANATIONS, ErrorCode, Outcome

_BODIES = (EntryBody, ExitBody, CancelAllBody, PreviewBody, ModeBody)
_PREFIX = "/v1/"
_OPEN = frozenset({"/v1/time"})  # needs no key
_HEADERS = {
    "X-Request-Id": {
        "description": "yours if you sent a plain one",
        "required": True,
        "schema": {"type": "string"},
    },
    "X-Server-Time": {
        "description": "when the answer began",
        "required": True,
        "schema": {"type": "string", "format": "date-time"},
    },
}
_REPLAYED = {
    "Idempotency-Replayed": {
        "description": "`true` if the key was used before",
        "required": False,
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_TOO_LARGE = {
    "description": "`BAD_REQUEST`: the body is larger than this server takes",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def complete(app: FastAPI) -> None:
    """Let the application give the completed document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            components = document.setdefault("components", {})
            components["schemas"] = _schemas()
            components["securitySchemes"] = {
                "robotKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "a robot key; shown once when it was made",
                }
            }
            for path, item in document["paths"].items():
                if path.startswith(_PREFIX):
                    for operation in item.values():
                        _complete(path, operation)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # the documented way of FastAPI to extend the document


def _complete(path: str, operation: dict[str, Any]) -> None:
    """Say of one operation of the robots what is true of all of them."""
    responses: dict[str, Any] = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]  # FastAPI's own form, which no answer has
    if path not in _OPEN:
        operation["security"] = [{"robotKey": []}]
    if "requestBody" in operation:
        responses["413"] = _TOO_LARGE
    keyed = any(one.get("name") == "Idempotency-Key" for one in operation.get("parameters", ()))
    for response in responses.values():
        own = response.get("headers", {})
        response["headers"] = own | _HEADERS | (_REPLAYED if keyed else {})


def _schemas() -> dict[str, Any]:
    bodies: dict[str, Any]
    _, bodies = models_json_schema(
        [(model, "validation") for model in _BODIES], ref_template="#/components/schemas/{model}"
    )
    named: dict[str, Any] = bodies["$defs"]
    return named | SCHEMAS | {"Problem": _problem()}


def _problem() -> dict[str, Any]:
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
