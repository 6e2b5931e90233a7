"""The dead-man's switch over HTTP: armed, kept, shown, disarmed; each robot its own."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from engine.ledger import admin
from engine.paper.server import PaperExchange
from tests.api.served import Served, new_key, serve
from tests.database.servers import Database
from tests.flows.rig import PATIENT, open_rig
from tests.paper.clients import options

PATH = "/v1/dead-mans-switch"


@pytest.fixture
async def served(database: Database) -> AsyncIterator[Served]:
    async with (
        PaperExchange(options()) as paper,
        open_rig(database, paper, timings=PATIENT, call_timeout_s=30.0) as rig,
        serve(rig) as opened,
    ):
        yield opened


async def test_armed_kept_shown_and_disarmed(served: Served) -> None:
    """404 before; one call arms it and is the sign of life; disarming twice is the same answer."""
    assert (404, "NOT_FOUND") == await _told(served, "GET")
    body = {"timeout_ms": 5000, "action": "halt", "profile": "first", "cancel_on_disconnect": True}
    armed = await served.ask("PUT", PATH, body)
    assert (200, True, "halt", str(served.rig.profile_id)) == (
        armed.status,
        *(armed.body[name] for name in ("armed", "action", "profile_id")),
    )
    kept = await served.ask("PUT", PATH, body)
    assert kept.body["expires_at"] > armed.body["expires_at"]
    assert kept.body == (await served.ask("GET", PATH)).body
    off = await served.ask("DELETE", PATH)
    assert (200, False, None) == (off.status, off.body["armed"], off.body["expires_at"])
    assert off.body == (await served.ask("DELETE", PATH)).body


async def test_each_robot_has_its_own(served: Served) -> None:
    """Another robot of the same tenant neither sees nor disarms it."""
    another = uuid4()
    await admin.create_robot(served.rig.observer, served.rig.tenant_id, another, "another", "test")
    key = await new_key(served.rig, another)
    await served.ask("PUT", PATH, {"timeout_ms": 5000, "action": "cancel"})
    assert 404 == (await served.ask("GET", PATH, key=key)).status
    assert {"armed": False} == (await served.ask("DELETE", PATH, key=key)).body
    assert (await served.ask("GET", PATH)).body["armed"]


async def test_what_it_refuses(served: Served) -> None:
    """Other forms with the field's name, an unknown profile, a missing key: nothing is armed."""
    for body in (
        {"timeout_ms": 999, "action": "cancel"},
        {"timeout_ms": "5000", "action": "cancel"},
        {"timeout_ms": 5000, "action": "sell"},
        {"timeout_ms": 5000, "action": "reduce"},
        {"timeout_ms": 5000, "action": "cancel", "more": 1},
        {"action": "cancel"},
    ):
        assert (400, "BAD_REQUEST") == await _told(served, "PUT", body)
    unknown = {"timeout_ms": 5000, "action": "halt", "profile": "nobody's"}
    assert (404, "NOT_FOUND") == await _told(served, "PUT", unknown)
    fine = {"timeout_ms": 5000, "action": "cancel"}
    answer = await served.ask("PUT", PATH, fine, idempotency_key="")
    assert (400, "IDEMPOTENCY_KEY_REQUIRED") == (answer.status, answer.body["code"])
    assert 404 == (await served.ask("GET", PATH)).status


async def _told(served: Served, method: str, body: object = None) -> tuple[int, str]:
    answer = await served.ask(method, PATH, body)
    return answer.status, answer.body["code"]
