"""Proves that a pass finds each kind of difference and heals it, and that the next one is a no-op."""

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.outcomes import Fill
from engine.flows.desk import open_desk
from engine.ledger import reads, reconciliation_requests
from engine.paper.faults import FaultKind, Match
from tests.flows.hiding import events
from tests.flows.rig import SYMBOL
from tests.reconciliation.stage import Stage, open_stage

ORDERS = "/api/v3/order"


async def test_nothing_differs(stage: Stage) -> None:
    """An account in order is clean, balances included, and nothing is written but the pass."""
    await stage.place()
    await stage.place(price="50100")
    before = await stage.rows()
    report = await stage.run()
    assert ("clean", "compared", 0) == (report.outcome, report.equations, report.mismatches)
    assert report.settled
    assert before == await stage.rows()
    assert [] == await stage.kinds()


async def test_missed_fills(stage: Stage) -> None:
    """Trades and ends that no stream told are booked, fills before the end."""
    whole, part, ended = [await stage.view(await stage.place()) for _ in range(3)]
    stage.fill(whole)
    stage.fill(part, "0.0004")
    stage.fill(ended, "0.0003")
    stage.cancel(ended)
    report = await stage.run()
    assert "healed" == report.outcome
    orders = [(await stage.view(view["id"]))["order"] for view in (whole, part, ended)]
    assert ["filled", "open", "canceled"] == [order["status"] for order in orders]
    assert ["0.001", "0.0004", "0.0003"] == [order["booked_quantity"] for order in orders]
    assert ["fill", "order.canceled"] == (await events(stage.rig, ended))[-2:]
    final = await stage.converge()
    assert ("clean", {}) == (final.outcome, final.open)
    await stage.rig.check_books()


async def test_orders_that_trade_with_each_other(stage: Stage) -> None:
    """Two of our orders are the two sides of one trade; both fills are booked and found again."""
    await stage.place("0.002", "50100")
    bid = await stage.place(price="50005")
    sold = await stage.desk.exits.run(stage.rig.exit("0.001", "50005"))
    assert "OK" == sold.code
    assert "healed" == (await stage.run()).outcome
    final = await stage.converge()
    assert ("clean", {}) == (final.outcome, final.open)
    assert "filled" == (await stage.view(bid))["order"]["status"]
    fills = (await stage.rows())["fills"]
    assert (3, 2) == (len(fills), len({fill["exchange_trade_id"] for fill in fills}))
    await stage.check_equations()


async def test_a_new_account_of_an_exchange_that_is_behind(stage: Stage) -> None:
    """A clock behind ours puts the first trades before the registration; they are found all the same."""
    stage.rig.paper.clock.skew(-20_000)
    await stage.rig.gateway.measure_clock()
    stage.rig.paper.fault(FaultKind.DROP_AFTER, match=Match(method="POST", path=ORDERS))
    await stage.desk.entries.run(stage.rig.entry("0.001", "50100"))
    assert "healed" == (await stage.run()).outcome
    order = (await stage.rig.only_intent())["order"]
    assert ("filled", "0.001") == (order["status"], order["booked_quantity"])
    await stage.rig.check_books()


async def test_a_trade_of_an_old_order(stage: Stage) -> None:
    """A trade of an order made before the window is known to be ours by its exchange order id."""
    old = await stage.view(await stage.place())
    await stage.later()
    stage.fill(old, "0.0006")
    assert "healed" == (await stage.run()).outcome
    stage.fill(old)
    assert "healed" == (await stage.run()).outcome
    assert "filled" == (await stage.view(old["id"]))["order"]["status"]
    await stage.rig.check_books()


@pytest.mark.parametrize(("time_in_force", "ended"), [("GTC", "filled"), ("IOC", "expired")])
async def test_an_order_that_was_in_doubt(stage: Stage, time_in_force: str, ended: str) -> None:
    """A send whose answer was lost and that filled at once is found in the lists, and not sent again."""
    if ended == "expired":
        stage.rig.paper.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 10**8 // 1000)
    stage.rig.paper.fault(FaultKind.DROP_AFTER, match=Match(method="POST", path=ORDERS))
    quantity = "0.001" if ended == "filled" else "0.002"
    wish = stage.rig.entry(quantity, "50100", time_in_force=time_in_force)
    answer = await stage.desk.entries.run(wish)
    assert answer.intent is not None
    assert "in_doubt" == answer.intent["state"]
    report = await stage.run()
    assert {"missing_order": "healed", "missing_fill": "healed"} == {
        each.mismatch.kind: each.outcome for each in report.found
    }
    view = await stage.view(UUID(answer.intent["id"]))
    assert ("confirmed", ended, "0.001") == (
        view["state"],
        view["order"]["status"],
        view["order"]["booked_quantity"],
    )
    await stage.converge()
    await stage.rig.check_books()
    assert 1 == len(stage.rig.exchange_orders())


