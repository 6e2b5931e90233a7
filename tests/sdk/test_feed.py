"""A robot that follows the feed over cut lines and a restart of the daemon, on the real thing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.client.errors import AnswerError
from engine.client.feed import Event, Snapshot
from engine.client.robot import Robot
from engine.client.watching import Watch
from tests.sdk.own import Own
from tests.sdk.wire import BadLine

RESTING = ("BTC/USDT", "0.01", "49000")


async def until_told(feed: AsyncIterator[Snapshot | Event], order_id: str, kind: str) -> list[Event]:
    """Read on until an order's event of a type was told; returns everything up to it."""
    told = []
    async with asyncio.timeout(120):
        async for each in feed:
            assert isinstance(each, Event), each
            told.append(each)
            if (each.body["order_id"], each.type) == (order_id, kind):
                return told
    raise AssertionError("the feed ended")


class Watching:
    """What a watch has told, as (order, status); None: the exchange has not confirmed the order yet."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.told: list[tuple[str, str | None]] = []

    async def until(self, order_id: str, status: str) -> None:
        async with asyncio.timeout(120):
            while (order_id, status) not in self.told:
                self.told += [(order.id, order.status) for order in await self.watch.changed()]


async def test_nothing_is_lost_or_told_twice_over_cut_lines_and_a_restart(own: Own) -> None:
    """Cut, spoilt and restarted, a feed has every seq once, after a mark as well, and a watch each state."""
    with BadLine.to(own.stage.port) as line:
        async with own.robot(line.address) as robot:
            feed, watching = robot.feed(), Watching(robot.watch("BTC/USDT"))
            first = await anext(feed)
            assert isinstance(first, Snapshot), first
            assert ["main"] == [each["name"] for each in first.body["profiles"]]
            assert [] == await watching.watch.changed()
            told = []
            placed = []
            for disturb in (line.cut_streams, line.spoil_streams):
                result = await robot.enter(*RESTING)
                assert result.order is not None, result
                placed.append(result.order.id)
                told += await until_told(feed, result.order.id, "order.confirmed")
                with pytest.raises(TimeoutError):  # who stops waiting loses nothing
                    await asyncio.wait_for(watching.until("none", "open"), 0.01)
                disturb()
            await watching.until(placed[1], "open")
            await asyncio.to_thread(own.stage.daemon.stop)
            await asyncio.to_thread(own.stage.restart)
            line.daemon_port = own.stage.port
            await robot.cancel(placed[0])
            told += await until_told(feed, placed[0], "order.canceled")
            await watching.until(placed[0], "canceled")
            await feed.aclose()
            assert list(range(first.mark.seq + 1, told[-1].mark.seq + 1)) == [each.mark.seq for each in told]
            again = robot.feed(after=told[0].mark)
            resumed = await until_told(again, placed[0], "order.canceled")
            assert told[1:] == resumed
            await again.aclose()
            assert {(placed[0], "open"), (placed[1], "open"), (placed[0], "canceled")} <= set(watching.told)
            assert (
                1 == watching.told.count((placed[0], "canceled")) == watching.told.count((placed[1], "open"))
            )
            await check_without_websockets(robot, line)


async def check_without_websockets(robot: Robot, line: BadLine) -> None:
    """Through a proxy that knows none the same feed comes as server-sent events, cut or not."""
    line.lets_sockets_pass = False
    feed = robot.feed()
    first, told = await anext(feed), []
    for _ in range(2):
        result = await robot.enter(*RESTING)
        assert result.order is not None, result
        told += await until_told(feed, result.order.id, "order.confirmed")
        line.cut_streams()
    assert list(range(first.mark.seq + 1, told[-1].mark.seq + 1)) == [each.mark.seq for each in told]
    await feed.aclose()


async def test_a_feed_that_is_refused_says_so(own: Own) -> None:
    """A foreign profile is NOT_FOUND, a wrong key UNAUTHORIZED, to a watch too; neither is tried for ever."""
    async with own.robot() as robot:
        with pytest.raises(AnswerError) as unwatched:
            await robot.watch(profile="00000000-0000-7000-8000-000000000000").changed()
        assert "NOT_FOUND" == unwatched.value.code
        with pytest.raises(AnswerError) as missing:
            await anext(robot.feed(profiles=["00000000-0000-7000-8000-000000000000"]))
        assert "NOT_FOUND" == missing.value.code
    own.tenant.key = "hf_not_a_key"
    async with own.robot() as robot:
        with pytest.raises(AnswerError) as refused:
            await anext(robot.feed())
        assert "UNAUTHORIZED" == refused.value.code
