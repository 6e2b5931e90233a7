"""Proves that polling finds every difference at a bounded cost, however many orders are open."""

import asyncio
from collections import Counter

import pytest

from engine.exchange.scheduler import CallClass
from engine.loops.monitor import Monitor, MonitorTimings
from engine.loops.polling import OpenOrders
from engine.paper.faults import Fault, FaultKind, Match
from engine.runtime.tasks import Supervisor
from tests.flows.rig import Rig, until

OPEN = 60  # more than one poll looks at one by one, and within the exchange's order limit
LOOKS_MAX = 25
LIST_WEIGHT = 6


@pytest.fixture
async def resting(rig: Rig) -> Rig:
    """A rig with many orders that rest far below the market."""
    answers = await asyncio.gather(*(rig.desk.entries.run(rig.entry("0.0002", "40000")) for _ in range(OPEN)))
    assert {"OK"} == {answer.code for answer in answers}
    return rig


def polling(rig: Rig) -> OpenOrders:
    return OpenOrders("paper", rig.session, rig.desk.context, rig.desk.recorder, LOOKS_MAX, page=OPEN // 4)


def calls(rig: Rig) -> Counter[str]:
    """Count what crossed the exchange's seam since the last count."""
    crossed = Counter(each.removeprefix("before ") for each in rig.plug.crossings if "before " in each)
    rig.plug.crossings.clear()
    return Counter({name: count for name, count in crossed.items() if not name.startswith("fn_")})


def sink(rig: Rig) -> None:
    """Let the market fall through every resting order, and come back."""
    rig.paper.outside.pin("BTCUSDT", 39_900 * 10**8, 39_910 * 10**8, 5 * 10**8)
    rig.paper.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)


async def statuses(rig: Rig) -> Counter[str]:
    return Counter(view["order"]["status"] for view in await rig.intents() if view["order"])


async def test_one_list_for_all_open_orders(resting: Rig) -> None:
    """While nothing differs, a poll is one request, whatever the number of open orders."""
    poll = polling(resting)
    calls(resting)
    spent = resting.gateway.scheduler.spent(CallClass.RECONCILIATION)
    for _ in range(3):
        polled = await poll.poll(asyncio.Event())
        assert (OPEN, 0) == (polled.open_orders, polled.waiting)
    assert {"open_orders": 3} == calls(resting)
    assert spent + 3 * LIST_WEIGHT == resting.gateway.scheduler.spent(CallClass.RECONCILIATION)


async def test_all_ended_at_once(resting: Rig) -> None:
    """When all orders ended unseen, each poll looks at a bounded number, until every one is booked."""
    poll = polling(resting)
    sink(resting)
    for left in (OPEN - LOOKS_MAX, OPEN - 2 * LOOKS_MAX, 0):
        calls(resting)
        assert left == (await poll.poll(asyncio.Event())).waiting
        asked = calls(resting)
        assert asked["find_order"] <= LOOKS_MAX
        assert asked["fills"] <= LOOKS_MAX
    assert {"filled": OPEN} == await statuses(resting)
    await resting.check_books()


async def test_list_that_hides_orders_changes_nothing(resting: Rig) -> None:
    """An order missing in the list is asked for by itself; in turns, so that each is asked for."""
    poll = polling(resting)
    hidden = Match(path="/api/v3/openOrders")
    resting.paper.faults.add(Fault(FaultKind.MISSING_PAGES, hidden, count=None, keep=0))
    for _ in range(3):
        await poll.poll(asyncio.Event())
    assert (OPEN, True) == (len(poll._looked), all(poll._looked.values()))
    assert {"open": OPEN} == await statuses(resting)
    resting.paper.faults.clear()
    await resting.check_books()


async def test_symbol_that_is_not_listed_any_more(rig: Rig) -> None:
    """An order of a symbol that is not listed any more stays as it is, and holds up no other."""
    gone = await rig.desk.entries.run(rig.entry("0.01", "2000", symbol="ETH/USDT"))
    seen = await rig.desk.entries.run(rig.entry("0.001", "40000"))
    assert gone.intent is not None
    assert seen.intent is not None
    sink(rig)
    rig.delist("ETH/USDT")
    assert 2 == (await polling(rig).poll(asyncio.Event())).open_orders
    found = {view["id"]: view["order"] and view["order"]["status"] for view in await rig.intents()}
    assert {gone.intent["id"]: "open", seen.intent["id"]: "filled"} == found


async def test_polls_keep_a_distance_by_their_cost(resting: Rig) -> None:
    """However short the period, polling takes no more than its share of the request budget."""
    rig, share_s = resting, LIST_WEIGHT / (100 * 0.4)  # 100 a second is the account's whole budget
    context = rig.desk.context
    timings = MonitorTimings(poll_s=0.001, hurried_poll_s=0.001)
    monitor = Monitor("paper", rig.session, context, rig.desk.recorder, timings)
    supervisor = Supervisor(context.metrics, context.clock)
    calls(rig)
    started = context.clock.monotonic()
    supervisor.start("poll", monitor.poll)
    await until(lambda: rig.plug.crossings.count("after open_orders") >= 3)
    assert context.clock.monotonic() - started >= 2 * share_s
    assert [] == await supervisor.stop(5.0)


async def test_what_a_poll_leaves_over_is_looked_at_soon(resting: Rig) -> None:
    """The loop polls again before its period is over, as long as more orders differ than it looked at."""
    rig = resting
    context = rig.desk.context
    timings = MonitorTimings(poll_s=600.0, looks_max=2)
    monitor = Monitor("paper", rig.session, context, rig.desk.recorder, timings)
    supervisor = Supervisor(context.metrics, context.clock)
    sink(rig)
    calls(rig)
    supervisor.start("poll", monitor.poll)
    await until(lambda: rig.plug.crossings.count("after fn_finish_order") >= 2 * timings.looks_max)
    assert [] == await supervisor.stop(5.0)
    assert 2 * timings.looks_max <= (await statuses(rig))["filled"] < OPEN
    rest = polling(rig)
    while (await rest.poll(asyncio.Event())).waiting:
        pass
    assert {"filled": OPEN} == await statuses(rig)
    await rig.check_books()


async def test_stop_ends_a_poll_that_waits(resting: Rig) -> None:
    """A poll that waits for the exchange's answer ends with the loop, and books nothing of a half answer."""
    stopping = asyncio.Event()
    sink(resting)
    resting.plug.when, resting.plug.what = "before fills", stopping.wait
    polled = asyncio.create_task(polling(resting).poll(stopping))
    await until(lambda: "before fills" in resting.plug.crossings)
    stopping.set()
    await polled
    assert {"open": OPEN} == await statuses(resting)
    assert 1 == calls(resting)["find_order"]
