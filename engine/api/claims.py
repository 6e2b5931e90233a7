"""The idempotency key of a call that places no order: what two calls under one key are compared by."""

import hashlib
from typing import Any

from starlette.requests import Request

from engine.api.auth import Caller
from engine.api.requests import check_key
from engine.domain.canonical import canonical
from engine.ledger.requests import Claim

KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "1 to 128 printable ASCII characters, unique per robot; the same again changes nothing",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"},
    "example": "9b2f6c1e-1",
}


def checked_key(request: Request) -> str:
    """Return the request's Idempotency-Key. Raises IDEMPOTENCY_KEY_REQUIRED, BAD_REQUEST."""
    return check_key(request.headers.get("idempotency-key"))


def claim(caller: Caller, key: str, operation: str, meaning: Any) -> Claim:
    """Return the claim of a call: `operation` names the route and what it is about, `meaning` its body."""
    text = f"{operation}\n{canonical(meaning)}"
    return Claim(caller.robot_id, key, hashlib.sha256(text.encode()).hexdigest())
