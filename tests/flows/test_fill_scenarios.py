"""Fills as exchanges really tell them: hidden, late, doubled, unordered, changed."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from engine.domain.errors import HoldfastError
from engine.flows.inferring import infer
from engine.flows.reconcile import Reconciliation
from engine.ledger import reads
from engine.paper.faults import FaultKind, Match
from tests.flows.hiding import (
    TRADES,
    book_trades,
    events,
    fill,
    fills,
    hide,
    later,
    order,
    poll,
    resting,
    seen,
    show,
)
from tests.flows.proving import open_court
from tests.flows.rig import SYMBOL, CrashError, Rig
from tests.paper.clients import KEY

WHOLE = Decimal("0.002")
HALF = Decimal("0.001")
PLACE = Match(method="POST", path="/api/v3/order")


async def test_filled_without_trades_is_inferred(rig: Rig) -> None:
    """An order that is filled without a trade being shown is filled by one inferred fill."""
    await resting(rig)
    hide(rig)
    fill(rig)
    await later(rig)
    await poll(rig)
    await poll(rig)
    assert ("filled", WHOLE, WHOLE) == await order(rig)
    (guess,) = await fills(rig)
    assert ("inferred:0.002", True, "0.002", "40000", None) == (
        guess["exchange_trade_id"],
        guess["inferred"],
        guess["quantity"],
        guess["price"],
        guess["fee_asset"],
    )


async def test_the_trades_of_an_inferred_fill_arrive(rig: Rig) -> None:
    """Trades that are shown at last replace the inferred fill, and the books are the exchange's own."""
    view = await resting(rig)
    hide(rig)
    fill(rig, "0.0015")
    fill(rig, "0.0005")
    await later(rig)
    await poll(rig)
    show(rig)
    assert ("OK", "OK") == await book_trades(rig, view)
    assert ("DUPLICATE", "DUPLICATE") == await book_trades(rig, view)
    assert [False, False] == [each["inferred"] for each in await fills(rig)]
    assert ("filled", WHOLE, WHOLE) == await order(rig)
    await rig.check_books()


async def test_filled_with_its_trade(rig: Rig) -> None:
    """A filled order with its trade has exactly one fill, under the exchange's id."""
    view = await resting(rig)
    fill(rig)
    await later(rig)
    await poll(rig)
    (trade,) = (await seen(rig, view))[1]
    assert [trade.exchange_trade_id] == [each["exchange_trade_id"] for each in await fills(rig)]
    assert ("filled", WHOLE, WHOLE) == await order(rig)
    await rig.check_books()


async def test_partly_filled_with_its_trade(rig: Rig) -> None:
    """A partly filled order with its trade stays open with that fill."""
    await resting(rig)
    fill(rig, "0.001")
    await poll(rig)
    assert ("open", HALF, HALF) == await order(rig)
    assert [False] == [each["inferred"] for each in await fills(rig)]
    await rig.check_books()


async def test_partly_filled_without_trades(rig: Rig) -> None:
    """What an open order has filled is inferred, as often as it fills more."""
    view = await resting(rig)
    hide(rig)
    fill(rig, "0.001")
    await later(rig)
    await poll(rig)
    assert ("open", HALF, HALF) == await order(rig)
    fill(rig, "0.001")
    await later(rig)
    await poll(rig)
    assert ("filled", WHOLE, WHOLE) == await order(rig)
    assert ["inferred:0.001", "inferred:0.002"] == [each["exchange_trade_id"] for each in await fills(rig)]
    show(rig)
    await book_trades(rig, view)
    await rig.check_books()


async def test_canceled_with_a_fill(rig: Rig) -> None:
    """Of an order canceled elsewhere its fill is booked first, then its end."""
    view = await resting(rig)
    assert view["exchange_order_id"] is not None
    fill(rig, "0.001")
    await rig.gateway.cancel(SYMBOL, view["exchange_order_id"])
    await poll(rig)
    assert ("canceled", HALF, HALF) == await order(rig)
    assert ["fill", "order.canceled"] == (await events(rig, view))[-2:]
    assert "0" == (await rig.figures())["reserved_for_orders"]
    await rig.check_books()


