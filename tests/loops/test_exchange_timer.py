"""Proves that the exchange's timer is kept as the database says, over ccxt's real wire to OKX and Kraken."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine.domain.outcomes import OrderReport
from engine.ledger.leases import Stage
from engine.runtime.tasks import Heartbeat
from tests.database.servers import Database
from tests.exchange.timer_server import Trouble
from tests.flows.rig import TAG, CrashError, until
from tests.loops.timer_stage import LOOP, Holder, TimerStage, timer_stage
from tests.sql.capital.trading import confirmed
from tests.sql.capital.world import SYMBOL
from tests.sql.timer.timers import stranger_orders, stranger_trades, turn_off, turn_on, whole_pass

OURS = TAG + "a" * 14


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[TimerStage]:
    async with timer_stage(database) as made:
        yield made


def shown(client_order_id: str | None, exchange_order_id: str = "f1") -> OrderReport:
    """An open order as a stream shows it."""
    return OrderReport(
        SYMBOL, exchange_order_id, client_order_id, "open", "buy", None, None, None, None, (), {}
    )


@pytest.mark.parametrize("exchange", ["okx", "kraken"])
async def test_from_the_command_to_the_exchange(database: Database, tmp_path: Path, exchange: str) -> None:
    """A command lets it be armed after the next pass and renewed every third; another one disarms it."""

    async def typed(*words: str) -> Any:
        env = {"HOLDFAST_DATABASE_URL": database.login_url, "HOLDFAST_DATA_DIR": str(tmp_path)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from engine.cli import main; main()", "accounts", "cancel-all-after",
            "one", "main", *words, "-o", "json", env={**os.environ, **env}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
        assert 0 == process.returncode
        return json.loads(out)["exchange_timer"]

    async with timer_stage(database, exchange) as stage:
        holder = await stage.holder()
        holder.start()
        on = await typed("--seconds", "60", "--ours-alone", "--reason", "nights")
        assert (True, 60) == (on["enabled"], on["timeout_s"])
        await until(lambda: holder.asked == ["the exchange's timer was turned on"], 10.0)
        assert [] == stage.server.seconds
        await whole_pass(stage.passes)
        await stage.arrived(60)
        row = await stage.shown(armed=True)
        assert stage.server.acts_at is not None
        until_s = datetime.fromisoformat(row["armed_until"]).timestamp()
        assert int(stage.server.acts_at) == int(until_s)
        await holder.looks()
        assert (1, until_s) == (holder.sample("armed"), holder.sample("timestamp_seconds"))
        assert (True, None, 0) == (
            holder.report["armed"], holder.report["problem"], holder.report["failures"],
        )  # fmt: skip
        for _ in range(3):
            await stage.advance(19)
            await holder.looks()
            assert [] == stage.server.seconds
            await stage.advance(1)
            await stage.arrived(60)
        off = await typed("--off", "--reason", "day")
        assert (False, "operator") == (off["enabled"], off["off_cause"])
        await stage.arrived(0)
        assert (False, None) == (stage.server.armed, (await stage.shown(armed=False))["armed_until"])


async def test_off_sends_nothing(stage: TimerStage) -> None:
    """Never turned on, nothing is sent whatever else happens, nothing is shown, and nothing is asked for."""
    holder = await stage.holder()
    holder.start()
    await whole_pass(stage.passes)
    holder.timer.seen([shown("web_1"), shown(None)])
    await holder.looks(3)
    assert ([], [], None, None) == (
        stage.server.seconds, holder.asked, holder.timer.report(), holder.sample("armed"),
    )  # fmt: skip
    await stranger_orders(stage.passes)
    await holder.looks(3)
    assert ([], []) == (stage.server.seconds, stage.receiver.bodies)


async def test_a_disarm_is_made_once_more_and_that_is_all(stage: TimerStage) -> None:
    """Off, it is disarmed at once, again when no arming call can be on its way, and then left alone."""
    holder = await stage.armed()
    await turn_off(stage.world)
    await stage.arrived(0)
    await stage.shown(armed=False)
    await stage.advance(39)
    await holder.looks()
    assert ([], False, None) == (
        stage.server.seconds, holder.report["armed"], holder.report["armed_until"],
    )  # fmt: skip
    await stage.advance(2)
    await stage.arrived(0)
    await stage.advance(100)
    await holder.looks()
    assert ([], 2, 0) == (
        stage.server.seconds, holder.sample("calls_total", call="disarm", outcome="ok"),
        holder.sample("armed"),
    )  # fmt: skip


@pytest.mark.parametrize("trace", [stranger_orders, stranger_trades], ids=["order", "fill"])
async def test_a_stranger_in_a_pass_turns_it_off(stage: TimerStage, trace: Any) -> None:
    """An order or fill of nobody's disarms it, tells the operator, and it stays off after that."""
    holder = await stage.armed()
    await trace(stage.passes)
    await stage.arrived(0)
    await until(lambda: len(stage.receiver.bodies) == 1, 10.0)
    (notice,) = stage.receiver.notices()
    assert ("exchange_timer_stranger", "critical", "main") == (
        notice["kind"], notice["severity"], notice["module"],
    )  # fmt: skip
    assert "is none of ours" in notice["text"]
    await whole_pass(stage.passes, balances=None)
    await stage.advance(60)
    await stage.arrived(0)
    await holder.looks()
    assert (1, False, "stranger", []) == (
        holder.sample("strangers_total"), holder.report["enabled"], holder.report["off_cause"],
        stage.server.seconds,
    )  # fmt: skip


