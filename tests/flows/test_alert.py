"""Alerts through flow and loop: one order each, in order, also over crashes; what cannot be is kept."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.flows.alert import AlertFlow
from engine.ledger import webhooks
from engine.ledger.webhooks import NewAlert, NewRoute
from engine.loops.webhooks import Alerts
from engine.paper.faults import FaultKind, Match
from engine.paper.server import PaperExchange
from tests.database.servers import Database
from tests.flows.rig import PATIENT, CrashError, Rig, open_rig
from tests.sql.capital.trading import next_intent

TEMPLATE = {
    "action": "{{side}}",
    "symbol": "{{ticker}}",
    "quantity": "{{qty}}",
    "type": "limit",
    "limit_price": "{{price}}",
    "label": "tv {{n}}",
    "maps": {"symbol": {"BTCUSDT": "BTC/USDT"}},
}
BUY = {"side": "buy", "ticker": "BTCUSDT", "qty": 0.001, "price": 40000, "n": "1"}

DEPTH = Match(method="GET", path="/api/v3/depth")


@pytest.fixture
async def rig(database: Database, paper: PaperExchange) -> AsyncIterator[Rig]:
    async with open_rig(database, paper, timings=PATIENT, call_timeout_s=30.0) as opened:
        yield opened


async def routed(rig: Rig, max_lag_s: int = 3000, **template: Any) -> UUID:
    """Make a route of the rig's robot and profile."""
    route_id = uuid4()
    rules = {**TEMPLATE, **template}
    route = NewRoute(route_id, "tv", rig.robot_id, rig.profile_id, bytes(32), rules, max_lag_s)
    await webhooks.create(rig.observer, rig.tenant_id, route, "test")
    return route_id


async def post(rig: Rig, route_id: UUID, said_at: datetime | None = None, **changes: Any) -> UUID:
    """Let an alert arrive; its fields are BUY's unless told otherwise."""
    body = json.dumps({**BUY, **changes})
    digest = hashlib.sha256(body.encode()).digest()
    alert = NewAlert(next_intent(), None, body, digest, said_at)
    kept = await webhooks.accept(rig.observer, rig.tenant_id, route_id, alert)
    return UUID(kept["alert_id"])


def loop(rig: Rig) -> Alerts:
    context = rig.desk.context
    return Alerts(context, AlertFlow(context, rig.desk.entries, rig.desk.exits), lambda: None)


async def alert_of(rig: Rig, alert_id: UUID) -> dict[str, Any]:
    rows = await webhooks.alerts(rig.observer, rig.tenant_id, None, 100)
    return next(row for row in rows if row["alert_id"] == str(alert_id))


async def dead_letters(rig: Rig) -> list[dict[str, Any]]:
    admin = await rig.database.admin()
    return [dict(row) for row in await admin.fetch("SELECT * FROM engine.dead_letters")]


async def test_an_alert_becomes_one_order(rig: Rig) -> None:
    """Rendered by its template with exact numbers, under the robot and profile of its route, once."""
    alert = await post(rig, await routed(rig))
    assert 1 == await loop(rig).look()
    assert 0 == await loop(rig).look()
    intent = await rig.only_intent()
    assert ("BTC/USDT", "0.001", "40000", "tv 1", str(rig.robot_id)) == tuple(
        intent[name]  # type: ignore[literal-required]
        for name in ("symbol", "quantity", "limit_price", "label", "robot_id")
    )
    row = await alert_of(rig, alert)
    assert ("done", "OK", intent["id"]) == (row["state"], row["code"], row["result"]["order_id"])
    await rig.check_books()


async def test_alerts_of_a_route_go_out_in_order_of_arrival(rig: Rig) -> None:
    """Three at once: the exchange sees them one after the other, as they came."""
    route_id = await routed(rig)
    for price in (40_001, 40_002, 40_003):
        await post(rig, route_id, price=price)
    executor = loop(rig)
    assert [1, 1, 1, 0] == [await executor.look() for _ in range(4)]
    sent = sorted(await rig.intents(), key=lambda view: int(view["exchange_order_id"] or 0))
    assert ["40001", "40002", "40003"] == [view["limit_price"] for view in sent]


CROSSINGS = [
    "before fn_claim_alert",
    "after fn_claim_alert",
    "before fn_open_entry",
    "after fn_open_entry",
    "before submit",
    "after submit",
    "before fn_persist_entry_lifecycle",
    "after fn_persist_entry_lifecycle",
    "before fn_finish_alert",
    "after fn_finish_alert",
]


@pytest.mark.parametrize("crossing", CROSSINGS)
async def test_a_kill_at_each_crossing_leaves_at_most_one_order(rig: Rig, crossing: str) -> None:
    """Another instance takes the alert up when its claim has run out, and finds what was done before."""
    alert = await post(rig, await routed(rig, max_lag_s=3600))
    rig.plug.when, rig.plug.what = crossing, rig.plug.crash
    with pytest.raises(CrashError):
        await loop(rig).look()
    rig.desk = rig.restart()
    await rig.database.advance_clock(31)
    await loop(rig).look()
    await rig.resolve(rig.desk)
    row = await alert_of(rig, alert)
    assert "done" == row["state"]
    intent = await rig.only_intent()
    assert row["result"]["order_id"] == intent["id"]
    await rig.check_books()