async def test_canceled_with_a_hidden_fill(rig: Rig) -> None:
    """The reservation of a canceled order stays until what it filled is shown or inferred."""
    view = await resting(rig)
    assert view["exchange_order_id"] is not None
    hide(rig)
    fill(rig, "0.001")
    await rig.gateway.cancel(SYMBOL, view["exchange_order_id"])
    await poll(rig)
    assert ("open", HALF, Decimal(0)) == await order(rig)
    assert Decimal(80) < Decimal((await rig.figures())["reserved_for_orders"])
    await later(rig)
    await poll(rig)
    assert ("canceled", HALF, HALF) == await order(rig)
    show(rig)
    await book_trades(rig, view)
    await rig.check_books()


async def test_expired_with_a_fill(rig: Rig) -> None:
    """An immediate order that filled in part, its answer lost, is expired with its fill."""
    rig.paper.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 10**8 // 1000)
    rig.paper.fault(FaultKind.DROP_AFTER, match=PLACE)
    answer = await rig.desk.entries.run(rig.entry("0.002", "50100", time_in_force="IOC"))
    assert "IN_DOUBT" == answer.code
    await rig.resolve(rig.desk)
    assert ("expired", HALF, HALF) == await order(rig)
    await rig.check_books()


async def test_in_doubt_and_filled_without_trades(rig: Rig) -> None:
    """An order proven present after a lost answer, its trades hidden, is filled by inference."""
    hide(rig)
    rig.paper.fault(FaultKind.DROP_AFTER, match=PLACE)
    assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry("0.001", "50100"))).code
    await rig.resolve(rig.desk)
    assert ("open", HALF, Decimal(0)) == await order(rig)
    await later(rig)
    await poll(rig)
    assert ("filled", HALF, HALF) == await order(rig)
    (guess,) = await fills(rig)
    assert ("inferred:0.001", "50010") == (guess["exchange_trade_id"], guess["price"])
    show(rig)
    await book_trades(rig, await rig.only_intent())
    await rig.check_books()


async def test_only_some_trades_are_shown(rig: Rig) -> None:
    """Where the trades explain only a part, the real fill is booked and the rest inferred."""
    view = await resting(rig)
    fill(rig, "0.0015")
    fill(rig, "0.0005")
    hide(rig, keep=1)
    await later(rig)
    await poll(rig)
    assert ("filled", WHOLE, WHOLE) == await order(rig)
    assert [("0.0015", False), ("0.0005", True)] == [
        (each["quantity"], each["inferred"]) for each in await fills(rig)
    ]
    show(rig)
    assert ("DUPLICATE", "OK") == await book_trades(rig, view)
    await rig.check_books()


async def test_whole_trades_without_an_average(rig: Rig) -> None:
    """Where the trades explain everything nothing is inferred, average price or not."""
    view = await resting(rig)
    fill(rig)
    await later(rig)
    report, trades = await seen(rig, view)
    await rig.desk.recorder.book(rig.session, None, trades, "poll")
    bare = replace(report, average_price=None)
    assert await infer(rig.session, rig.desk.recorder, view, bare, trades) is None
    assert [False] == [each["inferred"] for each in await fills(rig)]


async def test_nothing_is_inferred_too_early_or_without_a_price(rig: Rig) -> None:
    """An exchange has five seconds to show its trades; and what has no price is left for an operator."""
    view = await resting(rig)
    hide(rig)
    fill(rig)
    report, trades = await seen(rig, view)
    assert () == trades
    recorder = rig.desk.recorder
    assert await infer(rig.session, recorder, view, report, trades) is None
    await later(rig)
    priceless = {**view, "limit_price": None}
    bare = replace(report, average_price=None)
    assert await infer(rig.session, recorder, priceless, bare, trades) is None  # type: ignore[arg-type]
    assert [] == await fills(rig)
    booked = await infer(rig.session, recorder, view, report)
    assert booked is not None
    assert (("OK",), "filled") == (booked.fills, booked.order_status)


