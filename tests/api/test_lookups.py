"""GET /v1/requests/{key}: what became of a request, told to the robot that made it and nobody else."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from engine.ledger import admin
from engine.paper.faults import Fault, FaultKind, Match
from engine.paper.server import PaperExchange
from tests.api.served import Answer, Served, new_key, serve
from tests.database.servers import Database
from tests.flows.rig import PATIENT, open_rig
from tests.paper.clients import options

ORDER = {
    "profile": "first",
    "symbol": "BTC/USDT",
    "type": "limit",
    "quantity": "0.01",
    "limit_price": "40000",
}


@pytest.fixture
async def served(database: Database) -> AsyncIterator[Served]:
    async with PaperExchange(options()) as paper:
        paper.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)
        async with (
            open_rig(database, paper, timings=PATIENT, call_timeout_s=30.0) as rig,
            serve(rig) as opened,
        ):
            yield opened


async def looked_up(served: Served, asked: str, **more: Any) -> Answer:
    return await served.ask("GET", f"/v1/requests/{quote(asked)}", **more)


async def test_the_answer_is_that_of_a_repeat(served: Served) -> None:
    """Placed and denied: the state, and the very status and body that the same request again is answered."""
    for key, quantity, state in (("in/17 a", "0.01", "placed"), ("too much", "2", "not_placed")):
        body = ORDER | {"quantity": quantity}
        assert 404 == (await looked_up(served, key)).status
        await served.ask("POST", "/v1/entries", body, idempotency_key=key)
        again = await served.ask("POST", "/v1/entries", body, idempotency_key=key)
        found = await looked_up(served, key)
        assert (200, key, "order", "done", state, again.status) == (
            found.status,
            *(found.body[name] for name in ("key", "of", "state", "outcome", "status")),
        )
        assert _plain(again.body) == _plain(found.body["answer"])


async def test_an_order_in_doubt_is_in_progress(served: Served) -> None:
    """What was sent and not answered says so, with `resolve_by`; asking sends nothing."""
    served.rig.paper.faults.add(Fault(FaultKind.DROP_BEFORE, Match(method="POST", path="/api/v3/order")))
    asked = await served.ask("POST", "/v1/entries", ORDER, idempotency_key="lost")
    assert 202 == asked.status, asked.body
    found = await looked_up(served, "lost")
    assert ("in_progress", "unknown", 202, asked.body["id"], "IN_DOUBT") == (
        *(found.body[name] for name in ("state", "outcome", "status")),
        found.body["answer"]["id"],
        found.body["answer"]["code"],
    )
    assert asked.body["resolve_by"] == found.body["answer"]["resolve_by"]


async def test_a_call_shows_what_it_changed(served: Served) -> None:
    """The key of a cancel-all names its orders; that of one cancel has no answer, its order tells."""
    placed = await served.ask("POST", "/v1/entries", ORDER, idempotency_key="e")
    await served.ask("DELETE", f"/v1/orders/{placed.body['id']}", idempotency_key="one")
    await served.ask("POST", "/v1/orders/cancel-all", {}, idempotency_key="all")
    for key, answer in (("one", None), ("all", {"ids": []})):
        found = await looked_up(served, key)
        assert ("call", "done", None, None, answer) == tuple(
            found.body[name] for name in ("of", "state", "outcome", "status", "answer")
        )


async def test_a_key_is_its_robots_alone(served: Served) -> None:
    """Another robot of the same tenant does not find it, and a key that can be none is BAD_REQUEST."""
    await served.ask("POST", "/v1/entries", ORDER, idempotency_key="mine")
    another = uuid4()
    await admin.create_robot(served.rig.observer, served.rig.tenant_id, another, "another", "test")
    stranger = await looked_up(served, "mine", key=await new_key(served.rig, another))
    assert (404, "NOT_FOUND") == (stranger.status, stranger.body["code"])
    for wrong in ("k" * 129, "\x01"):
        refused = await looked_up(served, wrong)
        assert (400, "BAD_REQUEST") == (refused.status, refused.body["code"])


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """Without what every answer has of its own."""
    return {name: value for name, value in body.items() if name != "request_id"}
