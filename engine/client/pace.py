"""Time and chance as the SDK knows them, both given from outside, and how long it waits between two tries."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Waits double from `first_s` to `most_s`, each made shorter by up to half at random.

    `monotonic` and `sleep` are in seconds, `unix_ms` is the time of day that the journal notes, `chance`
    gives numbers from 0 to 1.
    """

    first_s: float = 0.1
    most_s: float = 2.0
    monotonic: Callable[[], float] = time.monotonic
    unix_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random

    def wait_s(self, tried: int, retry_after_s: float | None = None) -> float:
        """Return the wait after try number `tried` (from 0); never shorter than what the answer asked for."""
        longest = min(self.most_s, self.first_s * 2.0 ** min(tried, 30))
        wait = longest * (1 - self.chance() / 2)
        # Robots that were told the same second must not come back at the same moment.
        return wait if retry_after_s is None else retry_after_s + self.chance() * self.first_s