async def test_an_entry_soon_after_an_exit(stage: Stage) -> None:
    """An exit that filled unseen gets its own trade by a pass, though its profile has bought again since."""
    rig = stage.rig
    await stage.place("0.002", "50100")
    offered = await stage.desk.exits.run(rig.exit("0.0015", "60000"))
    assert offered.intent is not None
    stage.fill(offered.intent)
    again = await stage.place("0.001", "50100")
    fresh = await open_stage(rig, desk=_same_owner(rig.restart(), stage))
    assert "healed" == (await fresh.run("start")).outcome
    sold, bought = await stage.view(UUID(offered.intent["id"])), await stage.view(again)
    assert ("filled", "0.0015") == (sold["order"]["status"], sold["order"]["booked_quantity"])
    assert ("filled", "0.001") == (bought["order"]["status"], bought["order"]["booked_quantity"])
    (position,) = await reads.list_positions(rig.observer, rig.tenant_id, rig.profile_id)
    assert ("0.001497", "0") == (position["quantity"], position["reserved_quantity"])
    await fresh.converge()
    await rig.check_books()


async def test_an_order_that_was_held_for_absent(stage: Stage) -> None:
    """An order that the exchange shows after its refusal was believed is booked, and its profile halts."""
    rig = stage.rig
    rig.paper.fault(FaultKind.DROP_AFTER, match=Match(method="POST", path=ORDERS))
    rig.paper.fault(FaultKind.NOT_FOUND, match=Match(method="GET", path=ORDERS))
    await stage.desk.entries.run(rig.entry("0.001", "50100"))
    await rig.resolve(stage.desk)  # a resolver that believes one answer
    (view,) = await rig.intents()
    assert "not_placed" == view["state"]
    assert "healed" == (await stage.run()).outcome
    (view,) = await rig.intents()
    assert ("confirmed", "filled") == (view["state"], view["order"]["status"])
    assert "halted" == (await rig.figures())["mode"]
    await stage.converge()
    await rig.check_books()


async def test_a_list_that_hides_an_order(stage: Stage) -> None:
    """An order missing in the open list is asked for, and not closed on that evidence."""
    seen, hidden, gone = [await stage.view(await stage.place()) for _ in range(3)]
    stage.fill(gone)
    hide = Match(path="/api/v3/openOrders")
    stage.rig.paper.fault(FaultKind.MISSING_PAGES, match=hide, count=None, keep=0)
    await stage.run()
    statuses = [(await stage.view(view["id"]))["order"]["status"] for view in (seen, hidden, gone)]
    assert ["open", "open", "filled"] == statuses
    stage.rig.paper.faults.clear()
    assert "clean" == (await stage.converge()).outcome
    await stage.rig.check_books()


async def test_an_order_that_is_shown_nowhere(stage: Stage) -> None:
    """An order that is found nowhere, however often, stays open with all it holds, as a mismatch."""
    view = await stage.view(await stage.place())
    stage.fill(view, "0.0005")
    await stage.later()
    before = await stage.rows()
    for path in ("/api/v3/openOrders", "/api/v3/allOrders"):
        hide = Match(path=path)
        stage.rig.paper.fault(FaultKind.MISSING_PAGES, match=hide, count=None, keep=0)
    stage.rig.paper.fault(FaultKind.NOT_FOUND, match=Match(method="GET", path=ORDERS), count=None)
    for _ in range(5):
        report = await stage.run()
        assert {"order_not_listed": 1} == report.open
    assert before == await stage.rows()
    stage.rig.paper.faults.clear()
    report = await stage.converge()
    assert ("clean", {}) == (report.outcome, report.open)


async def test_single_queries_are_bounded_and_rotate(stage: Stage) -> None:
    """Of many orders that ended unseen, each pass asks for a bounded number, other ones each time."""
    views = [await stage.view(await stage.place("0.0002")) for _ in range(7)]
    await stage.later()
    for view in views:
        stage.cancel(view)
    bounded = await open_stage(stage.rig, looks_max=4)
    for left in (3, 0):
        stage.rig.plug.crossings.clear()
        report = await bounded.run()
        assert min(4, left + 4) >= stage.rig.plug.crossings.count("before find_order")
        assert left == report.open.get("order_not_listed", 0)
    statuses = Counter([(await stage.view(view["id"]))["order"]["status"] for view in views])
    assert {"canceled": 7} == statuses
    await stage.converge()
    await stage.rig.check_books()


