"""Proves what the gateway's stream of fills makes of each fault of a stream, by URL and on the real host."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from engine.domain.outcomes import Placed
from engine.exchange.gateway import Gateway
from engine.exchange.streams import StreamLostError, StreamSilentError
from engine.paper.faults import FaultKind, Match
from engine.paper.server import PaperExchange
from tests.exchange.test_paper_faults import SYMBOL, gateway, order, paper

WAIT_S = 5
__all__ = ["gateway", "paper"]


async def bought(gateway: Gateway, number: int) -> str:
    """Buy at the ask; the id of the one fill."""
    outcome = await gateway.submit(order(gateway, number, limit_price=Decimal(50010)))
    assert isinstance(outcome, Placed)
    return outcome.report.fills[0].exchange_trade_id


@pytest.fixture
async def fills(gateway: Gateway) -> AsyncIterator[asyncio.Queue[str | Exception]]:
    """What the stream of fills tells: trade ids, then the error that ended it."""
    told: asyncio.Queue[str | Exception] = asyncio.Queue()

    async def read() -> None:
        try:
            async for some in gateway.watch_fills(silent_after_s=0.4):
                for fill in some:
                    told.put_nowait(fill.exchange_trade_id)
        except (StreamLostError, StreamSilentError) as error:
            told.put_nowait(error)

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    async with asyncio.timeout(WAIT_S):
        await gateway._client.authenticate()
    yield told
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until_error(told: asyncio.Queue[str | Exception]) -> tuple[list[str], Exception]:
    seen: list[str] = []
    async with asyncio.timeout(WAIT_S):
        while isinstance(one := await told.get(), str):
            seen.append(one)
    return seen, one


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        (FaultKind.STREAM_DUPLICATE, {0, 1, 2}),
        (FaultKind.STREAM_REORDER, {0, 1, 2}),
        (FaultKind.STREAM_MISSING, {0, 2}),
        (FaultKind.STREAM_SILENT, {0}),
        (FaultKind.STREAM_TERMINATED, {0}),
        (FaultKind.STREAM_KICKED, {0}),
    ],
)
async def test_a_fault_of_the_second_fill(
    paper: PaperExchange,
    gateway: Gateway,
    fills: asyncio.Queue[str | Exception],
    kind: FaultKind,
    seen: set[int],
) -> None:
    """The stream shows what reached it, ends with an error, and a read of the fills shows them all."""
    trades = [await bought(gateway, 0)]
    # An execution is one report of a new order and one of its trade: the first one of each is let through.
    paper.fault(kind, match=Match(event="executionReport", skip=1))
    trades += [await bought(gateway, number) for number in (1, 2)]
    shown, error = await until_error(fills)
    assert {trades[number] for number in seen} == set(shown)
    assert isinstance(error, StreamLostError if kind is FaultKind.STREAM_KICKED else StreamSilentError)
    assert trades == [fill.exchange_trade_id for fill in await gateway.fills(SYMBOL)]
