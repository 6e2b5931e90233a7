"""Proves who may call when, on a clock that only the test moves."""

import asyncio

import pytest

from engine.exchange.scheduler import BudgetExceededError, CallClass, Scheduler
from engine.exchange.tiers import Limits

LIMITS = Limits(weight=100, weight_window_s=10, orders=5, orders_window_s=10)
FAR = 1e9


class FakeClock:
    """A monotonic clock and the sleepers that wait for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.now + seconds, waiter))
        await waiter

    async def advance(self, seconds: float) -> None:
        """Move in small steps, as time does, and let everybody who wakes run."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 0.05)
            for at, waiter in self.sleepers:
                if at <= self.now and not waiter.done():
                    waiter.set_result(None)
            await settle()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def scheduler(clock: FakeClock) -> Scheduler:
    return Scheduler(LIMITS, monotonic=clock.monotonic, sleep=clock.sleep)


def start(
    scheduler: Scheduler, kind: CallClass, cost: float, done: list[str], name: str
) -> asyncio.Task[None]:
    async def call() -> None:
        await scheduler.take(kind, cost, FAR)
        done.append(name)

    return asyncio.create_task(call())


async def test_free_budget_is_taken_at_once(scheduler: Scheduler) -> None:
    """Nobody waits while there is enough."""
    for _ in range(5):
        await scheduler.take(CallClass.ORDER, 1, 0.0)
    assert 0 == scheduler.waiting()


async def test_orders_have_their_own_count(scheduler: Scheduler, clock: FakeClock) -> None:
    """The sixth order waits for the order count to come back, while other calls pass."""
    for _ in range(5):
        await scheduler.take(CallClass.ORDER, 1, FAR)
    done: list[str] = []
    task = start(scheduler, CallClass.ORDER, 1, done, "order")
    await settle()
    await scheduler.take(CallClass.RECONCILIATION, 1, FAR)
    assert [] == done
    await clock.advance(2.1)
    await task


async def test_past_the_deadline_nothing_is_granted(scheduler: Scheduler, clock: FakeClock) -> None:
    """A wait that cannot end in time is refused at once, one that turns out too long at its deadline."""
    for _ in range(5):
        await scheduler.take(CallClass.ORDER, 1, FAR)
    with pytest.raises(BudgetExceededError, match="at the earliest"):
        await scheduler.take(CallClass.ORDER, 1, clock.now + 1)
    first = asyncio.create_task(scheduler.take(CallClass.ORDER, 1, FAR))
    await settle()
    second = asyncio.create_task(scheduler.take(CallClass.ORDER, 1, clock.now + 3))
    await clock.advance(3.1)
    await first
    with pytest.raises(BudgetExceededError, match="before the deadline"):
        await second


async def test_urgent_classes_first_and_in_order(scheduler: Scheduler, clock: FakeClock) -> None:
    """Orders come before reconciliation before market data, and within each who came first."""
    scheduler.observe(200, "", {"X-MBX-USED-WEIGHT-1M": "100"})
    done: list[str] = []
    calls = [
        (CallClass.MARKET_DATA, "m1"),
        (CallClass.RECONCILIATION, "r1"),
        (CallClass.MARKET_DATA, "m2"),
        (CallClass.RECONCILIATION, "r2"),
        (CallClass.ORDER, "o1"),
        (CallClass.ORDER, "o2"),
    ]
    tasks = []
    for kind, name in calls:
        tasks.append(start(scheduler, kind, 2, done, name))
        await settle()
    await clock.advance(10)
    await asyncio.gather(*tasks)
    assert ["o1", "o2", "r1", "r2", "m1", "m2"] == done


async def test_nobody_overtakes_by_being_cheap(scheduler: Scheduler, clock: FakeClock) -> None:
    """A cheap call waits behind a dear one of its class that came before."""
    scheduler.observe(200, "", {"X-MBX-USED-WEIGHT-1M": "80"})
    done: list[str] = []
    dear = start(scheduler, CallClass.RECONCILIATION, 50, done, "dear")
    await settle()
    cheap = start(scheduler, CallClass.RECONCILIATION, 0, done, "cheap")
    await clock.advance(0.1)
    assert [] == done
    await clock.advance(6)
    await asyncio.gather(dear, cheap)
    assert ["dear", "cheap"] == done


async def test_a_share_is_left_for_orders(scheduler: Scheduler) -> None:
    """Market data and reconciliation leave part of the weight to orders."""
    await scheduler.take(CallClass.MARKET_DATA, 60, 0)
    with pytest.raises(BudgetExceededError):
        await scheduler.take(CallClass.MARKET_DATA, 1, 0)
    await scheduler.take(CallClass.RECONCILIATION, 20, 0)
    with pytest.raises(BudgetExceededError):
        await scheduler.take(CallClass.RECONCILIATION, 1, 0)
    await scheduler.take(CallClass.ORDER, 20, 0)


