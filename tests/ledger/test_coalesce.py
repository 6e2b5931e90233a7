"""Proves that concurrent calls become array calls, each with its own answer, and none waits for company."""

import asyncio
import contextlib
from typing import Any
from uuid import UUID, uuid4

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.coalesce import Coalescer
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics

TENANT = UUID(int=1)
IN_TURN = "fn_x"
SIDE_BY_SIDE = "fn_y"


class Array:
    """An array function under the test's control: it notes its calls, and waits for `gate`."""

    def __init__(self, function: str = IN_TURN) -> None:
        self.function = function
        self.calls: list[list[int]] = []
        self.begun: asyncio.Queue[int] = asyncio.Queue()
        self.in_flight = self.in_flight_max = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.poison: set[int] = set()
        self.broken: set[int] = set()
        self.coalescer = Coalescer(self.call, Metrics(), Clock(), 8, {SIDE_BY_SIDE})

    async def call(
        self, _function: str, _tenant_id: UUID, items: list[dict[str, Any]], _deadline: float
    ) -> list[dict[str, Any]]:
        self.calls.append([item["n"] for item in items])
        self.begun.put_nowait(len(self.calls))
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        try:
            await self.gate.wait()
        finally:
            self.in_flight -= 1
        if bad := self.poison & {item["n"] for item in items}:
            raise HoldfastError(ErrorCode.BAD_REQUEST, f"bad {bad}")
        if len(items) == 1 and items[0]["n"] in self.broken:
            raise RuntimeError("a bug")
        return [{"code": "OK", "n": item["n"]} for item in items]

    async def ask(self, n: int, tenant_id: UUID = TENANT, timeout_s: float = 5.0) -> int:
        deadline = Clock().monotonic() + timeout_s
        return int((await self.coalescer.submit(self.function, tenant_id, {"n": n}, deadline))["n"])