async def test_a_stranger_in_a_stream_turns_it_off(stage: TimerStage) -> None:
    """Without our tag an order disarms it before any pass; ours does not, one without id asks for a pass."""
    holder = await stage.armed()
    holder.timer.seen([shown(OURS), shown(None)])
    await holder.looks()
    assert ([], ["an order without client order id"]) == (stage.server.seconds, holder.asked)
    holder.timer.seen([shown("web_1")])
    await stage.arrived(0)
    row = await stage.shown(armed=False)
    assert (False, "stranger", "f1") == (
        row["enabled"], row["off_cause"], row["off_sign"]["exchange_order_id"],
    )  # fmt: skip
    await until(lambda: len(stage.receiver.bodies) == 1, 10.0)
    assert 1 == holder.sample("strangers_total")


@pytest.mark.parametrize("exchange", ["okx", "kraken"])
@pytest.mark.parametrize("client_order_id", ["web_1", ""], ids=["named", "nameless"])
async def test_a_stranger_where_nobody_of_ours_trades(
    database: Database, exchange: str, client_order_id: str
) -> None:
    """An open order in a symbol that no pass reads is found before the first arming: it is never armed."""
    async with timer_stage(database, exchange) as stage:
        stage.server.orders = {"O1": OURS, "O2": client_order_id}
        await turn_on(stage.world)
        await whole_pass(stage.passes)
        holder = await stage.holder()
        holder.start()
        await stage.arrived(0)
        look = await stage.look()
        sign = look["off_sign"]
        assert (False, "stranger", "open_orders", "O2") == (
            look["enabled"], look["off_cause"], sign["seen"], sign["exchange_order_id"],
        )  # fmt: skip
        await until(lambda: len(stage.receiver.bodies) == 1, 10.0)
        assert ("exchange_timer_stranger", 1) == (
            stage.receiver.notices()[0]["kind"], holder.sample("strangers_total"),
        )  # fmt: skip


async def test_all_open_orders_are_read_before_it_is_armed(stage: TimerStage) -> None:
    """While the list cannot be read nothing is armed; with orders of ours alone it is."""
    stage.server.orders = {"O1": OURS}
    stage.server.hidden = True
    await turn_on(stage.world)
    await whole_pass(stage.passes)
    holder = await stage.holder()
    holder.start()
    await until(lambda: str(holder.timer.report()).find("list of open orders") > 0, 10.0)
    assert ([], 1) == (stage.server.seconds, stage.server.lists)
    stage.server.hidden = False
    await stage.advance(5)
    await stage.arrived(60)
    assert 2 == stage.server.lists