async def test_another_word_on_a_booked_trade(rig: Rig) -> None:
    """A trade told again with other data stays as it was booked, and is counted."""
    view = await resting(rig)
    fill(rig)
    await poll(rig)
    before = await rig.figures()
    (trade,) = (await seen(rig, view))[1]
    changed = replace(trade, price=Decimal(40001), fee_quantity=Decimal(10), fee_asset="USDT", maker=False)
    booked = await rig.desk.recorder.book(rig.session, None, [changed], "poll")
    assert ("DUPLICATE",) == booked.fills
    assert before == await rig.figures()
    counter = rig.ledger.metrics.fill_conflicts_total
    assert 1 == counter._value.get()
    await rig.check_books()


async def test_the_same_fill_twice_in_one_answer(rig: Rig) -> None:
    """A fill that stands twice in one answer is booked once."""
    view = await resting(rig)
    fill(rig)
    report, trades = await seen(rig, view)
    booked = await rig.desk.recorder.book(rig.session, report, [*trades, *trades], "poll")
    assert (("OK",), "filled") == (booked.fills, booked.order_status)
    await rig.check_books()


async def test_fills_newest_first(rig: Rig) -> None:
    """Fills that come newest first are booked in order of time."""
    view = await resting(rig)
    fill(rig, "0.0005")
    await later(rig, 1)
    fill(rig, "0.0015")
    report, trades = await seen(rig, view)
    await rig.desk.recorder.book(rig.session, report, list(reversed(trades)), "poll")
    assert ["0.0005", "0.0015"] == [each["quantity"] for each in await fills(rig)]
    await rig.check_books()


async def test_a_fill_before_its_order(rig: Rig) -> None:
    """A fill of an order nobody knows is kept, and booked when the order shows up."""
    rig.paper.fault(FaultKind.DROP_AFTER, match=PLACE)
    assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry("0.001", "50100"))).code
    (exchange_order_id,) = next(iter(rig.exchange_orders().values()))
    trades = await rig.gateway.fills(SYMBOL, exchange_order_id=exchange_order_id)
    orphans = [replace(each, client_order_id=None) for each in trades]
    booked = await rig.desk.recorder.book(rig.session, None, orphans, "poll")
    assert {"PARKED"} == set(booked.fills)
    assert 0 == await rig.desk.recorder.drain(rig.session)
    await rig.resolve(rig.desk)
    assert ("filled", HALF, HALF) == await order(rig)
    assert len(trades) == len(await fills(rig))
    await rig.check_books()


async def test_a_fill_parked_beside_its_confirmation(rig: Rig) -> None:
    """A fill parked in the moment of its order's confirmation is booked by the next poll at the latest."""
    view = await resting(rig)
    fill(rig)
    report, trades = await seen(rig, view)
    orphans = [replace(each, client_order_id=None, exchange_order_id="?") for each in trades]
    await rig.desk.recorder.book(rig.session, None, orphans, "stream")
    admin = await rig.database.admin()
    await admin.execute(
        "UPDATE engine.unmatched_fills SET exchange_order_id = $1,"
        " fill = fill || jsonb_build_object('exchange_order_id', $1::text)",
        report.exchange_order_id,
    )
    assert (1, 0) == (
        await rig.desk.recorder.drain(rig.session),
        await rig.desk.recorder.drain(rig.session),
    )
    assert ("filled", WHOLE, WHOLE) == await order(rig)
    await rig.check_books()


async def test_an_end_before_its_trades(rig: Rig) -> None:
    """An order told to be filled waits for its trades; each is counted once when it comes."""
    view = await resting(rig)
    fill(rig)
    report, trades = await seen(rig, view)
    recorder = rig.desk.recorder
    assert "open" == (await recorder.book(rig.session, report, (), "stream")).order_status
    told = (await rig.only_intent())["order"]
    assert told is not None
    assert (True, "0.002", "0") == (told["unconfirmed"], told["filled_quantity"], told["booked_quantity"])
    for _ in range(2):
        assert "filled" == (await recorder.book(rig.session, report, trades, "poll")).order_status
    assert ("filled", WHOLE, WHOLE) == await order(rig)
    await rig.check_books()