@pytest.mark.parametrize(
    ("status", "headers", "pause_s"),
    [(429, {"Retry-After": "7"}, 7), (418, {}, 120), (429, {"retry-after": "x"}, 10)],
)
async def test_a_pause_the_exchange_asks_for(
    scheduler: Scheduler, clock: FakeClock, status: int, headers: dict[str, str], pause_s: float
) -> None:
    """429 and 418 stop every class for Retry-After, but cancels still go."""
    scheduler.observe(status, "-1003", headers)
    assert pause_s == scheduler.paused_s(CallClass.ORDER)
    with pytest.raises(BudgetExceededError):
        await scheduler.take(CallClass.ORDER, 1, clock.now + pause_s - 1)
    await scheduler.take(CallClass.CANCEL, 1, clock.now)
    done: list[str] = []
    task = start(scheduler, CallClass.MARKET_DATA, 1, done, "m")
    await clock.advance(pause_s - 0.1)
    assert [] == done
    await clock.advance(0.2)
    await task


async def test_too_many_orders_pauses_orders_only(scheduler: Scheduler, clock: FakeClock) -> None:
    """Code -1015 is about the order count, so reads go on."""
    scheduler.observe(429, "-1015", {"Retry-After": "5"})
    await scheduler.take(CallClass.RECONCILIATION, 1, clock.now)
    with pytest.raises(BudgetExceededError):
        await scheduler.take(CallClass.ORDER, 1, clock.now + 4)


async def test_cancels_never_wait(scheduler: Scheduler, clock: FakeClock) -> None:
    """Cancels pass an empty budget and go on the account of the others."""
    scheduler.observe(200, "", {"x-mbx-used-weight-1m": "100"})
    for _ in range(50):
        await scheduler.take(CallClass.CANCEL, 1, clock.now)
    with pytest.raises(BudgetExceededError):
        await scheduler.take(CallClass.ORDER, 1, clock.now + 5)


async def test_a_cancelled_waiter_leaves_the_queue(scheduler: Scheduler, clock: FakeClock) -> None:
    """A cancelled task takes no budget, and those behind it move up."""
    scheduler.observe(200, "", {"x-mbx-used-weight-1m": "100"})
    done: list[str] = []
    first = start(scheduler, CallClass.ORDER, 50, done, "first")
    await settle()
    second = start(scheduler, CallClass.ORDER, 1, done, "second")
    await settle()
    first.cancel()
    await clock.advance(0.3)
    await second
    assert ["second"] == done


async def test_a_share_of_the_account(clock: FakeClock) -> None:
    """An instance with half of the budget makes half of the orders."""
    half = Scheduler(
        Limits(weight=100, weight_window_s=10, orders=10, orders_window_s=10),
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        share=0.5,
    )
    for _ in range(5):
        await half.take(CallClass.ORDER, 1, 0)
    with pytest.raises(BudgetExceededError):
        await half.take(CallClass.ORDER, 1, 0)


async def test_a_share_changes_with_the_number_of_instances(clock: FakeClock) -> None:
    """What is unused grows and shrinks with the share; what others used, the exchange's answer tells."""
    shared = Scheduler(
        Limits(weight=100, weight_window_s=10, orders=10, orders_window_s=10),
        monotonic=clock.monotonic,
        sleep=clock.sleep,
    )

    async def orders(count: int) -> None:
        for _ in range(count):
            await shared.take(CallClass.ORDER, 1, 0)
        with pytest.raises(BudgetExceededError):
            await shared.take(CallClass.ORDER, 1, 0)

    shared.set_share(orders=0.4, weight=0.5)
    await orders(4)
    shared.set_share(orders=1.0, weight=1.0)
    await orders(0)
    await clock.advance(10)
    shared.set_share(orders=0.4, weight=0.5)
    shared.set_share(orders=1.0, weight=1.0)
    shared.observe(200, "", {"x-mbx-order-count-10s": "8"})
    await orders(2)


async def test_close_refuses_those_who_wait(scheduler: Scheduler) -> None:
    """Nobody hangs when the gateway closes."""
    scheduler.observe(200, "", {"x-mbx-used-weight-1m": "100"})
    task = asyncio.create_task(scheduler.take(CallClass.ORDER, 50, FAR))
    await settle()
    await scheduler.close()
    with pytest.raises(BudgetExceededError, match="closed"):
        await task


def test_accounts_behind_one_address_share_what_passes_may_use() -> None:
    """What a pass costs must come back to all accounts that call from here before the next one."""
    scheduler = Scheduler(LIMITS, monotonic=FakeClock().monotonic)
    assert 20 == scheduler.share_s(40, 0.2)
    scheduler.accounts = 3
    assert 60 == scheduler.share_s(40, 0.2)


async def test_the_exchanges_timer_passes_every_pass(scheduler: Scheduler, clock: FakeClock) -> None:
    """A renewal goes out while passes wait for what they must leave to others; entries go before it."""
    scheduler.observe(200, "", {"X-MBX-USED-WEIGHT-1M": "90"})
    done: list[str] = []
    waiting = start(scheduler, CallClass.RECONCILIATION, 20, done, "pass")
    await settle()
    await scheduler.take(CallClass.TIMER, 1, clock.now)
    assert [] == done
    scheduler.observe(200, "", {"X-MBX-USED-WEIGHT-1M": "100"})
    calls = [(CallClass.TIMER, "timer"), (CallClass.ORDER, "order")]
    late = [start(scheduler, kind, 1, done, name) for kind, name in calls]
    await clock.advance(60)
    await asyncio.gather(waiting, *late)
    assert ["order", "timer", "pass"] == done