async def test_all_open_orders_are_read_again_each_minute(stage: TimerStage) -> None:
    """A stranger who comes later disarms it within a minute; a list that fails holds up no renewal."""
    holder = await stage.armed()
    stage.server.hidden = True
    for _ in range(3):
        await stage.advance(20)
        await stage.arrived(60)
    await until(lambda: "list of open orders" in str(holder.report["problem"]), 10.0)
    await stage.advance(20)
    await stage.arrived(60)
    stage.server.hidden, stage.server.orders = False, {"O1": OURS, "O2": "web_2"}
    await stage.advance(20)
    await until(lambda: 0 in stage.server.seconds, 10.0)
    await stage.shown(armed=False)
    assert (False, 1) == (stage.server.armed, holder.sample("strangers_total"))


async def test_an_assigned_order_is_no_stranger(stage: TimerStage) -> None:
    """An order under a strange id that the ledger knows by the exchange's id does not keep it from arming."""
    await stage.world.allocate("1000")
    await confirmed(stage.world, "O7")
    stage.server.orders, stage.server.instrument = {"O7": "web_7"}, "BTC-USDT"
    await stage.armed()
    assert 1 == stage.server.lists


async def test_without_the_database_a_stranger_still_disarms_it(stage: TimerStage) -> None:
    """The exchange is told at once, nothing is armed meanwhile; the database learns it when it is back."""
    holder = await stage.armed()
    holder.plug.down = True
    holder.timer.seen([shown("web_1")])
    await stage.arrived(0)
    stage.clock.advance(25)
    await stage.arrived(0)
    assert (True, False) == ((await stage.look())["enabled"], stage.server.armed)
    holder.plug.down = False
    row = await stage.shown(armed=False)
    assert (False, "stranger") == (row["enabled"], row["off_cause"])
    await until(lambda: len(stage.receiver.bodies) == 1, 10.0)
    assert {0} >= set(stage.server.seconds)