async def test_an_end_whose_trades_cannot_be_read(rig: Rig) -> None:
    """While trades cannot be read nothing is concluded; no order ends with nothing filled."""
    view = await resting(rig)
    fill(rig)
    report, _ = await seen(rig, view)
    await rig.desk.recorder.book(rig.session, report, (), "stream")
    await later(rig)
    rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=TRADES, count=None)
    with pytest.raises(HoldfastError):
        await poll(rig)
    assert ("open", WHOLE, Decimal(0)) == await order(rig)
    show(rig)
    await poll(rig)
    assert ("filled", WHOLE, WHOLE) == await order(rig)
    await rig.check_books()


@pytest.mark.parametrize("filled_first", [True, False])
async def test_filled_and_canceled(rig: Rig, filled_first: bool) -> None:
    """Of a canceled and a filled report the one that filled more wins, in either order."""
    view = await resting(rig)
    fill(rig)
    report, trades = await seen(rig, view)
    canceled = replace(report, status="canceled", filled_quantity=Decimal(0))
    told = [(report, trades), (canceled, ())] if filled_first else [(canceled, ()), (report, trades)]
    for said, with_trades in told:
        await rig.desk.recorder.book(rig.session, said, with_trades, "poll")
    assert ("filled", WHOLE, WHOLE) == await order(rig)
    await rig.check_books()


async def test_a_fill_told_again_after_the_end(rig: Rig) -> None:
    """A stream that tells a fill of an order closed long ago again moves nothing."""
    view = await resting(rig)
    fill(rig)
    await poll(rig)
    before, version = await rig.figures(), len(await events(rig, view))
    _, trades = await seen(rig, view)
    booked = await rig.restart().recorder.book(rig.session, None, trades, "stream")
    assert ("DUPLICATE",) == booked.fills
    assert (before, version) == (await rig.figures(), len(await events(rig, view)))


async def test_a_late_fee_has_the_rate_of_its_time(rig: Rig) -> None:
    """A fee in a third asset of a fill that is found later is worth what it was worth at its fill."""
    rig.paper.matching.accounts[KEY].fee_asset = "BNB"
    rig.paper.deposit(KEY, "BNB", 10 * 10**8)
    rig.paper.outside.pin("BNBUSDT", 600 * 10**8, 601 * 10**8, 5 * 10**8)
    rig.paper.outside.tape("BNBUSDT", 612 * 10**8, 10**8, True)
    await resting(rig)
    fill(rig)
    await later(rig, 3_600)
    rig.paper.outside.tape("BNBUSDT", 300 * 10**8, 10**8, True)
    await poll(rig)
    (booked,) = await fills(rig)
    assert ("612", "candle BNB/USDT") == (booked["fee_rate"], booked["rate_source"])


async def test_a_late_fee_without_past_prices(rig: Rig) -> None:
    """Where an exchange tells no past prices the rate of now stands in, and its source says so."""
    rig.paper.matching.accounts[KEY].fee_asset = "BNB"
    rig.paper.deposit(KEY, "BNB", 10 * 10**8)
    await resting(rig)
    fill(rig)
    await later(rig, 3_600)
    rig.gateway._client.has["fetchOHLCV"] = False
    await poll(rig)
    (booked,) = await fills(rig)
    assert "last BNB/USDT, late" == booked["rate_source"]


