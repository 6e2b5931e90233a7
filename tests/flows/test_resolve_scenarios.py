"""Cases that other bots met while an order was in doubt, each with what must come of it here."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.flows.desk import Desk
from engine.flows.presence import Presence
from engine.flows.record import STREAM
from engine.ledger import orders
from engine.ledger.intents import IntentView
from engine.paper.faults import FaultKind
from tests.flows.following import following
from tests.flows.proving import BY_ID, CLOSED, OPEN, PLACE, Court, fault, open_court
from tests.flows.rig import SYMBOL, Rig, until


async def doubted(rig: Rig, kind: FaultKind = FaultKind.DROP_AFTER, price: str = "49000") -> Court:
    """Leave one entry in doubt."""
    fault(rig, kind)
    assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry("0.001", price))).code
    return await open_court(rig)


def asked(rig: Rig) -> int:
    """Return how often the exchange was asked for one order."""
    return rig.plug.crossings.count("before find_order")


async def hide(rig: Rig) -> None:
    """Let the exchange deny the order wherever it is asked."""
    fault(rig, FaultKind.NOT_FOUND, BY_ID, count=None)
    for listing in (OPEN, CLOSED):
        fault(rig, FaultKind.MISSING_PAGES, listing, count=None, keep=0)


async def test_a_send_at_work_is_not_asked_for(rig: Rig) -> None:
    """An intent that is being sent is nobody's to look at before its time is over."""
    gate = asyncio.Event()
    rig.plug.when, rig.plug.what = "before submit", gate.wait
    entering = asyncio.create_task(rig.desk.entries.run(rig.entry("0.001", "49000")))
    await until(lambda: "before submit" in rig.plug.crossings)
    desk = rig.desk
    court = await open_court(rig)
    assert (0, 0) == ((await court.once()).open, asked(rig))
    gate.set()
    assert "OK" == (await entering).code
    await desk.close(1)


async def test_it_is_not_asked_again_at_once(rig: Rig) -> None:
    """Between two looks at an intent there is a pause, however often the resolver turns."""
    court = await doubted(rig, FaultKind.DROP_BEFORE)
    for _ in range(5):
        await court.once()
    assert 1 == asked(rig)
    await court.later(1.1)
    await court.once()
    assert 2 == asked(rig)


async def test_no_number_of_failures_is_a_verdict(rig: Rig) -> None:
    """Looks that fail never add up to a rejection or a cancel; the capital stays reserved."""
    court = await doubted(rig, FaultKind.DROP_BEFORE)
    fault(rig, FaultKind.DROP_BEFORE, BY_ID, count=None)
    for _ in range(12):
        await court.later(200)
        assert 1 == (await court.once()).unclear
    assert ("in_doubt", "49.049") == (
        (await rig.only_intent())["state"],
        (await rig.figures())["reserved_for_orders"],
    )
    # the same failure is kept once, not twelve times
    assert 1 == len(await court.proofs())


async def test_confirmed_between_look_and_verdict(rig: Rig) -> None:
    """An order that is confirmed while it is looked for stays confirmed."""
    fault(rig, FaultKind.DROP_AFTER)
    await rig.desk.entries.run(rig.entry("0.001", "49000"))
    court = await open_court(rig, faulty=True)
    await court.later(20)
    view = await rig.only_intent()
    report = await rig.gateway.find_order(SYMBOL, client_order_id=view["client_order_id"])
    assert report is not None
    await hide(rig)
    assert 1 == (await court.once()).waiting

    async def confirm() -> None:
        desk = rig._desk(rig.observer)
        assert await Presence(desk.context, desk.recorder).shown(rig.session, report, STREAM)

    rig.plug.when, rig.plug.what = "before fn_resolve_absent", confirm
    await court.later(3)
    assert (0, 1) == ((await court.once()).absent, court.seen[-1].present)
    assert "confirmed" == (await rig.only_intent())["state"]
    await rig.check_books()