TROUBLES = {
    "refused": Trouble(body={"code": "50011", "msg": "Too Many Requests", "data": []}),
    "no moment": Trouble(body={"code": "0", "msg": "", "data": []}),
    "another timer": Trouble(body={"code": "0", "msg": "", "data": [{"triggerTime": "0"}]}),
    "a page": Trouble(body="<html>maintenance</html>"),
    "server error": Trouble(status=502, body="", done=True),
    "no answer, not done": Trouble(cut=True),
    "no answer, done": Trouble(cut=True, done=True),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
async def test_a_call_without_a_good_answer_is_made_again(stage: TimerStage, trouble: Trouble) -> None:
    """Whether it was done or not: it counts as failed, is made again in seconds, and nothing runs out."""
    holder = await stage.armed()
    stage.server.troubles.append(trouble)
    await stage.advance(20)
    await stage.arrived(60)
    await until(lambda: holder.report["failures"] == 1, 10.0)
    assert holder.report["problem"].startswith("arm: EXCHANGE_UNAVAILABLE")
    assert "timer-secret" not in str(holder.report) + str(holder.sample)
    await stage.advance(4)
    await holder.looks()
    assert ([], True) == (stage.server.seconds, stage.server.armed)
    await stage.advance(1)
    await stage.arrived(60)
    await until(lambda: holder.report["failures"] == 0, 10.0)
    assert (1, 2, None) == (
        holder.sample("calls_total", call="arm", outcome="failed"),
        holder.sample("calls_total", call="arm", outcome="ok"),
        holder.report["problem"],
    )


async def test_a_failed_disarm_is_made_again(stage: TimerStage) -> None:
    """Off is owed to the exchange until it has said so; meanwhile it is shown as armed."""
    holder = await stage.armed()
    stage.server.troubles.append(Trouble(status=500, body=""))
    await turn_off(stage.world)
    await stage.arrived(0)
    await until(lambda: holder.report["failures"] == 1, 10.0)
    assert (True, True) == (holder.report["armed"], stage.server.armed)
    await stage.advance(5)
    await stage.arrived(0)
    await stage.shown(armed=False)
    assert not stage.server.armed


async def test_an_answer_that_comes_too_late_is_none(database: Database) -> None:
    """A renewal waits no longer than a third of the time, and the next one goes out on time."""
    async with timer_stage(database) as stage:
        holder = await stage.armed(10)
        held = asyncio.Event()
        stage.server.troubles.append(Trouble(held=held, done=True))
        await stage.advance(4)
        await until(lambda: stage.server.seconds == [10], 10.0)
        await until(lambda: holder.report["failures"] == 1, 10.0)
        await until(lambda: len(stage.server.seconds) > 1, 10.0)
        held.set()
        assert stage.server.armed


async def test_a_stop_leaves_it_armed_and_the_next_holder_renews_it(stage: TimerStage) -> None:
    """Nothing is sent by a stop; the next process renews at once, before it has reconciled anything."""
    first = await stage.armed()
    await first.stop()
    assert ([], True) == (stage.server.seconds, stage.server.armed)
    assert (None, None) == (first.sample("armed"), first.sample("timestamp_seconds"))
    await stage.advance(50)
    second = await stage.holder(Stage.TAKEN)
    second.start()
    await stage.arrived(60)
    assert (None, []) == (second.sample("run_out_total"), second.asked)


async def test_what_ran_out_is_told_and_armed_after_a_pass(stage: TimerStage) -> None:
    """Nobody came back in time: the operator is told once, a pass is asked for, and it is armed after it."""
    first = await stage.armed()
    await first.stop()
    await stage.advance(61)
    assert not stage.server.armed
    second = await stage.holder(Stage.TAKEN)
    second.start()
    await until(lambda: len(stage.receiver.bodies) == 1, 10.0)
    await second.looks(3)
    assert ([], 1, ["the exchange's timer ran out"]) == (
        stage.server.seconds, second.sample("run_out_total"), second.asked,
    )  # fmt: skip
    second.lease.stage = Stage.RECONCILED
    await stage.arrived(60)
    await second.looks()
    assert (1, 1) == (second.sample("run_out_total"), len(stage.receiver.bodies))


async def test_the_exchanges_clock_says_whether_it_has_run_out(stage: TimerStage) -> None:
    """A database whose clock is minutes ahead makes no timer run out: it is renewed, and nobody is told."""
    holder = await stage.armed()
    await stage.world.database.advance_clock(180)
    await holder.looks()
    await stage.advance(20)
    await stage.arrived(60)
    await holder.looks()
    assert (None, []) == (holder.sample("run_out_total"), stage.receiver.bodies)


async def test_a_lost_lease_ends_it(stage: TimerStage) -> None:
    """Who lost the lease sends nothing more, and what is due is the next holder's."""
    first = await stage.armed()
    first.lease.lose("a test took it")
    await stage.advance(30)
    await until(lambda: not _running(first.supervisor.health()), 10.0)
    assert ([], True) == (stage.server.seconds, stage.server.armed)
    second = await stage.holder()
    second.start()
    await stage.arrived(60)


async def test_a_newer_holder_ends_it(stage: TimerStage) -> None:
    """Its answer is not kept when the database knows a newer token, and it stops by that."""
    first = await stage.armed()
    before = (await stage.look())["armed_until"]
    first.lease.token += 1
    await stage.advance(20)
    await stage.arrived(60)
    await until(lambda: first.lease.lost is not None, 10.0)
    assert before == (await stage.look())["armed_until"]


async def test_other_seconds_hold_at_once(stage: TimerStage) -> None:
    """A changed time is told to the exchange by the next look, not by the next renewal."""
    await stage.armed()
    await turn_on(stage.world, 30)
    await stage.arrived(30)


async def test_seconds_or_an_exchange_without_rule_are_not_sent(stage: TimerStage) -> None:
    """A row that no command would have made is shown as a problem and goes nowhere."""
    await turn_on(stage.world, 9)
    await whole_pass(stage.passes)
    holder = await stage.holder()
    holder.start()
    await holder.looks()
    assert "BAD_REQUEST: okx takes 10 to 120 seconds." == holder.report["problem"]
    assert [] == stage.server.seconds


def _running(health: Any) -> bool:
    return any(each.name == LOOP and each.running for each in health)


CROSSINGS = ("before exchange_timer", "after exchange_timer", "before fn_tell", "after fn_tell")


async def crashed(holder: Holder, crossing: str) -> None:
    """Let its loop run until it dies at a crossing."""
    holder.plug.what = holder.plug.crash
    holder.plug.when = crossing.replace("fn_tell", "fn_tell_exchange_timer")
    heartbeat = Heartbeat("dying", holder.metrics, holder.gateway.clock, asyncio.Event())
    with pytest.raises(CrashError):
        await holder.timer.run(heartbeat)


async def events(stage: TimerStage) -> list[str]:
    """Return what the feed tells of the timer."""
    rows = await stage.world.admin.fetch(
        "SELECT type FROM engine.outbox WHERE type LIKE 'exchange_timer.%' ORDER BY event_id"
    )
    return [row["type"].removeprefix("exchange_timer.") for row in rows]


@pytest.mark.parametrize("crossing", CROSSINGS)
async def test_a_crash_around_the_arming_call(stage: TimerStage, crossing: str) -> None:
    """Before it, after it, or around its record: the next process arms, one timer runs, one fact is told."""
    await turn_on(stage.world)
    await whole_pass(stage.passes)
    await crashed(await stage.holder(), crossing)
    before = [] if crossing == "before exchange_timer" else [60]
    assert before == stage.server.seconds
    second = await stage.holder()
    second.start()
    await stage.arrived(*before, 60)
    row = await stage.shown(armed=True)
    await second.looks(3)
    assert ([], ["on"], None) == (stage.server.seconds, await events(stage), second.sample("run_out_total"))
    assert stage.server.acts_at is not None
    assert int(stage.server.acts_at) - 1 <= int(datetime.fromisoformat(row["armed_until"]).timestamp())
    await stage.advance(20)
    await stage.arrived(60)


@pytest.mark.parametrize("crossing", CROSSINGS)
async def test_a_crash_around_the_disarming_call(stage: TimerStage, crossing: str) -> None:
    """Anywhere around it: the next process disarms what is still owed, and then nothing is sent any more."""
    await (await stage.armed()).stop()
    await turn_off(stage.world)
    await crashed(await stage.holder(), crossing)
    before = [] if crossing == "before exchange_timer" else [0]
    owed = [] if crossing == "after fn_tell" else [0]
    assert before == stage.server.seconds
    second = await stage.holder()
    second.start()
    await stage.arrived(*before, *owed)
    await stage.shown(armed=False)
    await second.looks(3)
    assert ([], False, ["on", "off"]) == (stage.server.seconds, stage.server.armed, await events(stage))
    await stage.advance(41)
    await stage.arrived(0)
    await stage.advance(41)
    await second.looks(3)
    assert [] == stage.server.seconds


@pytest.mark.parametrize("crossing", ["before fn_trip_exchange_timer", "after fn_trip_exchange_timer"])
async def test_a_crash_around_the_trip(stage: TimerStage, crossing: str) -> None:
    """Of a stranger whom a dead process saw: what the database knows is done, else a pass shows him."""
    await (await stage.armed()).stop()
    first = await stage.holder()
    first.timer.seen([shown("web_1")])
    assert first.timer.report() is None  # it has not looked yet: nothing is known to be on
    first.start()
    await stage.arrived(60)
    await first.looks()
    await first.supervisor.end([LOOP], 5.0)
    first.timer.seen([shown("web_1")])
    await crashed(first, crossing)
    assert [] == stage.server.seconds
    second = await stage.holder()
    second.start()
    if crossing.startswith("before"):
        await stage.arrived(60)
        await stranger_orders(stage.passes)
    await stage.arrived(0)
    row = await stage.shown(armed=False)
    assert (False, "stranger", ["on", "off"]) == (row["enabled"], row["off_cause"], await events(stage))


async def test_an_order_of_ours_under_another_name_keeps_it(stage: TimerStage) -> None:
    """What a stream shows under a strange id and the ledger knows by the exchange's is no stranger."""
    holder = await stage.armed()
    await stage.world.allocate("1000")
    await confirmed(stage.world, "ours-1")
    holder.plug.down = True
    holder.timer.seen([shown("a cancel's own id", "ours-1")])
    await stage.arrived(0)
    holder.plug.down = False
    await stage.arrived(60)
    await holder.looks()
    assert (True, True, None) == (
        holder.report["enabled"], stage.server.armed, holder.sample("strangers_total"),
    )  # fmt: skip
