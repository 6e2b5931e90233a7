"""What became of a request, by its idempotency key alone: for a robot that has lost the answer."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from engine.api.answers import READ_ERRORS, answer, found
from engine.api.requests import check_key
from engine.api.robots import answered
from engine.api.services import Services
from engine.domain.errors import ErrorCode, HoldfastError, Outcome
from engine.flows.replay import of_replay
from engine.ledger import requests
from engine.ledger.intents import Replayed


def router(services: Services) -> APIRouter:
    """Return the route; it opens, sends and changes nothing."""
    routes = APIRouter(prefix="/v1", tags=["reads"], responses=READ_ERRORS)

    @routes.get(
        "/requests/{key:path}",
        summary="What became of a request of this robot, by its idempotency key",
        description="Not found: nothing was kept under this key so far. A request that is still on its way, "
        "or is being decided this moment, may yet be.",
        responses=found("Requested"),
    )
    async def requested(request: Request, key: str) -> Response:
        caller = await services.caller(request)
        kept = await requests.get_answer(
            services.reads(caller), caller.tenant_id, caller.robot_id, check_key(key)
        )
        if kept is None:
            raise HoldfastError(ErrorCode.NOT_FOUND, key=key)
        shown = {"key": key, "of": kept["of"], "created_at": kept["created_at"]}
        return answer(shown | (_order(request, kept) if kept["of"] == "order" else _call(kept)))

    return routes


def _order(request: Request, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Say what the order's request would be answered if it were repeated."""
    given = of_replay(Replayed(kept["intent"], kept["denial"]))
    repeated = answered(request, given)
    return {
        "state": "in_progress" if given.outcome is Outcome.UNKNOWN else "done",
        "outcome": given.outcome.value,
        "status": repeated.status_code,
        "answer": json.loads(bytes(repeated.body)),
    }


def _call(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A key of these is kept together with what the call has changed."""
    return {"state": "done", "outcome": None, "status": None, "answer": kept["answer"]}