@pytest.mark.parametrize("doubtful", [False, True], ids=["confirmed", "in doubt"])
async def test_order_that_is_not_ours_to_settle(rig: Rig, *, doubtful: bool) -> None:
    """A report that names no intent of ours, or none at all, changes none: not even one without an order."""
    if doubtful:
        fault(rig, FaultKind.DROP_AFTER)
    await rig.desk.entries.run(rig.entry("0.001", "49000"))
    view = await rig.only_intent()
    assert doubtful is (view["exchange_order_id"] is None)
    report = await rig.gateway.find_order(SYMBOL, client_order_id=view["client_order_id"])
    assert report is not None
    presence = Presence(rig.desk.context, rig.desk.recorder)
    for named in (None, "web_123", f"{rig.desk.context.tag}aaaaaaaaaaaaaa"):
        stranger = replace(report, client_order_id=named, exchange_order_id="987")
        assert not await presence.shown(rig.session, stranger, STREAM)
        ended = await rig.desk.recorder.book(rig.session, replace(stranger, status="canceled"), (), STREAM)
        assert ended.order_status is None
    assert [view] == await rig.intents()


async def test_report_without_a_state_is_presence_only(rig: Rig) -> None:
    """A report that says nothing final confirms the order and leaves it open."""
    court = await doubted(rig)
    view = await rig.only_intent()
    report = await rig.gateway.find_order(SYMBOL, client_order_id=view["client_order_id"])
    assert report is not None
    presence = Presence(court.desk.context, court.desk.recorder)
    assert await presence.shown(rig.session, replace(report, status=None), STREAM)
    found = await rig.only_intent()
    assert found["order"] is not None
    assert ("confirmed", "open") == (found["state"], found["order"]["status"])


async def test_not_found_once_is_nothing(rig: Rig) -> None:
    """An order that is not found once is neither lost nor released; found, it is confirmed."""
    court = await doubted(rig)
    await court.later(20)
    await hide(rig)
    assert (1, 0) == ((await court.once()).waiting, court.seen[-1].absent)
    rig.paper.faults.clear()
    await court.later(3)
    assert 1 == (await court.once()).present
    assert 1 == len(rig.exchange_orders())


@pytest.mark.parametrize("seen_by", ["stream", "poll"])
async def test_lost_order_that_filled(rig: Rig, seen_by: str) -> None:
    """An order held for absent that fills is booked once, its profile halts, and it is counted once."""
    court = await doubted(rig, price="49990")
    await hide(rig)
    assert "not_placed" == (await court.until_settled())["state"]
    rig.paper.faults.clear()
    desk = court.desk
    if seen_by == "stream":
        async with following(rig, desk=desk):
            rig.paper.outside.pin("BTCUSDT", 49_900 * 10**8, 49_910 * 10**8, 5 * 10**8)
            await until(lambda: bool(rig.exchange_orders()))
            async with asyncio.timeout(5):
                while (await rig.only_intent())["state"] != "confirmed":  # noqa: ASYNC110 - behind sockets
                    await asyncio.sleep(0.01)
    else:
        rig.paper.outside.pin("BTCUSDT", 49_900 * 10**8, 49_910 * 10**8, 5 * 10**8)
        rig.exchange_orders()
    for _ in range(2):
        for fill in await rig.gateway.fills(SYMBOL, since_ms=0):
            own = replace(fill, client_order_id=(await rig.only_intent())["client_order_id"])
            await desk.recorder.book(rig.session, None, [own], "poll")
    view = await rig.only_intent()
    assert view["order"] is not None
    assert ("confirmed", "0.001") == (view["state"], view["order"]["booked_quantity"])
    assert "halted" == (await rig.figures())["mode"]
    assert 1 == false_absences(rig, desk)
    await rig.check_books()


async def test_lost_order_still_open(rig: Rig) -> None:
    """What was held for absent and is open, or was canceled, is what the exchange says it is."""
    court = await doubted(rig)
    await hide(rig)
    await court.until_settled()
    rig.paper.faults.clear()
    view = await rig.only_intent()
    found = await court.resolver.resolve(rig.session, court.lease, view)
    assert "present" == found.state
    placed = await rig.only_intent()
    assert placed["exchange_order_id"] is not None
    assert (await rig.figures())["mode"] == "halted"
    await rig.gateway.cancel(SYMBOL, placed["exchange_order_id"])
    report = await rig.gateway.find_order(SYMBOL, exchange_order_id=placed["exchange_order_id"])
    assert report is not None
    await court.desk.recorder.book(rig.session, report, (), "poll")
    ended = await rig.only_intent()
    assert ended["order"] is not None
    assert ("canceled", "1000") == (ended["order"]["status"], (await rig.figures())["available"])
    await rig.check_books()


