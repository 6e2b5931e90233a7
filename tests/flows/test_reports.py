"""Reports of orders as exchanges really tell them: under another name, outdated, told again."""

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.domain.outcomes import Fill, OrderReport
from engine.flows.presence import Presence
from engine.flows.record import STREAM
from tests.flows.following import following
from tests.flows.hiding import fill, order, resting, seen
from tests.flows.rig import SYMBOL, Rig, until
from tests.paper.clients import KEY, SECRET, ccxt_client

HALF = Decimal("0.001")


@pytest.mark.parametrize("named", [None, "web_somebody-else"])
async def test_report_under_another_name(rig: Rig, named: str | None) -> None:
    """A report with another client order id, or none, is of its order by the exchange's id; ours stays."""
    view = await resting(rig)
    assert view["exchange_order_id"] is not None
    fill(rig, "0.001")
    await rig.gateway.cancel(SYMBOL, view["exchange_order_id"])
    report, trades = await seen(rig, view)
    told = replace(report, client_order_id=named)
    booked = await rig.desk.recorder.book(
        rig.session, told, [replace(each, client_order_id=named) for each in trades], STREAM
    )
    assert (("OK",), "canceled") == (booked.fills, booked.order_status)
    assert ("canceled", HALF, HALF) == await order(rig)
    assert view["client_order_id"] == (await rig.only_intent())["client_order_id"]
    await rig.check_books()


async def test_streams_show_strangers_too(rig: Rig) -> None:
    """An order and a fill that the account's owner makes by hand are shown with their own id, beside ours."""
    news: list[Fill | OrderReport] = []
    async with following(rig, shown=news.extend), ccxt_client(rig.paper, KEY, SECRET) as other:
        view = await resting(rig)
        by_hand = {"newClientOrderId": "by-hand"}
        await other.create_order(SYMBOL, "limit", "buy", "0.001", "40000", by_hand)
        await until(lambda: [("by-hand", True)] == _named(news, "by-hand"))
        await other.create_order(SYMBOL, "market", "buy", "0.001", None, {"newClientOrderId": "by-hand-2"})
        await until(lambda: {("by-hand-2", True), ("by-hand-2", False)} <= set(_named(news, "by-hand-2")))
        await until(lambda: [(view["client_order_id"], True)] == _named(news, view["client_order_id"]))


def _named(news: list[Fill | OrderReport], client_order_id: str) -> list[tuple[str | None, bool]]:
    """Return what was shown under an id: reports True, fills False."""
    known = [each for each in news if each.client_order_id == client_order_id]
    return [(each.client_order_id, isinstance(each, OrderReport)) for each in known]


async def test_outdated_report(rig: Rig) -> None:
    """A report that is older than what is known, open or with less filled, takes nothing back."""
    view = await resting(rig)
    assert view["exchange_order_id"] is not None
    recorder, presence = rig.desk.recorder, Presence(rig.desk.context, rig.desk.recorder)
    old = [(await seen(rig, view))[0]]
    fill(rig, "0.0005")
    old.append((await seen(rig, view))[0])
    fill(rig, "0.0005")
    await rig.gateway.cancel(SYMBOL, view["exchange_order_id"])
    await recorder.book(rig.session, *(await seen(rig, view)), "poll")
    known, figures = await rig.only_intent(), await rig.figures()
    assert ("canceled", HALF, HALF) == await order(rig)
    for report in [*old, replace(old[1], status="canceled")]:
        assert not await presence.shown(rig.session, report, STREAM)
        await recorder.book(rig.session, report, (), STREAM)
    assert (known, figures) == (await rig.only_intent(), await rig.figures())
    await rig.check_books()