async def test_very_many_are_listed_at_once(stage: Stage) -> None:
    """More orders ended than two passes can ask for: one list of the ended ones settles them all."""
    views = [await stage.view(await stage.place("0.0002")) for _ in range(12)]
    await stage.later()
    for view in views:
        stage.cancel(view)
    bounded = await open_stage(stage.rig, looks_max=5)
    stage.rig.plug.crossings.clear()
    assert "healed" == (await bounded.run()).outcome
    assert 0 == stage.rig.plug.crossings.count("before find_order")
    await stage.converge()


async def test_a_look_that_fails_heals_nothing(stage: Stage) -> None:
    """A list that cannot be read leaves everything as it is, and the pass is recorded as failed."""
    view = await stage.view(await stage.place())
    stage.fill(view)
    before = await stage.rows()
    for path in ("/api/v3/openOrders", "/api/v3/myTrades"):
        stage.rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=Match(path=path))
        with pytest.raises(HoldfastError) as raised:
            await stage.run()
        assert ErrorCode.EXCHANGE_UNAVAILABLE == raised.value.code
    assert before == await stage.rows()
    rows = await reconciliation_requests.list_passes(stage.rig.observer, stage.rig.tenant_id, {})
    assert ["failed", "failed"] == [row["outcome"] for row in rows]
    assert "healed" == (await stage.run()).outcome


async def test_what_moves_meanwhile_is_left_for_later(stage: Stage) -> None:
    """What is placed or filled while the exchange is read is left to a later pass."""
    rig = stage.rig
    view = await stage.view(await stage.place())

    async def trade() -> None:
        await stage.place(price="50100")
        stage.fill(view, "0.0004")
        report = await stage.report(view["exchange_order_id"])
        seen = await rig.gateway.fills(SYMBOL, exchange_order_id=report.exchange_order_id)
        await stage.desk.recorder.book(rig.session, report, seen, "stream")

    rig.plug.when, rig.plug.what = "after open_orders_all", trade
    report = await stage.run()
    assert ((), 2) == (report.found, report.skipped)
    report = await stage.run()
    assert ("clean", 0) == (report.outcome, report.skipped)
    await rig.check_books()


async def test_an_order_that_never_rests_is_asked_for(stage: Stage) -> None:
    """An order skipped three passes in a row is asked for by itself."""
    rig = stage.rig
    view = await stage.view(await stage.place())
    stage.fill(view, "0.0001")

    async def touch() -> None:
        """Book a trade of it again and again: its row is always newer than the pass."""
        stage.fill(view, "0.0001")
        await stage.desk.recorder.book(
            rig.session,
            None,
            await rig.gateway.fills(SYMBOL, exchange_order_id=view["exchange_order_id"]),
            "poll",
        )

    rig.plug.when, rig.plug.what, rig.plug.times = "after open_orders_all", touch, 9
    asked = []
    for _ in range(3):
        rig.plug.crossings.clear()
        assert 1 == (await stage.run()).skipped
        asked.append(rig.plug.crossings.count("before find_order"))
    assert [0, 0, 1] == asked


async def test_a_price_told_otherwise(stage: Stage) -> None:
    """A trade that was booked stays as it was told first; the other price is shown, and moves nothing."""
    rig = stage.rig
    view = await stage.view(await stage.place())
    stage.fill(view)
    (true,) = await rig.gateway.fills(SYMBOL, exchange_order_id=view["exchange_order_id"])
    told = Fill(
        SYMBOL,
        true.exchange_order_id,
        true.exchange_trade_id,
        true.side,
        Decimal(39990),
        true.quantity,
        true.fee_quantity,
        true.fee_asset,
        true.exchange_time,
    )
    await stage.desk.recorder.book(rig.session, None, [told], "stream")
    before = await stage.rows()
    report = await stage.run()
    assert "fill_differs" in {each.mismatch.kind for each in report.found}
    assert before == await stage.rows()


async def test_two_orders_under_one_client_id(stage: Stage) -> None:
    """A second order under an intent's client order id is shown, and books nothing."""
    view = await stage.view(await stage.place())
    stage.cancel(view)
    await stage.run()
    before = await stage.rig.figures()
    await stage.foreign("buy", "0.002", "30000", client_order_id=view["client_order_id"])
    report = await stage.run()
    assert "duplicate_order" in report.open
    assert before == await stage.rig.figures()


