"""Proves how the exchange's clock is measured, on a clock that only the test moves."""

from engine.exchange.exchange_clock import ExchangeClock
from engine.exchange.wire import WireRecord
from engine.runtime.clock import Clock

AHEAD_MS = 7_000  # the exchange's clock before ours


class MovedClock(Clock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def unix_ms(self) -> int:
        return round(self.now * 1_000)


async def test_a_wait_for_the_budget_is_no_part_of_the_way() -> None:
    """Reads that had to wait for their budget measure the same offset as those that went at once."""
    clock = MovedClock()

    async def read(record: WireRecord) -> int:
        clock.now += 16.0  # the budget is used up
        record.granted_at = clock.now
        clock.now += 0.1
        server_ms = clock.unix_ms() + AHEAD_MS
        clock.now += 0.1
        return server_ms

    adopted: list[int] = []
    measured = ExchangeClock(clock, read, adopted.append)
    assert AHEAD_MS == await measured.measure()
    assert [AHEAD_MS] == adopted
