"""A robot on the SDK, against a real daemon, database and exchange."""

import asyncio
from decimal import Decimal

import pytest

from engine.client.errors import AnswerError, KeyReusedError, NumberError
from engine.client.results import NotPlaced, Placed
from tests.sdk.own import Own
from tests.sdk.wire import BadLine, Fate


async def test_in_and_out_at_the_market(fresh: Own) -> None:
    """An entry and an exit are placed and filled; fills, position and capital come as exact decimals."""
    async with fresh.robot() as robot:
        bought = await robot.enter("BTC/USDT", Decimal("0.01"))
        assert isinstance(bought, Placed), bought
        assert ("filled", Decimal("0.01"), bought.key) == (
            bought.order.status,
            bought.order.filled_quantity,
            bought.order.label,
        )
        (held,) = await robot.positions()
        assert (Decimal("0.00999"), "BTC") == (held.sellable, held.base_asset)
        (fill,) = await robot.fills("BTC/USDT")
        assert [fill] == await robot.fills(order_id=bought.order.id)
        assert (Decimal(50010), Decimal("0.01"), "BTC") == (fill.price, fill.quantity, fill.fee_asset)
        sold = await robot.exit("BTC/USDT")
        assert isinstance(sold, Placed), sold
        assert [] == [each for each in await robot.positions() if not each.is_dust]
        assert [sold.order.id, bought.order.id] == [order.id for order in await robot.orders()]
        assert [sold.order.id] == [order.id for order in await robot.orders(limit=1)]
        capital = await robot.capital()
        assert Decimal(10000) == capital.allocated
        assert capital.available == (
            capital.allocated
            - capital.reserved_for_orders
            - capital.reserved_for_positions
            + capital.realized_pnl
        )
        assert [] == await robot.unsettled()


async def test_denial_is_returned_with_its_numbers(fresh: Own) -> None:
    """What Holdfast denies is a result with a code and the numbers behind it, final for its key."""
    async with fresh.robot() as robot:
        for _ in range(2):
            denied = await robot.enter("BTC/USDT", "1", "49000", key="too much")
            assert isinstance(denied, NotPlaced), denied
            assert ("INSUFFICIENT_CAPITAL", False, "10000") == (
                denied.code,
                denied.retryable,
                denied.details["available"],
            )
        assert [] == await robot.unsettled()
        wrong = await robot.enter("BTC/USDT", "0.0000001", "49000")
        assert isinstance(wrong, NotPlaced), wrong
        assert "INVALID_QUANTITY" == wrong.code
        with pytest.raises(NumberError):
            await robot.enter("BTC/USDT", 0.01)  # type: ignore[arg-type] # the very mistake
    assert [] == fresh.at_exchange()


async def test_a_key_is_one_order(own: Own) -> None:
    """The same key gives the same order; for another order it is refused, with the journal and without."""
    async with own.robot() as robot:
        first = await robot.enter("BTC/USDT", "0.01", "49000", key="breakout-7")
        again = await robot.enter("BTC/USDT", Decimal("0.010"), 49000, key="breakout-7")
        assert isinstance(first, Placed), first
        assert isinstance(again, Placed), again
        assert first.order.id == again.order.id
        with pytest.raises(KeyReusedError):
            await robot.enter("BTC/USDT", "0.02", "49000", key="breakout-7")
    async with own.robot(journal=own.journal.with_name("lost.journal")) as robot:
        refused = await robot.enter("BTC/USDT", "0.02", "49000", key="breakout-7")
        assert isinstance(refused, NotPlaced), refused
        assert "IDEMPOTENCY_KEY_REUSED" == refused.code
    assert 1 == len(own.at_exchange())


async def test_side_by_side_calls_are_orders_of_their_own(own: Own) -> None:
    """Calls without keys that run at the same time are different orders, each placed once."""
    async with own.robot() as robot:
        results = await asyncio.gather(*(robot.enter("BTC/USDT", "0.01", "49000") for _ in range(4)))
        assert {"placed"} == {result.outcome for result in results}, results
        assert 4 == len({result.key for result in results})
    assert 4 == len(own.at_exchange())


async def test_cancel_and_cancel_all_wait_for_the_end(fresh: Own) -> None:
    """A cancel returns the order as it ended; cancel-all ends what is open and tells of each."""
    async with fresh.robot() as robot:
        placed = [await robot.enter("BTC/USDT", "0.01", price) for price in ("49000", "48000", "47000")]
        one, *others = [result.order.id for result in placed if result.order is not None]
        canceled = await robot.cancel(one)
        assert (True, "canceled") == (canceled.ended, canceled.order and canceled.order.status)
        assert (await robot.cancel(one)).ended
        assert set(others) == {order.id for order in await robot.orders(open=True)}
        ended = await robot.cancel_all()
        assert set(others) == {each.order_id for each in ended}
        assert all(each.ended for each in ended)
        assert Decimal(10000) == (await robot.capital()).available
        await check_lost_answer_of_cancel_all(fresh)
        with pytest.raises(AnswerError) as missing:
            await robot.cancel("00000000-0000-7000-8000-000000000000")
        assert "NOT_FOUND" == missing.value.code
    assert {"CANCELED"} == {order["status"] for order in fresh.at_exchange()}


async def check_lost_answer_of_cancel_all(own: Own) -> None:
    """The same request under the same key again, then one that finds nothing more: one cancel an order."""
    with BadLine.to(own.stage.port) as line:
        async with own.robot(line.address, journal=own.journal.with_name("other.journal")) as robot:
            for price in ("49000", "48000"):
                await robot.enter("BTC/USDT", "0.01", price)
            line.sent.clear()
            line.fates = [Fate.LOSE_ANSWER]
            ended = await robot.cancel_all("BTC/USDT")
            assert [True, True] == [each.ended for each in ended]
            asked = [request for request in line.sent if b"/cancel-all" in request]
            assert 3 == len(asked), asked
            assert asked[0] == asked[1] != asked[2]


async def test_a_watch_tells_each_change_once(own: Own) -> None:
    """A watch begins with what is open, then tells canceled and quickly finished orders, and no other."""
    async with own.robot() as robot:
        resting = await robot.enter("BTC/USDT", "0.01", "49000")
        assert isinstance(resting, Placed), resting
        watch = robot.watch("BTC/USDT")
        assert [("open", resting.order.id)] == [(o.status, o.id) for o in await watch.changed()]
        waiting = asyncio.create_task(watch.changed())
        await robot.cancel(resting.order.id)
        told = [*await waiting]
        while told[-1].status != "canceled":
            told += await watch.changed()
        assert {resting.order.id} == {order.id for order in told}
        bought = await robot.enter("BTC/USDT", "0.01")
        quick = await watch.changed()
        assert [bought.order.id if bought.order else None] == [order.id for order in quick]


async def test_wrong_key_is_said_as_it_is(own: Own) -> None:
    """A key that Holdfast does not know: reads raise UNAUTHORIZED, an order is not placed for that reason."""
    own.tenant.key = "hf_not_a_key"
    async with own.robot(patience_s=5) as robot:
        with pytest.raises(AnswerError) as refused:
            await robot.capital()
        assert "UNAUTHORIZED" == refused.value.code
        denied = await robot.enter("BTC/USDT", "0.01", "49000")
        assert isinstance(denied, NotPlaced), denied
        assert "UNAUTHORIZED" == denied.code
