"""The exchange's own clock, which tests can advance, skew and freeze, and what is due on it."""

import heapq
import itertools
import time
from collections.abc import Callable


class ExchangeClock:
    """Time in integer milliseconds since 1970, as the wire shows it."""

    def __init__(self) -> None:
        self._offset_us = 0
        self._frozen_us: int | None = None
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def now_ms(self) -> int:
        return self.now_us() // 1000

    def now_us(self) -> int:
        if self._frozen_us is not None:
            return self._frozen_us
        return time.time_ns() // 1000 + self._offset_us

    @property
    def frozen(self) -> bool:
        return self._frozen_us is not None

    @property
    def offset_ms(self) -> int:
        """Distance from the machine's clock (of the moment, if frozen)."""
        return (self.now_us() - time.time_ns() // 1000) // 1000

    def advance(self, ms: int) -> None:
        """Step the clock, also backwards, then run what has come due."""
        if self._frozen_us is None:
            self._offset_us += ms * 1000
        else:
            self._frozen_us += ms * 1000
        self.run_due()

    def skew(self, ms: int) -> None:
        """Set the distance from the machine's clock."""
        if self._frozen_us is None:
            self._offset_us = ms * 1000
        else:
            self._frozen_us = time.time_ns() // 1000 + ms * 1000
        self.run_due()

    def freeze(self, at_ms: int | None = None) -> None:
        self._frozen_us = self.now_us() if at_ms is None else at_ms * 1000

    def unfreeze(self) -> None:
        """Let the clock run on from where it stands."""
        if self._frozen_us is not None:
            self._offset_us = self._frozen_us - time.time_ns() // 1000
            self._frozen_us = None

    def call_at(self, at_ms: int, action: Callable[[], object]) -> None:
        heapq.heappush(self._due, (at_ms, next(self._order), action))

    def run_due(self) -> int:
        """Run everything due by now, oldest first; returns how many."""
        done = 0
        while self._due and self._due[0][0] <= self.now_ms():
            _, _, action = heapq.heappop(self._due)
            action()
            done += 1
        return done

    @property
    def pending(self) -> int:
        return len(self._due)
