"""Alerts over HTTP: secret in body or path, kept before the answer, answered in time whatever happens."""

import hashlib
import logging
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.flows.alert import AlertFlow
from engine.ledger import webhooks
from engine.ledger.webhooks import NewRoute
from engine.loops.webhooks import Alerts
from engine.paper.server import PaperExchange
from tests.api.served import Answer, Served, ask, serve
from tests.database.servers import Database
from tests.flows.rig import PATIENT, open_rig
from tests.paper.clients import options

SECRET = "canary-s3cret-of-the-route"
TEMPLATE = {
    "action": "{{1}}",
    "symbol": "BTC/USDT",
    "quantity": "{{2}}",
    "type": "limit",
    "limit_price": "{{3}}",
    "time": "{{time}}",
}
BODY = {"1": "buy", "2": "0.001", "3": "40000", "time": "2099-01-01T00:00:00Z"}


@pytest.fixture
async def served(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr("engine.api.webhooks._ANSWER_S", 30.0)  # only one of these tests is about time
    async with (
        PaperExchange(options()) as paper,
        open_rig(database, paper, timings=PATIENT, call_timeout_s=30.0) as rig,
        serve(rig) as opened,
    ):
        paper.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)
        yield opened


async def routed(served: Served) -> UUID:
    rig, route_id = served.rig, uuid4()
    digest = hashlib.sha256(SECRET.encode()).digest()
    route = NewRoute(route_id, "tv", rig.robot_id, rig.profile_id, digest, TEMPLATE, 30)
    await webhooks.create(rig.observer, rig.tenant_id, route, "test")
    return route_id


async def post(served: Served, path: str, body: Any) -> Answer:
    """Send what a charting service sends: no key, no idempotency key."""
    return await ask(served.app, "POST", f"/v1/webhooks/{path}", body, {})


async def kept(served: Served) -> list[dict[str, Any]]:
    return await webhooks.alerts(served.rig.observer, served.rig.tenant_id, None, 100)


async def test_an_alert_is_kept_answered_and_executed_after(served: Served) -> None:
    """Secret in the body, in the path, as JSON and as text: 202 before any order, then each becomes one."""
    route = await routed(served)
    answers = [
        await post(served, f"{route}", {**BODY, "secret": SECRET}),
        await post(served, f"{route}/{SECRET}", {**BODY, "3": "40001"}),
        await post(served, f"{route}", f"buy 0.001 40002 time=1900000000 secret={SECRET}".encode()),
    ]
    assert [(202, False, "received")] * 3 == [
        (answer.status, answer.body["duplicate"], answer.body["state"]) for answer in answers
    ]
    assert [] == await served.rig.intents()
    context = served.rig.desk.context
    flow = AlertFlow(context, served.rig.desk.entries, served.rig.desk.exits)
    while await Alerts(context, flow, lambda: None).look():
        pass
    prices = {view["limit_price"] for view in await served.rig.intents()}
    assert {"40000", "40001", "40002"} == prices
    again = await post(served, f"{route}", {**BODY, "secret": SECRET})
    assert (202, True, "done") == (again.status, again.body["duplicate"], again.body["state"])


async def test_without_its_secret_nothing_is_kept(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Wrong, missing, of another form, unknown route: one answer for all, and no row."""
    route = await routed(served)
    for path, body in (
        (f"{route}", {**BODY, "secret": SECRET + "x"}),
        (f"{route}", {**BODY, "secret": ""}),
        (f"{route}", {**BODY, "secret": ["x"]}),
        (f"{route}", {**BODY, "secret": "\ud800"}),
        (f"{route}", BODY),
        (f"{route}/nonsense", {**BODY, "secret": SECRET}),
        (f"{uuid4()}", {**BODY, "secret": SECRET}),
        ("no-uuid", {**BODY, "secret": SECRET}),
    ):
        answer = await post(served, path, body)
        assert (401, "UNAUTHORIZED") == (answer.status, answer.body["code"]), (path, body)
    for body in (b"", b"\xff\xfe", b"a\x00b"):
        assert 400 == (await post(served, f"{route}/{SECRET}", body)).status
    assert [] == await kept(served)
    assert SECRET not in caplog.text


async def test_the_secret_is_stored_nowhere(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Whether it came in body or path, no row of any table and no line of the log has it."""
    caplog.set_level(logging.DEBUG)
    route = await routed(served)
    await post(served, f"{route}", {**BODY, "secret": SECRET})
    await post(served, f"{route}/{SECRET}", b"nonsense")
    context = served.rig.desk.context
    flow = AlertFlow(context, served.rig.desk.entries, served.rig.desk.exits)
    while await Alerts(context, flow, lambda: None).look():
        pass
    admin = await served.rig.database.admin()
    tables = await admin.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'engine'::regnamespace AND relkind = 'r'"
    )
    for table in tables:
        rows = await admin.fetchval(
            f"SELECT string_agg(t::text, ' ') FROM engine.{table['relname']} t"  # noqa: S608
        )
        assert SECRET not in (rows or ""), table["relname"]
    assert SECRET not in caplog.text
    assert {"done", "dead"} == {row["state"] for row in await kept(served)}


async def test_an_old_alert_is_refused_with_its_lag(served: Served) -> None:
    """422 with the lag and what is allowed; repeated it is a duplicate of the refused one."""
    route = await routed(served)
    old = {**BODY, "time": "2026-01-01T00:00:00Z"}
    answer = await post(served, f"{route}/{SECRET}", old)
    assert (422, "INTENT_EXPIRED", "not_placed", 30) == (
        answer.status,
        *(answer.body[name] for name in ("code", "outcome", "max_lag_s")),
    )
    assert answer.body["lag_s"] > 30
    again = await post(served, f"{route}/{SECRET}", old)
    assert (202, True, "refused") == (again.status, again.body["duplicate"], again.body["state"])


async def test_a_slow_database_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the insert waits for a lock the sender is told 503; what it sends again is kept once."""
    route = await routed(served)
    admin = await served.rig.database.admin()
    holding = admin.transaction()
    await holding.start()
    await admin.execute("SELECT FROM engine.webhook_routes FOR UPDATE")
    with monkeypatch.context() as hurried:
        hurried.setattr("engine.api.webhooks._ANSWER_S", 0.8)
        answer = await post(served, f"{route}/{SECRET}", BODY)  # while the lock is held
    await holding.rollback()
    assert (503, True) == (answer.status, answer.body["retryable"])
    assert 202 == (await post(served, f"{route}/{SECRET}", BODY)).status
    assert 1 == len(await kept(served))
