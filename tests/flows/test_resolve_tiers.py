"""Proves what each tier may conclude: B later than A, C nothing but presence; lies are never proof enough."""

from dataclasses import replace
from uuid import UUID

import pytest

from engine.exchange.tiers import Tier
from engine.flows.presence import Presence
from engine.flows.record import STREAM
from engine.ledger import capital
from engine.ledger.capital import By
from engine.paper.faults import FaultKind
from tests.flows.proving import BY_ID, CLOSED, OPEN, TRADES, Court, fault, open_court
from tests.flows.rig import SYMBOL, Rig


async def doubted(rig: Rig, kind: FaultKind, price: str = "49000", tier: str = "A") -> Court:
    """Leave one entry in doubt at an exchange of a tier."""
    facts = rig.gateway.facts
    rig.gateway.facts = replace(
        facts, tier=Tier(tier), query_param=None if tier == "C" else facts.query_param
    )
    fault(rig, kind)
    assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry("0.001", price))).code
    return await open_court(rig)


async def test_tier_b_waits_longer(rig: Rig) -> None:
    """Where requests do not expire, reads count only a minute after the exchange's answer was due."""
    court = await doubted(rig, FaultKind.DROP_BEFORE, tier="B")
    await court.later(50)
    assert (1, 0) == ((await court.once()).waiting, court.seen[-1].absent)
    view = await court.until_settled()
    assert "not_placed" == view["state"]
    (first, second) = [proof for proof in await court.proofs() if proof["verdict"] != "no_evidence"]
    assert first["counts_from"] <= first["began_at"] < second["began_at"]


async def test_tier_b_present(rig: Rig) -> None:
    """An order on a tier B exchange is found at the first look, as on tier A."""
    court = await doubted(rig, FaultKind.DROP_AFTER, tier="B")
    assert 1 == (await court.once()).present
    await rig.check_books()


@pytest.mark.parametrize("price", ["49000", "50100"])
async def test_tier_c_finds_presence_in_lists(rig: Rig, price: str) -> None:
    """Without a query by our id, the open and closed orders still show what is there."""
    court = await doubted(rig, FaultKind.DROP_AFTER, price, tier="C")
    assert 1 == (await court.once()).present
    assert "confirmed" == (await rig.only_intent())["state"]
    await rig.check_books()


async def test_tier_c_absence_needs_an_operator(rig: Rig) -> None:
    """Nothing shown proves nothing on tier C: capital and lock stay until an operator settles it."""
    court = await doubted(rig, FaultKind.DROP_BEFORE, tier="C")
    view = await court.until_settled()
    assert ("needs_operator", "49.049") == (view["state"], (await rig.figures())["reserved_for_orders"])
    assert "ENTRY_LOCKED" == (await court.desk.entries.run(rig.entry())).code
    await court.later(3600)
    assert 0 == (await court.once()).open
    by = By("operator:test", "its history is empty", "key")
    settled = await capital.settle(rig.observer, rig.tenant_id, UUID(view["id"]), "not_placed", None, by=by)
    assert "OK" == settled["code"]
    assert "1000" == (await rig.figures())["available"]
    await rig.check_books()


async def test_operator_settles_a_present_one(rig: Rig) -> None:
    """Settled as placed with the exchange's order id, the order is followed like any other."""
    court = await doubted(rig, FaultKind.DROP_AFTER, tier="C")
    for hidden in (OPEN, CLOSED, TRADES):
        fault(rig, FaultKind.MISSING_PAGES, hidden, count=None, keep=0)
    view = await court.until_settled()
    assert "needs_operator" == view["state"]
    rig.paper.faults.clear()
    (exchange_id,) = rig.exchange_orders()[view["client_order_id"]]
    by = By("operator:test", "it rests in the book", "key")
    await capital.settle(rig.observer, rig.tenant_id, UUID(view["id"]), "placed", exchange_id, by=by)
    found = await rig.only_intent()
    assert ("confirmed", exchange_id) == (found["state"], found["exchange_order_id"])
    await rig.check_books()


@pytest.mark.parametrize("price", ["49000", "50100"])
async def test_by_id_lies(rig: Rig, price: str) -> None:
    """An exchange that denies an order by its id, and lists it, has shown it."""
    court = await doubted(rig, FaultKind.DROP_AFTER, price)
    fault(rig, FaultKind.NOT_FOUND, BY_ID, count=None)
    await court.later(20)
    assert 1 == (await court.once()).present
    await rig.check_books()


