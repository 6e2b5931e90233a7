"""Proves the queue of a profile and symbol, and that the times of an intent's life fit together."""

import asyncio

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.flows.context import Timings
from engine.flows.queue import TurnQueue
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.flows.rig import Rig, until

KEY = ("tenant", "profile", "symbol")


def queue(length_max: int = 3) -> TurnQueue:
    return TurnQueue(Clock(), length_max, Metrics().queue_depth_intents.labels("entry"))


async def test_first_in_first_out() -> None:
    """Turns are given in order of arrival, one at a time; another key does not wait."""
    turns, order = queue(), []

    async def take(name: int) -> None:
        await turns.take(KEY)
        order.append(name)
        await asyncio.sleep(0)
        turns.give_back(KEY)

    await turns.take(KEY)
    tasks = [asyncio.create_task(take(name)) for name in range(3)]
    await asyncio.sleep(0)
    await turns.take(("other",))
    assert [] == order
    turns.give_back(KEY)
    await asyncio.gather(*tasks)
    assert [0, 1, 2] == order


async def test_who_leaves_blocks_nobody() -> None:
    """A waiting caller that leaves, even as its turn comes, hands the turn on."""
    turns = queue()
    await turns.take(KEY)
    leaving, staying = (asyncio.create_task(turns.take(KEY)) for _ in range(2))
    await asyncio.sleep(0)
    turns.give_back(KEY)  # it is the first one's turn now, and it leaves in the same moment
    leaving.cancel()
    await asyncio.wait_for(staying, 1)
    turns.give_back(KEY)
    await asyncio.wait_for(turns.take(KEY), 1)


async def test_full_expired_and_closed() -> None:
    """A full line is BUSY, a late turn is INTENT_EXPIRED, a stop refuses who waits and who comes."""
    turns = queue(length_max=1)
    await turns.take(KEY)
    waiting = asyncio.create_task(turns.take(KEY))
    await asyncio.sleep(0)
    codes = []
    with pytest.raises(HoldfastError) as busy:
        await turns.take(KEY)
    codes.append(busy.value.code)
    turns.close()
    with pytest.raises(HoldfastError) as stopped:
        await waiting
    codes.append(stopped.value.code)
    with pytest.raises(HoldfastError) as late:
        await queue().take(KEY, Clock().monotonic() - 1)
    codes.append(late.value.code)
    assert [ErrorCode.BUSY, ErrorCode.NOT_READY, ErrorCode.INTENT_EXPIRED] == codes


async def test_stop_ends_what_was_begun(rig: Rig) -> None:
    """A stop refuses the robots that wait, and lets the order in flight end and be recorded."""
    gate = asyncio.Event()
    rig.plug.when, rig.plug.what = "after submit", gate.wait
    sending = asyncio.create_task(rig.desk.entries.run(rig.entry()))
    await until(lambda: "after submit" in rig.plug.crossings)
    waiting = asyncio.create_task(rig.desk.entries.run(rig.entry()))
    await until(
        lambda: (
            rig.ledger.metrics.registry.get_sample_value("holdfast_queue_depth_intents", {"kind": "entry"})
            == 1
        )
    )
    closing = asyncio.create_task(rig.desk.close(3))
    assert "NOT_READY" == (await waiting).code
    gate.set()
    assert 0 == await closing
    assert "OK" == (await sending).code
    assert "confirmed" == (await rig.only_intent())["state"]


def test_lock_outlives_its_living_owner() -> None:
    """A lock TTL that could pass while its owner still sends or records is refused at the start."""
    with pytest.raises(HoldfastError) as caught:
        Timings(lock_ttl_ms=20_000)
    assert ErrorCode.CONFIGURATION is caught.value.code
    assert "23000" == str(caught.value.details["needed_ms"])