async def test_an_alert_that_waited_too_long_is_refused(rig: Rig) -> None:
    """By the time it names, or since it came: nothing is sent, and its refusal is kept."""
    route_id = await routed(rig, max_lag_s=3600)
    alert = await post(rig, route_id, datetime.now(UTC) - timedelta(seconds=20))
    await rig.database.advance_clock(3590)
    assert 1 == await loop(rig).look()
    row = await alert_of(rig, alert)
    assert ("refused", "INTENT_EXPIRED") == (row["state"], row["code"])
    assert [] == await rig.intents()
    assert [] == await dead_letters(rig)


async def test_an_order_that_was_opened_is_found_although_it_is_late_by_now(rig: Rig) -> None:
    """Killed after the intent was written, taken up after max_lag: its story is told, no refusal."""
    alert = await post(rig, await routed(rig))
    rig.plug.when, rig.plug.what = "after fn_open_entry", rig.plug.crash
    with pytest.raises(CrashError):
        await loop(rig).look()
    rig.desk = rig.restart()
    await rig.database.advance_clock(3001)
    assert 1 == await loop(rig).look()
    row = await alert_of(rig, alert)
    assert ("done", "INTENT_SENDING", "unknown") == (row["state"], row["code"], row["result"]["outcome"])


POISON = [
    ({"side": "hold"}, "BAD_REQUEST"),
    ({"qty": "many"}, "INVALID_NUMBER"),
    ({"qty": -1}, "INVALID_NUMBER"),
    ({"ticker": "NOSUCH/USDT"}, "UNKNOWN_SYMBOL"),
    ({"price": "40000.001"}, "INVALID_PRICE"),
    ({"qty": 0.0000001}, "INVALID_QUANTITY"),
    ({"side": None}, "BAD_REQUEST"),
    ({"n": "\u0000"}, "BAD_REQUEST"),
]


async def test_what_can_never_be_executed_becomes_a_dead_letter(rig: Rig) -> None:
    """Each at its first attempt, with its code; the good alert behind them all is executed."""
    route_id = await routed(rig)
    for changes, _ in POISON:
        await post(rig, route_id, **changes)
    good = await post(rig, route_id, price=40_009)
    executor = loop(rig)
    while await executor.look():
        pass
    assert "done" == (await alert_of(rig, good))["state"]
    letters = await dead_letters(rig)
    assert sorted(code for _, code in POISON) == sorted(letter["code"] for letter in letters)
    assert {(1, "in", "webhook:tv", "open")} == {
        tuple(letter[name] for name in ("attempts", "direction", "source", "state")) for letter in letters
    }
    assert 1 == len(await rig.intents())


async def test_a_rule_that_says_no_is_no_dead_letter(rig: Rig) -> None:
    """Too little capital: refused with the numbers; a retry by an operator asks again under a new key."""
    alert = await post(rig, await routed(rig), qty="0.1")
    await loop(rig).look()
    row = await alert_of(rig, alert)
    assert ("refused", "INSUFFICIENT_CAPITAL", "1000") == (
        row["state"],
        row["code"],
        row["result"]["available"],
    )
    assert [] == await dead_letters(rig)
    await rig.observer.call("fn_set_mode", rig.tenant_id, "profile", rig.profile_id, "halted", "test", "why")
    await webhooks.retry(rig.observer, rig.tenant_id, alert, "test")
    await loop(rig).look()
    assert "MODE_HALTED" == (await alert_of(rig, alert))["code"]


async def test_what_passes_by_itself_is_tried_again(rig: Rig) -> None:
    """A market alert whose price is not to be had waits; with one it is executed."""
    rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=DEPTH)
    market = {"type": "market", "limit_price": "0"}
    alert = await post(rig, await routed(rig, **market))
    assert 0 == await loop(rig).look()
    row = await alert_of(rig, alert)
    assert ("received", "STALE_PRICE", 1) == (row["state"], row["code"], row["attempts"])
    await rig.database.advance_clock(1)
    assert 1 == await loop(rig).look()
    assert "done" == (await alert_of(rig, alert))["state"]
    await rig.check_books()


async def test_a_fault_of_ours_is_tried_five_times(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception nobody expected is no end at once, and not tried for ever: then it is a dead letter."""
    alert = await post(rig, await routed(rig, max_lag_s=3600))

    async def broken(_command: object) -> None:
        raise ZeroDivisionError("seen by nobody")

    monkeypatch.setattr(rig.desk.entries, "run", broken)
    for _ in range(5):
        await loop(rig).look()
        await rig.database.advance_clock(10)
    row = await alert_of(rig, alert)
    assert ("dead", "INTERNAL", 5) == (row["state"], row["code"], row["attempts"])
    (letter,) = await dead_letters(rig)
    assert "ZeroDivisionError" in letter["trace"]