async def test_a_late_fee_whose_rate_cannot_be_read(rig: Rig) -> None:
    """While past prices cannot be read a fill is booked unvalued, and valued when they can."""
    rig.paper.matching.accounts[KEY].fee_asset = "BNB"
    rig.paper.deposit(KEY, "BNB", 10 * 10**8)
    await resting(rig)
    fill(rig)
    await later(rig, 3_600)
    rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=Match(path="/api/v3/klines"), count=None)
    await poll(rig)
    assert [None] == [each["fee_value"] for each in await fills(rig)]
    assert 0 == await rig.desk.recorder.value_late(rig.session)
    show(rig)
    assert 1 == await rig.restart().recorder.value_late(rig.session)
    assert ["candle BNB/USDT"] == [each["rate_source"] for each in await fills(rig)]


async def test_a_crash_around_an_inferred_fill(rig: Rig) -> None:
    """Whether a process dies before or after it inferred, the next one ends with the same one fill."""
    for when, number in (("before fn_apply_fill", 0), ("after fn_apply_fill", 1)):
        await rig.fresh(f"crash-{number}")
        answer = await rig.desk.entries.run(rig.entry("0.002", "40000", profile=f"crash-{number}"))
        assert answer.intent is not None
        hide(rig)
        fill(rig)
        await later(rig)
        rig.plug.when, rig.plug.what = when, rig.plug.crash
        with pytest.raises(CrashError):
            await poll(rig)
        fresh = rig.restart()
        await poll(rig, fresh)
        show(rig)
        assert ("OK",) == await book_trades(rig, answer.intent, fresh)
    assert 2 == len(await fills(rig))
    await rig.check_books()


async def test_two_instances_infer_at_once(rig: Rig) -> None:
    """Two processes that infer from the same report at the same time book one fill."""
    view = await resting(rig)
    hide(rig)
    fill(rig)
    await later(rig)
    report, trades = await seen(rig, view)
    other = rig.restart()
    booked = await asyncio.gather(
        *(infer(rig.session, each.recorder, view, report, trades) for each in (rig.desk, other))
    )
    assert ["DUPLICATE", "OK"] == sorted(each.fills[0] for each in booked if each is not None)
    assert 1 == len(await fills(rig))


async def test_an_inferred_exit(rig: Rig) -> None:
    """What a market sell filled unseen is inferred from its average price, and corrected by its trades."""
    assert "OK" == (await rig.desk.entries.run(rig.entry("0.002", "50100"))).code
    answer = await rig.desk.exits.run(rig.exit("0.001", "60000"))
    assert answer.intent is not None
    hide(rig)
    rig.paper.outside.tape("BTCUSDT", 60_000 * 10**8, 10**8 // 1000, False)
    rig.paper.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)
    await later(rig)
    await poll(rig)
    assert [False, True] == [each["inferred"] for each in await fills(rig)]
    show(rig)
    await book_trades(rig, answer.intent)
    assert [False, False] == [each["inferred"] for each in await fills(rig)]
    position = (await reads.list_positions(rig.observer, rig.tenant_id, rig.profile_id))[0]
    assert "0" == position["reserved_quantity"]
    await rig.check_books()


async def test_passes_infer_and_correct(rig: Rig) -> None:
    """Passes infer what is hidden, show it as explained, and correct it when its trades are shown."""
    view = await resting(rig)
    hide(rig)
    fill(rig)
    court = await open_court(rig)
    passes = Reconciliation(court.desk.context, court.desk.recorder, court.resolver)
    await court.later(6)
    reports = [await passes.run_pass(rig.session, court.lease, "test") for _ in range(3)]
    assert ["inferred:0.002"] == [each["exchange_trade_id"] for each in await fills(rig)]
    assert {"inferred_open"} == {each.mismatch.kind for each in reports[-1].found}
    assert ("explained", True) == (reports[-1].outcome, reports[-1].settled)
    show(rig)
    reports = [await passes.run_pass(rig.session, court.lease, "test") for _ in range(3)]
    assert [("healed", {}), ("clean", {})] == [(each.outcome, each.open) for each in reports[:2]]
    before = len(await events(rig, view))
    assert ("clean", "compared") == (reports[-1].outcome, reports[-1].equations)
    assert (False, before) == ((await fills(rig))[0]["inferred"], len(await events(rig, view)))
    await rig.check_books()