async def test_settled_intents_are_looked_at_in_vain(rig: Rig) -> None:
    """A look at what is proven absent, with nothing to see, leaves it as it is."""
    court = await doubted(rig, FaultKind.DROP_BEFORE)
    view = await court.until_settled()
    await court.later(60)
    assert "absent" == (await court.resolver.resolve(rig.session, court.lease, view)).state
    assert view == await rig.only_intent()


async def test_filled_before_anybody_looked(rig: Rig) -> None:
    """A timed-out order that filled at once, and is in no open list, is found and never sent again."""
    court = await doubted(rig, price="50100")
    fault(rig, FaultKind.NOT_FOUND, BY_ID, count=None)
    await court.later(20)
    assert 1 == (await court.once()).present
    view = await rig.only_intent()
    assert view["order"] is not None
    assert ("filled", 1) == (view["order"]["status"], len(rig.exchange_orders()))
    await rig.check_books()


async def test_a_used_id_is_never_sent_again(rig: Rig) -> None:
    """The key of an entry that was proven absent answers so for ever; a new key gets another id."""
    fault(rig, FaultKind.DROP_BEFORE)
    command = rig.entry("0.001", "49000", key="first")
    assert "IN_DOUBT" == (await rig.desk.entries.run(command)).code
    court = await open_court(rig)
    old = await court.until_settled()
    again = await court.desk.entries.run(command)
    assert ("NOT_PLACED", True) == (again.code, again.replay)
    assert {} == rig.exchange_orders()
    assert "OK" == (await court.desk.entries.run(rig.entry("0.001", "49000", key="second"))).code
    assert old["client_order_id"] not in rig.exchange_orders()


async def test_stream_says_accepted_after_an_unknown_answer(rig: Rig) -> None:
    """An unknown answer, then the stream's report: one order, one reservation, nothing is sent again."""
    async with following(rig):
        fault(rig, FaultKind.UNKNOWN_AFTER, code=-1007)
        answer = await rig.desk.entries.run(rig.entry("0.001", "49000"))
        assert "IN_DOUBT" == answer.code
        await becomes(rig, "confirmed")
    assert (1, "49.049") == (len(rig.exchange_orders()), (await rig.figures())["reserved_for_orders"])
    await rig.check_books()


@pytest.mark.parametrize("code", [-1006, -1007, -1000, -1001])
async def test_unknown_answers_stay_unknown(rig: Rig, code: int) -> None:
    """Every code that says neither yes nor no leaves the order in doubt until it is proven."""
    fault(rig, FaultKind.UNKNOWN_AFTER, PLACE, code=code, status=400)
    assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry("0.001", "49000"))).code
    court = await open_court(rig)
    assert 1 == (await court.once()).present


async def test_a_definitive_refusal_is_released_once(rig: Rig) -> None:
    """What the exchange refused for want of balance is rejected, released, and not looked for."""
    await rig.gateway._client.create_order(SYMBOL, "limit", "buy", "2.03", "49000")
    assert (await rig.gateway.balances())["USDT"].free < 900
    answer = await rig.desk.entries.run(rig.entry("0.019", "49000"))
    assert ("REJECTED", "1000") == (answer.code, (await rig.figures())["available"])
    court = await open_court(rig)
    assert 0 == (await court.once()).open
    assert 0 == asked(rig)


async def test_cancel_waits_for_the_proof(rig: Rig) -> None:
    """A cancel asked for while an entry is in doubt goes out when its order is proven, and only then."""
    court = await doubted(rig)
    view = await rig.only_intent()
    await orders.request_cancel(rig.observer, rig.tenant_id, UUID(view["id"]), "robot:test")
    assert 0 == rig.plug.crossings.count("before cancel")
    assert 1 == (await court.once()).present
    found = await rig.only_intent()
    assert found["order"] is not None
    assert ("canceled", "1000") == (found["order"]["status"], (await rig.figures())["available"])
    await rig.check_books()


