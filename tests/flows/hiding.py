"""An exchange that fills orders and hides its trades for a while, and what a poll makes of it."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.outcomes import Fill, OrderReport
from engine.flows.desk import Desk
from engine.ledger import reads
from engine.ledger.intents import IntentView
from engine.loops.polling import OpenOrders
from engine.paper import scale
from engine.paper.faults import Fault, FaultKind, Match
from tests.flows.rig import SYMBOL, Rig

TRADES = Match(path="/api/v3/myTrades")
LIMIT = "40000"  # far below the market: it rests


async def resting(rig: Rig, quantity: str = "0.002") -> IntentView:
    """Open an entry that rests."""
    answer = await rig.desk.entries.run(rig.entry(quantity, LIMIT))
    assert "OK" == answer.code
    assert answer.intent is not None
    return answer.intent


def fill(rig: Rig, quantity: str = "0.002", price: str = LIMIT) -> None:
    """Let somebody sell a quantity to what rests at a price or above; nobody of us hears of it."""
    rig.paper.outside.tape("BTCUSDT", scale.parse(price), scale.parse(quantity), True)
    rig.paper.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)


def hide(rig: Rig, keep: int = 0) -> None:
    """Show only the first trades of an order from now on."""
    rig.paper.faults.add(Fault(FaultKind.MISSING_PAGES, TRADES, count=None, keep=keep))


def show(rig: Rig) -> None:
    rig.paper.faults.clear()


async def later(rig: Rig, seconds: float = 6.0) -> None:
    """Let the exchange's clock go on; nobody waits."""
    rig.paper.clock.advance(round(seconds * 1000))
    await rig.gateway.measure_clock()


async def poll(rig: Rig, desk: Desk | None = None) -> None:
    """Compare the open orders with the exchange once."""
    desk = desk or rig.desk
    await OpenOrders("paper", rig.session, desk.context, desk.recorder, 25).poll(asyncio.Event())


async def seen(rig: Rig, view: IntentView) -> tuple[OrderReport, tuple[Fill, ...]]:
    """Return what the exchange itself says of an order and its trades."""
    report = await rig.gateway.find_order(SYMBOL, exchange_order_id=view["exchange_order_id"])
    assert report is not None
    return report, await rig.gateway.fills(SYMBOL, exchange_order_id=report.exchange_order_id)


async def book_trades(rig: Rig, view: IntentView, desk: Desk | None = None) -> tuple[str, ...]:
    """Book what the exchange shows of an order, as a pass does; returns the codes."""
    report, trades = await seen(rig, view)
    booked = await (desk or rig.desk).recorder.book(rig.session, report, trades, "reconciliation")
    return booked.fills


async def order(rig: Rig) -> tuple[str, Decimal, Decimal]:
    """Return the only order's status, filled and booked quantity."""
    shown = (await rig.only_intent())["order"]
    assert shown is not None
    return shown["status"], Decimal(shown["filled_quantity"]), Decimal(shown["booked_quantity"])


async def fills(rig: Rig) -> list[dict[str, Any]]:
    """Return the recorded fills that count, in order of their booking."""
    rows = await reads.list_fills(rig.observer, rig.tenant_id, {})
    return [dict(row) for row in reversed(rows) if row["superseded_at"] is None]


async def events(rig: Rig, view: IntentView) -> list[str]:
    """Return the types of an order's events."""
    timeline = await reads.order_timeline(rig.observer, rig.tenant_id, UUID(view["id"]))
    return [event["type"] for event in timeline]
