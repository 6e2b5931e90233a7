"""A robot that follows the feed over cut lines and a restart of the daemon, on the real thing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.client.errors import AnswerError
from engine.client.feed import Event, Snapshot
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


async def test_the_feed_has_no_gap_over_cut_lines_and_a_restart(own: Own) -> None:
    """Cut twice and over a restart of the daemon, every seq comes once; another run resumes after a mark."""
    with BadLine.to(own.stage.port) as line:
        async with own.robot(line.address) as robot:
            feed = robot.feed()
            first = await anext(feed)
            assert isinstance(first, Snapshot), first
            assert ["main"] == [each["name"] for each in first.body["profiles"]]
            told = []
            placed = []
            for _ in range(2):
                result = await robot.enter(*RESTING)
                assert result.order is not None, result
                placed.append(result.order.id)
                told += await until_told(feed, result.order.id, "order.confirmed")
                line.cut_streams()
            await asyncio.to_thread(own.stage.daemon.stop)
            await asyncio.to_thread(own.stage.restart)
            line.daemon_port = own.stage.port
            await robot.cancel(placed[0])
            told += await until_told(feed, placed[0], "order.canceled")
            await feed.aclose()  # type: ignore[attr-defined] # an async generator is what it is
            assert list(range(first.mark.seq + 1, told[-1].mark.seq + 1)) == [each.mark.seq for each in told]
            again = robot.feed(after=told[0].mark)
            resumed = await until_told(again, placed[0], "order.canceled")
            assert told[1:] == resumed
            await again.aclose()  # type: ignore[attr-defined]


async def test_a_feed_that_is_refused_says_so(own: Own) -> None:
    """A profile of another tenant is NOT_FOUND, a wrong key UNAUTHORIZED; neither is tried again for ever."""
    async with own.robot() as robot:
        with pytest.raises(AnswerError) as missing:
            await anext(robot.feed(profiles=["00000000-0000-7000-8000-000000000000"]))
        assert "NOT_FOUND" == missing.value.code
    own.tenant.key = "hf_not_a_key"
    async with own.robot() as robot:
        with pytest.raises(AnswerError) as refused:
            await anext(robot.feed())
        assert "UNAUTHORIZED" == refused.value.code
