"""The exchange's clock as we know it: measured, carried on by our monotonic clock, doubted when refused."""

import asyncio
import logging
import statistics
from collections.abc import Awaitable, Callable

from engine.domain.errors import HoldfastError
from engine.exchange.wire import WireRecord
from engine.runtime.clock import Clock

_READS = 5
_DOUBT_S = 1.0  # the least time between two measurements that refusals ask for

logger = logging.getLogger(__name__)


class ExchangeClock:
    """Of one gateway. `read_ms` asks the exchange; `adopted` is told each measured offset in milliseconds."""

    def __init__(
        self, clock: Clock, read_ms: Callable[[WireRecord], Awaitable[int]], adopted: Callable[[int], None]
    ) -> None:
        self._clock = clock
        self._read_ms = read_ms
        self._adopted = adopted
        # the exchange's clock at a moment of our monotonic one; a wall clock that jumps moves nothing
        self._anchor_ms = float(clock.unix_ms())
        self._anchor_at = clock.monotonic()
        self._measured_at = float("-inf")
        self._measuring: asyncio.Task[None] | None = None

    def now_ms(self) -> int:
        """Return the exchange's clock, as measured last, in milliseconds since 1970."""
        return round(self._anchor_ms + (self._clock.monotonic() - self._anchor_at) * 1000)

    def offset_ms(self) -> int:
        """Return the exchange's clock minus ours, as measured last."""
        return self.now_ms() - self._clock.unix_ms()

    async def measure(self) -> int:
        """Read the exchange's clock several times, adopt the median, and return its offset to ours in ms."""
        anchors: list[float] = []
        for _ in range(_READS):
            record = WireRecord()
            began = self._clock.monotonic()
            server_ms = await self._read_ms(record)
            # it may have waited for its budget first, and that is no part of its way
            middle = ((record.granted_at or began) + self._clock.monotonic()) / 2
            anchors.append(float(server_ms) - middle * 1000)
        self._anchor_ms, self._anchor_at = statistics.median(anchors), 0.0
        self._measured_at = self._clock.monotonic()
        offset_ms = self.offset_ms()
        self._adopted(offset_ms)
        return offset_ms

    def doubt(self) -> None:
        """Measure anew, in the background, because the exchange refused a time stamp of ours."""
        measuring = self._measuring is not None and not self._measuring.done()
        if not measuring and self._clock.monotonic() - self._measured_at >= _DOUBT_S:
            self._measuring = asyncio.get_running_loop().create_task(self._measure_again())

    async def close(self) -> None:
        """End what `doubt` began."""
        if self._measuring is not None:
            self._measuring.cancel()
            await asyncio.wait({self._measuring})

    async def _measure_again(self) -> None:
        try:
            offset_ms = await self.measure()
        except HoldfastError as error:
            logger.warning("the clock that the exchange found wrong cannot be measured: %s", error)
        else:
            logger.warning("the exchange refused a time stamp; its clock is %d ms off ours", offset_ms)