async def test_exit_in_doubt(rig: Rig) -> None:
    """An exit whose answer was lost is proven like an entry, present or absent; its quantity with it."""
    for kind, state in ((FaultKind.DROP_BEFORE, "not_placed"), (FaultKind.DROP_AFTER, "confirmed")):
        await rig.fresh(state.replace("_", "-"))
        name = state.replace("_", "-")
        assert "OK" == (await rig.desk.entries.run(rig.entry("0.001", profile=name))).code
        fault(rig, kind)
        assert "IN_DOUBT" == (await rig.desk.exits.run(rig.exit(profile=name))).code
        court = await open_court(rig, ttl_s=1.0)
        again = await court.desk.exits.run(rig.exit(profile=name))
        assert "INSUFFICIENT_POSITION" == again.code
        await court.later(20)
        await court.once()
        await court.later(3)
        await court.once()
        view = next(view for view in await rig.intents() if view["kind"] == "exit")
        assert state == view["state"]
        await rig.check_books()
        await rig.database.advance_clock(61)


async def test_many_in_doubt_share_their_reads(rig: Rig) -> None:
    """Many intents of one symbol are settled by one reading of its lists a turn."""
    names = [f"p{number}" for number in range(4)]
    for name in names:
        await rig.fresh(name)
        fault(rig, FaultKind.DROP_BEFORE)
        assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry("0.001", "49000", profile=name))).code
    court = await open_court(rig)
    await court.later(20)
    rig.plug.crossings.clear()
    assert 4 == (await court.once()).waiting
    counts = [rig.plug.crossings.count(f"before {name}") for name in ("find_order", "open_orders", "fills")]
    assert [4, 1, 1] == counts
    await court.later(3)
    assert 4 == (await court.once()).absent
    await rig.check_books()


async def test_two_looks_at_once(rig: Rig) -> None:
    """Loop and reconciliation looking at one intent together make no two reads, and end it once."""
    court = await doubted(rig, FaultKind.DROP_BEFORE)
    await court.later(20)
    view = await rig.only_intent()

    async def both() -> list[str]:
        looks = (court.resolver.resolve(rig.session, court.lease, view) for _ in range(2))
        return [found.state for found in await asyncio.gather(*looks)]

    assert ["waiting", "waiting"] == await both()
    assert "in_doubt" == (await rig.only_intent())["state"]
    await court.later(3)
    assert ["absent", "absent"] == await both()
    assert ["nothing_shown", "nothing_shown", "absent"] == [each["verdict"] for each in await court.proofs()]
    assert "1000" == (await rig.figures())["available"]
    await rig.check_books()


async def test_pages_take_turns(rig: Rig) -> None:
    """More intents in doubt than one turn reads: the next turns read on, and begin again at the end."""
    for name in ("one", "two", "three"):
        await rig.fresh(name)
        fault(rig, FaultKind.DROP_BEFORE)
        await rig.desk.entries.run(rig.entry("0.001", "49000", profile=name))
    court = await open_court(rig)
    court.resolver.page = 2
    await court.later(20)
    assert (2, 1) == ((await court.once()).waiting, court.seen[-1].left)
    assert (1, 0) == ((await court.once()).waiting, court.seen[-1].left)
    await court.later(3)
    assert (2, 1) == ((await court.once()).absent, court.seen[-1].left)
    assert 1 == (await court.once()).absent
    await rig.check_books()


async def test_one_that_the_database_refuses_keeps_no_other_waiting(rig: Rig) -> None:
    """A look that fails for one intent alone leaves the others of the turn their own."""
    for name in ("one", "two"):
        await rig.fresh(name)
        fault(rig, FaultKind.DROP_AFTER)
        await rig.desk.entries.run(rig.entry("0.001", "49000", profile=name))
    court = await open_court(rig, faulty=True)

    def refuse() -> None:
        raise HoldfastError(ErrorCode.INTERNAL, "a bug")

    rig.plug.when, rig.plug.what = "before fn_record_proof", refuse
    found = await court.once()
    assert (1, 1) == (found.present, found.unclear)
    await court.later(61)
    assert 1 == (await court.once()).present
    await rig.check_books()


async def becomes(rig: Rig, wanted: str) -> IntentView:
    """Wait until the only intent is in a state."""
    async with asyncio.timeout(5):
        while (view := await rig.only_intent())["state"] != wanted:  # noqa: ASYNC110 - behind sockets
            await asyncio.sleep(0.01)
    return view


def false_absences(rig: Rig, desk: Desk) -> float:
    """Return how many were counted, by the flows or by the ledger beneath them."""
    metrics = {id(each): each for each in (desk.context.metrics, rig.observer.metrics)}
    found = [
        each.registry.get_sample_value("holdfast_false_absence_total") or 0.0 for each in metrics.values()
    ]
    return sum(found)
