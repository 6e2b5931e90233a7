"""Bounded first-in-first-out turns, one at a time for each (tenant, profile, symbol)."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from prometheus_client import Gauge

from engine.domain.errors import ErrorCode, HoldfastError
from engine.runtime.clock import Clock

Key = tuple[object, ...]


@dataclass(slots=True)
class _Line:
    busy: bool = False
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class TurnQueue:
    """Gives turns in order of arrival; a line that is full refuses, one that is too slow drops."""

    def __init__(self, clock: Clock, length_max: int, depth: Gauge) -> None:
        self._clock = clock
        self._length_max = length_max
        self._depth = depth
        self._lines: dict[Key, _Line] = {}
        self._closed = False

    async def take(self, key: Key, expires_at: float | None = None) -> None:
        """Wait for the turn of `key`; who takes it gives it back. `expires_at` is a monotonic moment.

        Raises BUSY when the line is full, INTENT_EXPIRED when the turn comes too late, NOT_READY when the
        process stops.
        """
        if self._closed:
            raise _stopping()
        line = self._lines.setdefault(key, _Line())
        if line.busy:
            await self._wait(key, line, expires_at)
        line.busy = True
        if expires_at is not None and self._clock.monotonic() >= expires_at:
            self._pass_on(key, line)
            raise HoldfastError(ErrorCode.INTENT_EXPIRED)

    def give_back(self, key: Key) -> None:
        """End the turn of `key`; the next in line has it."""
        self._pass_on(key, self._lines[key])

    def close(self) -> None:
        """Refuse everybody who waits and everybody who comes: nothing was begun for them."""
        self._closed = True
        for line in self._lines.values():
            for place in line.waiting:
                if not place.done():
                    place.set_exception(_stopping())
            line.waiting.clear()

    async def _wait(self, key: Key, line: _Line, expires_at: float | None) -> None:
        if len(line.waiting) >= self._length_max:
            raise HoldfastError(
                ErrorCode.BUSY, "the queue of this profile and symbol is full", waiting=len(line.waiting)
            )
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(place)
        self._depth.inc()
        timeout_s = None if expires_at is None else max(0.0, expires_at - self._clock.monotonic())
        try:
            async with asyncio.timeout(timeout_s):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._pass_on(key, line)  # the turn came while its owner left
            elif place in line.waiting:
                line.waiting.remove(place)
            if isinstance(error, TimeoutError):
                raise HoldfastError(ErrorCode.INTENT_EXPIRED) from error
            raise
        finally:
            self._depth.dec()

    def _pass_on(self, key: Key, line: _Line) -> None:
        while line.waiting:
            place = line.waiting.popleft()
            if not place.done():
                place.set_result(None)  # busy stays: the turn goes over without a gap
                return
        line.busy = False
        self._lines.pop(key, None)


def _stopping() -> HoldfastError:
    return HoldfastError(ErrorCode.NOT_READY, "the process is stopping")
