"""How an intent is shown to its robot, and which statuses the OpenAPI document promises."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from engine.api.schemas import SCHEMAS
from engine.domain.errors import EXPLANATIONS, ErrorCode, Outcome

REPLAYED = "Idempotency-Replayed"

# What an intent's state says of its order at the exchange.
OUTCOMES: Mapping[str, Outcome] = {
    "sending": Outcome.UNKNOWN,
    "in_doubt": Outcome.UNKNOWN,
    "needs_operator": Outcome.UNKNOWN,
    "confirmed": Outcome.PLACED,
    "rejected": Outcome.NOT_PLACED,
    "not_placed": Outcome.NOT_PLACED,
}
_INTERNAL = frozenset({"fencing_token", "owner"})


def answer(body: Mapping[str, Any], status: int = 200, *, replayed: bool = False) -> Response:
    """Return a JSON answer; every value in it is text, whole number, boolean, list or object already."""
    text = json.dumps(body, default=str, separators=(",", ":"))
    headers = {REPLAYED: "true"} if replayed else None
    return Response(text, status_code=status, media_type="application/json", headers=headers)


def order_view(view: Mapping[str, Any]) -> dict[str, Any]:
    """Return an intent's view for its robot: with the outcome, without what is the engine's own."""
    shown: dict[str, Any] = {"outcome": OUTCOMES[view["state"]].value}
    shown.update((key, value) for key, value in view.items() if key not in _INTERNAL)
    return shown


def errors(*codes: ErrorCode) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's responses for some codes, grouped by status."""
    by_status: dict[int | str, list[ErrorCode]] = {}
    for code in codes:
        by_status.setdefault(EXPLANATIONS[code].status, []).append(code)
    return {
        status: {
            "description": "; ".join(f"`{code.value}`: {EXPLANATIONS[code].text}" for code in group),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, group in by_status.items()
    }


def found(
    name: str, headers: Mapping[str, Any] | None = None, status: int = 200
) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's response for an answer of one of the schemas."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    described: dict[str, Any] = {
        "description": str(SCHEMAS[name].get("description", name)),
        "content": {"application/json": {"schema": schema}},
    }
    return {status: described | ({"headers": dict(headers)} if headers else {})}


READ_ERRORS = errors(
    ErrorCode.BAD_REQUEST,
    ErrorCode.UNAUTHORIZED,
    ErrorCode.FORBIDDEN,
    ErrorCode.NOT_FOUND,
    ErrorCode.RATE_LIMITED,
    ErrorCode.NOT_READY,
    ErrorCode.DATABASE_UNAVAILABLE,
    ErrorCode.INTERNAL,
)
ORDER_ERRORS = errors(
    ErrorCode.BAD_REQUEST,
    ErrorCode.IDEMPOTENCY_KEY_REQUIRED,
    ErrorCode.UNAUTHORIZED,
    ErrorCode.FORBIDDEN,
    ErrorCode.NOT_FOUND,
    ErrorCode.ENTRY_LOCKED,
    ErrorCode.INTENT_SENDING,
    ErrorCode.IDEMPOTENCY_KEY_REUSED,
    ErrorCode.INVALID_NUMBER,
    ErrorCode.UNKNOWN_SYMBOL,
    ErrorCode.INVALID_PRICE,
    ErrorCode.INVALID_QUANTITY,
    ErrorCode.BELOW_MIN_NOTIONAL,
    ErrorCode.INSUFFICIENT_CAPITAL,
    ErrorCode.INSUFFICIENT_POSITION,
    ErrorCode.LIMIT_EXCEEDED,
    ErrorCode.MODE_REDUCING,
    ErrorCode.MODE_HALTED,
    ErrorCode.INTENT_EXPIRED,
    ErrorCode.REJECTED,
    ErrorCode.NOT_PLACED,
    ErrorCode.RATE_LIMITED,
    ErrorCode.BUSY,
    ErrorCode.STALE_PRICE,
    ErrorCode.CIRCUIT_OPEN,
    ErrorCode.NOT_READY,
    ErrorCode.DATABASE_UNAVAILABLE,
    ErrorCode.INTERNAL,
)
ALERT_ERRORS = {**READ_ERRORS, **errors(ErrorCode.INTENT_EXPIRED)}
