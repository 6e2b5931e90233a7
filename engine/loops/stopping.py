"""Waits that end when a loop shall: for what a stream gives, and for an answer that nobody needs then."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from engine.runtime.tasks import Heartbeat

T = TypeVar("T")


async def unless_stopped(stopping: asyncio.Event, read: Coroutine[Any, Any, T]) -> T | None:
    """Return what a read gives; None if the loop shall end first: the read is cancelled then.

    For reads only. They may wait long for an exchange or its budget, and a stop must not.
    """
    reading = asyncio.ensure_future(read)
    stopped = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return reading.result() if reading.done() else None
    finally:
        stopped.cancel()
        if not reading.done():
            reading.cancel()
            await asyncio.wait({reading})


async def until_stopped(heartbeat: Heartbeat, stream: AsyncIterator[T]) -> AsyncIterator[T]:
    """Yield what a stream gives until the loop shall end; the stream is closed in either case."""
    stopping = asyncio.ensure_future(heartbeat.stopping.wait())
    step: asyncio.Future[T] | None = None
    try:
        while True:
            step = asyncio.ensure_future(anext(stream))
            await asyncio.wait({step, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                return
            try:
                yield step.result()
            except StopAsyncIteration:
                return
    finally:
        stopping.cancel()
        if step is not None and not step.done():
            step.cancel()
            await asyncio.wait({step})
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


async def first(timeout_s: float, *waits: Coroutine[Any, Any, Any]) -> None:
    """Return when the first of some waits is over, or the time is."""
    waiting = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(waiting, timeout=max(0.0, timeout_s), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
