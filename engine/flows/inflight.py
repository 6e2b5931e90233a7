"""Work that must end although whoever asked for it is gone: a sent order's answer is never dropped."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from engine.runtime.log import get_logger

T = TypeVar("T")
_log = get_logger(__name__)


class Inflight:
    """Tasks that outlive their callers, until they end or the process does."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def finish(self, work: Coroutine[Any, Any, T], name: str) -> T:
        """Run `work` to its end and return its result; a cancelled caller leaves it running."""
        return await asyncio.shield(self.start(work, name))

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run `work` in the background."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def drain(self, timeout_s: float) -> int:
        """Wait for what runs, cancel the rest; returns how many were cancelled."""
        if not self._tasks:
            return 0
        _done, late = await asyncio.wait(set(self._tasks), timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        return len(late)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("work in flight failed", work=task.get_name(), error=repr(error))
