"""The engine's one source of time: wall clock and monotonic clock, with an offset that tests set."""

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Time as the engine sees it. `offset_s` shifts the wall clock and the monotonic clock alike."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = offset_s

    def now(self) -> datetime:
        """Return the moment, aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset_s)

    def unix_ms(self) -> int:
        """Return milliseconds since 1970, as exchanges count."""
        return (time.time_ns() + round(self.offset_s * 1_000_000_000)) // 1_000_000

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back: for deadlines and durations."""
        return time.monotonic() + self.offset_s

    def advance(self, seconds: float) -> None:
        """Move the clock: tests wait for nothing."""
        self.offset_s += seconds
