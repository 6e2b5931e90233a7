"""Proves that orders and trades are given to whose they are, by ids alone, and wait where nobody knows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from engine.domain.outcomes import Fill
from engine.flows.attribution import Attributor, divide, order_key
from engine.flows.snapshot import Snapshot
from engine.paper.faults import FaultKind, Match
from tests.flows.rig import SYMBOL, TAG
from tests.reconciliation.stage import Stage


async def test_a_wrong_client_order_id(stage: Stage) -> None:
    """A report that names another client order id is ours by the exchange's own order id."""
    view = await stage.view(await stage.place())
    report = replace(await stage.report(view["exchange_order_id"]), client_order_id="somebody-else")
    snapshot = Snapshot({}, frozenset(), {order_key(report): report})
    attributor = Attributor(stage.desk.context.ledger, looks_max=1)
    owners = await attributor.attribute(stage.rig.session, stage.lease, snapshot)
    assert view["id"] == str(owners.known[order_key(report)].intent_id)


async def test_a_trade_whose_order_is_hidden(stage: Stage) -> None:
    """A trade of an order that nobody shows is nobody's yet, and the next pass reads it again."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    fill = Fill(SYMBOL, "77", "1", "buy", Decimal(1), Decimal(1), None, None, at)
    snapshot = Snapshot({SYMBOL: at - timedelta(hours=1)}, frozenset(), {})
    snapshot.add_fills([fill])
    stage.rig.paper.fault(FaultKind.NOT_FOUND, match=Match(method="GET", path="/api/v3/order"))
    attributor = Attributor(stage.desk.context.ledger, looks_max=1)
    owners = await attributor.attribute(stage.rig.session, stage.lease, snapshot)
    assert {(SYMBOL, "77")} == owners.hidden
    shares = divide(snapshot, owners, tag=TAG, exchange="binance", began=at + timedelta(hours=1))
    assert ([], {SYMBOL: at}) == (shares.foreign_fills, shares.read_until)


async def test_a_parked_fill_finds_its_order(stage: Stage) -> None:
    """A fill that came before anybody knew its order is kept, and booked once the order is known."""
    rig = stage.rig
    rig.paper.fault(FaultKind.DROP_AFTER, match=Match(method="POST", path="/api/v3/order"))
    answer = await stage.desk.entries.run(rig.entry("0.001", "50100"))
    assert answer.intent is not None
    (order_id,) = rig.exchange_orders()[answer.intent["client_order_id"]]
    (fill,) = await rig.gateway.fills(SYMBOL, exchange_order_id=order_id)
    booked = await stage.desk.recorder.book(
        rig.session, None, [replace(fill, client_order_id=None)], "stream"
    )
    assert ("PARKED",) == booked.fills
    await stage.converge()
    (view,) = await rig.intents()
    assert ("filled", "0.001") == (view["order"]["status"], view["order"]["booked_quantity"])
    await rig.check_books()
