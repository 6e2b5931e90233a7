"""Cancel-all while the database is away: what is known here and listed there goes out all the same."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.flows.commands import CancelAllCommand
from engine.ledger.requests import Claim
from engine.loops.polling import OpenOrders
from engine.paper.faults import FaultKind, Match
from tests.flows.rig import Rig, until

LISTING = Match(method="GET", path="/api/v3/openOrders")


def everything(rig: Rig, key: str = "all") -> CancelAllCommand:
    return CancelAllCommand(rig.tenant_id, Claim(rig.robot_id, key, "hash"))


def at_exchange(rig: Rig) -> list[str]:
    """Return the states of all orders in the exchange's own books."""
    rig.exchange_orders()
    return [order.status for order in rig.paper.oracle.orders.values()]


async def resting(rig: Rig, price: str = "40000", **more: str) -> str:
    """Place an order that stays open; its id."""
    placed = await rig.desk.entries.run(rig.entry("0.001", price, **more))
    assert placed.intent is not None, placed
    return placed.intent["id"]


async def test_known_open_orders_are_canceled_and_recorded_afterwards(rig: Rig) -> None:
    """Each open order is canceled once, an ended one is left; the wish and the end are recorded later."""
    ended = await resting(rig)
    await rig.desk.cancels.run(rig.cancel(await rig.desk.entries.run(rig.entry("0.001", "39000"))))
    rig.plug.down = True
    answer = await rig.desk.cancel_all.run(everything(rig))
    assert (False, False, [(ended, "sent_not_recorded", False)]) == (
        answer.recorded,
        answer.replay,
        [(row["id"], row["cancel"], row["recorded"]) for row in answer.orders],
    )
    assert ["CANCELED", "CANCELED"] == at_exchange(rig)
    rig.plug.down = False
    await until(lambda: rig.desk.recorder.pending == 0)
    view = next(view for view in await rig.intents() if view["id"] == ended)
    assert view["cancel_requested_at"] is not None
    again = await rig.desk.cancel_all.run(everything(rig))
    assert (True, False) == (again.recorded, again.replay)  # the key was left unused
    await rig.check_books()


async def test_only_those_that_were_meant(rig: Rig) -> None:
    """Profile, symbol and robot choose without the database as they do with it."""
    await rig.fresh("second")
    first, second = await resting(rig), await resting(rig, profile="second")
    rig.plug.down = True
    for command in (
        replace(everything(rig), symbol="ETH/USDT"),
        replace(everything(rig), robot_id=uuid4()),
    ):
        with pytest.raises(HoldfastError) as refused:
            await rig.desk.cancel_all.run(command)
        assert ErrorCode.DATABASE_UNAVAILABLE is refused.value.code
    of_second = replace(everything(rig), profile="second", symbol="BTC/USDT", robot_id=rig.robot_id)
    assert [second] == [row["id"] for row in (await rig.desk.cancel_all.run(of_second)).orders]
    assert [first] == [row["id"] for row in (await rig.desk.cancel_all.run(everything(rig))).orders]


async def test_nothing_is_claimed_that_nobody_saw(rig: Rig) -> None:
    """If the exchange does not list its orders, or none is known here, the answer is that of the database."""
    await resting(rig)
    rig.plug.down = True
    rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=LISTING)
    with pytest.raises(HoldfastError) as unlisted:
        await rig.desk.cancel_all.run(everything(rig))
    assert ErrorCode.DATABASE_UNAVAILABLE is unlisted.value.code
    assert ["NEW"] == at_exchange(rig)


async def test_orders_of_another_instance_are_known_by_polling(rig: Rig) -> None:
    """What the monitor has seen open is canceled too, whoever placed it."""
    order = await resting(rig)
    desk = rig.restart()
    await OpenOrders("paper", rig.session, desk.context, desk.recorder, 25).poll(asyncio.Event())
    rig.plug.down = True
    desk.context.ledger.fault = rig.plug.sql
    answer = await desk.cancel_all.run(everything(rig))
    desk.context.ledger.fault = None
    assert [(order, "entry", str(rig.profile_id))] == [
        (row["id"], row["kind"], row["profile_id"]) for row in answer.orders
    ]