async def test_idle_call_goes_at_once_and_the_rest_together() -> None:
    """The first call goes alone; what comes while it runs is the next batch, in order, capped."""
    array = Array()
    array.gate.clear()
    tasks = [asyncio.create_task(array.ask(n)) for n in range(12)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    array.gate.set()
    assert list(range(12)) == await asyncio.gather(*tasks)
    assert list(range(12)) == [n for call in array.calls for n in call]
    assert max(len(call) for call in array.calls) == 8
    assert len(array.calls) <= 3


async def test_tenants_are_never_mixed() -> None:
    """An array call is one tenant's."""
    array, other = Array(), uuid4()
    await asyncio.gather(*(array.ask(n, TENANT if n % 2 else other) for n in range(8)))
    assert all(len({n % 2 for n in call}) == 1 for call in array.calls)


async def test_one_bad_item_fails_alone() -> None:
    """When the array call fails as a whole its items are repeated one by one: only the bad one fails."""
    array = Array()
    array.poison = {3}
    results = await asyncio.gather(*(array.ask(n) for n in range(6)), return_exceptions=True)
    assert [0, 1, 2, 4, 5] == [result for result in results if isinstance(result, int)]
    assert isinstance(results[3], HoldfastError)


async def test_cancelled_before_it_is_sent() -> None:
    """A caller that leaves while its item waits takes it back; the others get their answers."""
    array = Array()
    array.gate.clear()
    first = asyncio.create_task(array.ask(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second, third = asyncio.create_task(array.ask(2)), asyncio.create_task(array.ask(3))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    array.gate.set()
    assert 3 == await third
    assert [[1], [3]] == array.calls


async def test_deadline_tells_whether_it_was_sent() -> None:
    """Past its deadline an item that waited had no effect; one that was sent may have had."""
    array = Array()
    array.gate.clear()
    first = asyncio.create_task(array.ask(1, timeout_s=0.02))
    await asyncio.sleep(0)
    second = asyncio.create_task(array.ask(2, timeout_s=0.01))
    results = await asyncio.gather(first, second, return_exceptions=True)
    effects = [r.details["effect"] for r in results if isinstance(r, HoldfastError)]
    assert ["unknown", "none"] == effects
    array.gate.set()
    assert 4 == await array.ask(4)


async def test_each_has_its_own_deadline() -> None:
    """Who waits the shortest is given up first, whoever came first; the rest wait on and are answered."""
    array = Array()
    array.gate.clear()
    ended: list[int] = []

    async def ask(n: int, timeout_s: float) -> None:
        with contextlib.suppress(HoldfastError):
            await array.ask(n, timeout_s=timeout_s)
        ended.append(n)

    patient = asyncio.create_task(array.ask(0))
    await asyncio.gather(ask(1, 0.06), ask(2, 0.02), ask(3, 0.04), ask(4, -1.0))
    assert [4, 2, 3, 1] == ended
    array.gate.set()
    assert 0 == await patient


async def test_a_failure_that_ends_the_calls_is_told_to_all() -> None:
    """What nobody foresaw may end the repeats of a failed array: no caller is left without an answer."""
    array = Array()
    array.poison, array.broken = {0}, {2}
    results = await asyncio.gather(*(array.ask(n) for n in range(5)), return_exceptions=True)
    assert [HoldfastError, int, RuntimeError, RuntimeError, RuntimeError] == [type(each) for each in results]
    assert 7 == await array.ask(7)


async def test_in_turn_means_one_at_a_time() -> None:
    """Items of a function that keeps their order are never in two calls at once."""
    array = Array()
    assert list(range(40)) == await asyncio.gather(*(array.ask(n) for n in range(40)))
    assert 1 == array.in_flight_max
    assert list(range(40)) == [n for call in array.calls for n in call]


async def test_a_second_call_goes_at_once_and_a_third_waits() -> None:
    """Side by side, who meets one call in flight is called at once; who meets two waits with the others."""
    array = Array(SIDE_BY_SIDE)
    array.gate.clear()
    tasks = []
    for n in (1, 2):
        tasks.append(asyncio.create_task(array.ask(n)))
        await array.begun.get()
    tasks += [asyncio.create_task(array.ask(n)) for n in (3, 4)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [[1], [2]] == array.calls
    array.gate.set()
    assert [1, 2, 3, 4] == await asyncio.gather(*tasks)
    assert ([[1], [2], [3, 4]], 2) == (array.calls, array.in_flight_max)


async def test_large_crowds_are_parted_and_small_ones_stay_together() -> None:
    """A crowd is parted into two calls of one size, but never into less than a quarter of what one takes."""
    for callers, sizes in ((1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2]), (12, [6, 6]), (20, [8, 8, 2, 2])):
        array = Array(SIDE_BY_SIDE)
        array.gate.clear()
        tasks = [asyncio.create_task(array.ask(n)) for n in range(callers)]
        for _ in sizes[:2]:
            await array.begun.get()
        array.gate.set()
        assert list(range(callers)) == await asyncio.gather(*tasks)
        assert sizes == [len(call) for call in array.calls]


async def test_who_is_answered_and_asks_again_meets_the_waiting() -> None:
    """What was asked for as soon as a call had ended goes with what waited for its end, not after it."""
    array = Array()
    array.gate.clear()

    async def twice(n: int) -> None:
        await array.ask(n)
        await array.ask(n + 10)

    first = asyncio.create_task(twice(1))
    await array.begun.get()
    second = asyncio.create_task(array.ask(2))
    await asyncio.sleep(0)
    array.gate.set()
    await asyncio.gather(first, second)
    assert [[1], [2, 11]] == array.calls


async def test_a_call_fails_for_its_own_callers_alone() -> None:
    """What nobody foresaw ends one call: the one beside it and those who wait are answered."""
    array = Array(SIDE_BY_SIDE)
    array.broken = {1}
    array.gate.clear()
    tasks = []
    for n in (1, 2):
        tasks.append(asyncio.create_task(array.ask(n)))
        await array.begun.get()
    tasks.append(asyncio.create_task(array.ask(3)))
    await asyncio.sleep(0)
    array.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [RuntimeError, int, int] == [type(each) for each in results]


async def test_a_call_that_is_cancelled_before_it_begins_loses_nothing() -> None:
    """Its items were not sent: the next call takes them."""
    array = Array()
    asked = asyncio.create_task(array.ask(1))
    await asyncio.sleep(0)
    next(task for task in asyncio.all_tasks() if task.get_name() == f"coalesce {IN_TURN}").cancel()
    assert 1 == await asked


async def test_a_call_that_is_cancelled_tells_its_callers() -> None:
    """Who was in it is cancelled, and those who wait are served."""
    array = Array()
    array.gate.clear()
    first = asyncio.create_task(array.ask(1))
    await array.begun.get()
    second = asyncio.create_task(array.ask(2))
    await asyncio.sleep(0)
    next(task for task in asyncio.all_tasks() if task.get_name() == f"coalesce {IN_TURN}").cancel()
    array.gate.set()
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert [asyncio.CancelledError, int] == [type(each) for each in results]