async def test_only_a_trade_shows_it(rig: Rig) -> None:
    """A trade of an order that the exchange hides everywhere keeps its intent in doubt; shown, it settles."""
    court = await doubted(rig, FaultKind.DROP_AFTER, "50100")
    await court.later(20)
    fault(rig, FaultKind.NOT_FOUND, BY_ID, count=None)
    fault(rig, FaultKind.MISSING_PAGES, CLOSED, count=None, keep=0)
    for _ in range(3):
        assert (1, 0) == ((await court.once()).unclear, court.seen[-1].absent)
        await court.later(120)
    rig.paper.faults.clear()
    fault(
        rig, FaultKind.NOT_FOUND, replace(BY_ID, client_order_id=(await rig.only_intent())["client_order_id"])
    )
    fault(rig, FaultKind.MISSING_PAGES, CLOSED, keep=0)
    assert 1 == (await court.once()).present  # by the exchange's id, which the trade names
    await rig.check_books()


async def test_strangers_trades_are_no_presence(rig: Rig) -> None:
    """Trades of orders that are not ours, on the same symbol and side, do not keep ours in doubt."""
    client = rig.gateway._client
    await client.create_order(SYMBOL, "limit", "buy", "0.002", "50100")
    court = await doubted(rig, FaultKind.DROP_BEFORE)
    view = await court.until_settled()
    assert "not_placed" == view["state"]


async def test_absence_that_was_a_lie(rig: Rig) -> None:
    """An order that appears after two lying reads is booked once, its profile halts, and it is counted."""
    court = await doubted(rig, FaultKind.DROP_AFTER)
    fault(rig, FaultKind.NOT_FOUND, BY_ID, count=None)
    fault(rig, FaultKind.MISSING_PAGES, OPEN, count=None, keep=0)
    fault(rig, FaultKind.MISSING_PAGES, CLOSED, count=None, keep=0)
    view = await court.until_settled()
    assert ("not_placed", "1000") == (view["state"], (await rig.figures())["available"])
    rig.paper.faults.clear()
    report = await rig.gateway.find_order(SYMBOL, client_order_id=view["client_order_id"])
    assert report is not None
    presence = Presence(court.desk.context, court.desk.recorder)
    assert await presence.shown(rig.session, report, STREAM)
    assert not await presence.shown(rig.session, report, STREAM)
    assert ("confirmed", "halted") == ((await rig.only_intent())["state"], (await rig.figures())["mode"])
    counted = court.desk.context.metrics.registry.get_sample_value("holdfast_false_absence_total")
    assert (1, 1) == (counted, len(rig.exchange_orders()))


async def test_shown_once_and_never_again(rig: Rig) -> None:
    """What was shown and then is not shown any more is an operator's to settle, and releases nothing."""
    court = await doubted(rig, FaultKind.DROP_AFTER)
    dying = await open_court_again(rig, court, faulty=True)
    rig.plug.when, rig.plug.what = "before fn_persist_entry_lifecycle", rig.plug.lose
    rig.plug.times = 1000
    assert 1 == (await dying.once()).unclear
    await dying.desk.close(0)
    rig.plug.times = 0
    court = await open_court_again(rig, court)
    await court.later(20)
    fault(rig, FaultKind.NOT_FOUND, BY_ID, count=None)
    fault(rig, FaultKind.MISSING_PAGES, OPEN, count=None, keep=0)
    fault(rig, FaultKind.MISSING_PAGES, CLOSED, count=None, keep=0)
    view = await court.until_settled()
    assert ("needs_operator", "49.049") == (view["state"], (await rig.figures())["reserved_for_orders"])


async def test_order_that_is_recorded_as_anothers(rig: Rig) -> None:
    """An order that the ledger holds for another intent's is not moved: an operator settles it."""
    assert "OK" == (await rig.desk.entries.run(rig.entry("0.001", "49000"))).code
    first = await rig.only_intent()
    await rig.fresh("second")
    fault(rig, FaultKind.DROP_AFTER)
    assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry("0.001", "49000", profile="second"))).code
    doubt = (await rig.intents())[0]
    (exchange_id,) = rig.exchange_orders()[doubt["client_order_id"]]
    admin = await rig.database.admin()
    for table in ("intents", "orders"):  # what a wrong word of an operator would leave
        await admin.execute(
            f"UPDATE engine.{table} SET exchange_order_id = $2 WHERE intent_id = $1",  # noqa: S608 - ours
            UUID(first["id"]),
            exchange_id,
        )
    court = await open_court(rig)
    assert 1 == (await court.once()).needs_operator
    found = (await rig.intents())[0]
    assert ("needs_operator", "49.049") == (found["state"], found["remaining"])
    registry = court.desk.context.metrics.registry
    assert 1 == registry.get_sample_value("holdfast_duplicate_order_conflicts_total")


async def open_court_again(rig: Rig, old: Court, *, faulty: bool = False) -> Court:
    """Open another court once the lease of the old one has run out."""
    await rig.database.advance_clock(61)
    old.lease.lose("its process is gone")
    return await open_court(rig, faulty=faulty)