async def test_profiles_have_what_is_theirs(stage: Stage) -> None:
    """Two profiles on one symbol get each the trades of its orders, and a stranger's go to neither."""
    rig = stage.rig
    second = await rig.fresh("second")
    desk_stage = await open_stage(rig, desk=_desk_of(stage, rig))
    first = await desk_stage.view(await desk_stage.place("0.001"))
    other = await desk_stage.view(await desk_stage.place("0.002", profile="second"))
    stage.fill(first)
    stage.fill(other, "0.0015")
    await stage.foreign("buy", "0.004")
    await desk_stage.run()
    held = {str(one): (await rig.figures(one))["reserved_for_positions"] for one in (rig.profile_id, second)}
    assert {str(rig.profile_id): "39.96", str(second): "59.94"} == held
    assert "clean" == (await desk_stage.converge()).outcome
    await desk_stage.check_equations()


def _desk_of(stage: Stage, rig: Any) -> Any:
    """The rig's newest flows, as the same process: they know the profiles that were made last."""
    return open_desk(replace(rig.desk.context, owner=stage.desk.context.owner))


async def test_one_profile_only(stage: Stage) -> None:
    """A pass of one profile heals it, compares no balances, and leaves the others' mismatches as they are."""
    view = await stage.view(await stage.place())
    stage.fill(view)
    report = await stage.run(profile_id=stage.rig.profile_id)
    assert ("healed", "not asked for") == (report.outcome, report.equations)
    assert "filled" == (await stage.view(view["id"]))["order"]["status"]


async def test_a_dry_run_changes_nothing(stage: Stage) -> None:
    """A dry run says what differs and writes nothing but that it ran."""
    view = await stage.view(await stage.place())
    stage.fill(view)
    await stage.foreign("buy", "0.004")
    stage.deposit("USDT", "12")
    before = await stage.rows()
    report = await stage.run(dry_run=True)
    kinds = {each.mismatch.kind for each in report.found}
    assert {"missing_fill", "foreign_fill", "transfer"} <= kinds
    assert before == await stage.rows()
    assert [] == await stage.kinds()


async def test_three_restarts_change_nothing(stage: Stage) -> None:
    """Fresh processes over resting orders, an old position and an inferred fill leave every row as it was."""
    rig = stage.rig
    await stage.place("0.0004", "50100")
    await stage.later()  # its trade is older than what a pass reads from now on
    stage.fill(await stage.view(await stage.place("0.0004")))
    rig.paper.fault(FaultKind.MISSING_PAGES, match=Match(path="/api/v3/myTrades"), count=None, keep=0)
    await stage.later()  # by then the fill that is not shown is inferred
    for number in range(14):
        await stage.place("0.0004", str(40_000 + number))
    before = await stage.rows()
    assert {"open": 14, "filled": 2} == Counter(view["order"]["status"] for view in before["intents"])
    for _ in range(3):
        fresh = await open_stage(rig, desk=_same_owner(rig.restart(), stage))
        report = await fresh.run("start")
        assert ("explained", {"inferred_open"}) == (
            report.outcome,
            {each.mismatch.kind for each in report.found},
        )
        assert before == await stage.rows()


def _same_owner(desk: Any, stage: Stage) -> Any:
    return open_desk(replace(desk.context, owner=stage.desk.context.owner))


async def test_a_fill_told_again_long_after(stage: Stage) -> None:
    """Trades of an order closed long ago that are shown again move nothing."""
    await stage.place(price="50100")
    await stage.run()
    before = await stage.rows()
    for _ in range(2):
        report = await stage.run()
        assert report.compared["fills"] >= 1
        assert "clean" == report.outcome
    assert before == await stage.rows()


async def test_passes_of_one_account_follow_each_other(stage: Stage) -> None:
    """Two passes asked for at once are done one after the other, and heal a difference once."""
    view = await stage.view(await stage.place())
    stage.fill(view)
    reports = await asyncio.gather(stage.run(), stage.run())
    assert ["healed", "clean"] == [report.outcome for report in reports]
    await stage.rig.check_books()


async def test_fills_without_trades(stage: Stage) -> None:
    """A filled order without trades waits for them, is inferred later, and then corrected."""
    rig = stage.rig
    view = await stage.view(await stage.place())
    stage.fill(view)
    hide = Match(path="/api/v3/myTrades")
    rig.paper.fault(FaultKind.MISSING_PAGES, match=hide, count=None, keep=0)
    await stage.run()
    order = (await stage.view(view["id"]))["order"]
    assert ("open", True, "0") == (order["status"], order["unconfirmed"], order["booked_quantity"])
    rig.paper.clock.advance(6_000)
    await rig.gateway.measure_clock()
    await stage.run()
    order = (await stage.view(view["id"]))["order"]
    assert ("filled", "0.001") == (order["status"], order["booked_quantity"])
    report = await stage.converge()
    assert {"inferred_open"} == {each.mismatch.kind for each in report.found}
    assert "explained" == report.outcome
    rig.paper.faults.clear()
    report = await stage.converge()
    assert ("clean", "compared") == (report.outcome, report.equations)
    await rig.check_books()
