"""Long-running tasks under supervision: heartbeats, restart with growing delay, an orderly stop."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from engine.runtime.clock import Clock
from engine.runtime.log import get_logger
from engine.runtime.metrics import Metrics

_log = get_logger(__name__)


class Heartbeat:
    """What a loop holds: its sign of life, its pause, and the word that it shall end."""

    def __init__(self, name: str, metrics: Metrics, clock: Clock, stopping: asyncio.Event) -> None:
        self.name = name
        self.stopping = stopping
        self.last_at: datetime | None = None
        self.iterations = 0
        self._clock = clock
        self._timestamp = metrics.loop_heartbeat_timestamp_seconds.labels(name)
        self._iterations = metrics.loop_iterations_total.labels(name)

    def beat(self) -> None:
        """Say that an iteration begins or went on."""
        self.last_at = self._clock.now()
        self.iterations += 1
        self._timestamp.set(self.last_at.timestamp())
        self._iterations.inc()

    async def pause(self, seconds: float) -> bool:
        """Wait until the time is over or the stop is ordered; tell whether the loop goes on."""
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self.stopping.wait()
            except TimeoutError:
                return not self.stopping.is_set()
        else:
            await asyncio.sleep(0)
        return not self.stopping.is_set()


Body = Callable[[Heartbeat], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class LoopHealth:
    """A loop as health pages show it. `ok` is False while it is down or silent for too long."""

    name: str
    ok: bool
    running: bool
    last_at: datetime | None
    silent_s: float | None
    silent_s_max: float
    iterations: int
    errors: int
    last_error: str | None


@dataclass(slots=True)
class _Supervised:
    heartbeat: Heartbeat
    body: Body
    silent_s_max: float
    restart_delay_s: float
    restart_delay_s_max: float
    task: asyncio.Task[None] | None = None
    running: bool = False
    errors: int = 0
    last_error: str | None = None


class Supervisor:
    """Keeps named loops alive until `stop`, or until `end` for some of them."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._stopping = False
        self._loops: dict[str, _Supervised] = {}

    def start(
        self,
        name: str,
        body: Body,
        *,
        silent_s_max: float = 30.0,
        restart_delay_s: float = 0.2,
        restart_delay_s_max: float = 30.0,
    ) -> None:
        """Run `body` as the loop `name`; an unexpected error restarts it, its return ends it."""
        if name in self._loops:
            raise ValueError(f"a loop named {name} runs already")
        stopping = asyncio.Event()
        if self._stopping:
            stopping.set()
        heartbeat = Heartbeat(name, self._metrics, self._clock, stopping)
        loop = _Supervised(heartbeat, body, silent_s_max, restart_delay_s, restart_delay_s_max)
        self._loops[name] = loop
        loop.task = asyncio.create_task(self._keep(loop), name=f"loop {name}")

    def health(self) -> list[LoopHealth]:
        """Return every loop's state, in order of start."""
        now = self._clock.now()
        healths = []
        for name, loop in self._loops.items():
            last_at = loop.heartbeat.last_at
            silent_s = None if last_at is None else (now - last_at).total_seconds()
            fresh = silent_s is not None and silent_s <= loop.silent_s_max
            healths.append(
                LoopHealth(
                    name,
                    loop.running and fresh,
                    loop.running,
                    last_at,
                    silent_s,
                    loop.silent_s_max,
                    loop.heartbeat.iterations,
                    loop.errors,
                    loop.last_error,
                )
            )
        return healths

    async def stop(self, timeout_s: float) -> list[str]:
        """Ask every loop to end, cancel those that did not in time, and return their names."""
        self._stopping = True
        return await self._ended(list(self._loops.values()), timeout_s)

    async def end(self, names: Iterable[str], timeout_s: float) -> list[str]:
        """Do the same with some loops; they are forgotten, so that they may be started again."""
        loops = [self._loops[name] for name in names if name in self._loops]
        late = await self._ended(loops, timeout_s)
        for loop in loops:
            name = loop.heartbeat.name
            if self._loops.pop(name, None) is not None:
                self._metrics.loop_running.remove(name)
                self._metrics.loop_heartbeat_timestamp_seconds.remove(name)
        return late

    async def _ended(self, loops: list[_Supervised], timeout_s: float) -> list[str]:
        tasks = {}
        for loop in loops:
            loop.heartbeat.stopping.set()
            if loop.task is not None:
                tasks[loop.task] = loop.heartbeat.name
        if not tasks:
            return []
        _done, late = await asyncio.wait(tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        return sorted(tasks[task] for task in late)

    async def _keep(self, loop: _Supervised) -> None:
        delay_s = loop.restart_delay_s
        running = self._metrics.loop_running.labels(loop.heartbeat.name)
        while not loop.heartbeat.stopping.is_set():
            iterations = loop.heartbeat.iterations
            loop.running = True
            running.set(1)
            try:
                await loop.body(loop.heartbeat)
            except Exception as error:  # noqa: BLE001 - a loop outlives whatever happens in a turn
                loop.errors += 1
                loop.last_error = f"{type(error).__name__}: {error}"
                self._metrics.loop_errors_total.labels(loop.heartbeat.name).inc()
                _log.exception("loop failed", loop=loop.heartbeat.name)
            else:
                return
            finally:
                loop.running = False
                running.set(0)
            if loop.heartbeat.iterations > iterations + 1:
                delay_s = loop.restart_delay_s  # it worked for a while: the trouble is a new one
            await loop.heartbeat.pause(delay_s)
            delay_s = min(delay_s * 2, loop.restart_delay_s_max)
