"""Follows an exchange's streams: nothing is lost between two messages, and silence becomes an error."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from engine.domain.errors import ErrorCode, HoldfastError

T = TypeVar("T")


class StreamLostError(HoldfastError):
    """The stream broke. Poll, then follow it anew."""

    def __init__(self, stream: str, reason: str) -> None:
        super().__init__(
            ErrorCode.EXCHANGE_UNAVAILABLE, f"the stream of {stream} was lost", stream=stream, reason=reason
        )


class StreamSilentError(HoldfastError):
    """The stream said nothing for too long: quiet, or dead without a word. Poll, then follow it anew."""

    def __init__(self, stream: str, silent_s: float) -> None:
        super().__init__(
            ErrorCode.EXCHANGE_UNAVAILABLE,
            f"the stream of {stream} was silent",
            stream=stream,
            silent_s=str(silent_s),
        )


async def follow(
    stream: str,
    watch: Callable[[], Awaitable[Any]],
    read: Callable[[Any], T],
    drop: Callable[[], Awaitable[None]],
    silent_after_s: float,
) -> AsyncGenerator[T, None]:
    """Yield what `watch` gives, read; drop the connection and raise when it is lost or silent.

    ccxt shows an update only to somebody who is waiting at that moment, and keeps it for the next message
    otherwise: so a task of its own does nothing but wait, and the consumer takes its time.
    """
    arrived: asyncio.Queue[Any] = asyncio.Queue()
    reader = asyncio.create_task(_read_all(watch, arrived), name=f"exchange stream {stream}")
    try:
        while True:
            try:
                async with asyncio.timeout(silent_after_s):
                    message = await arrived.get()
            except TimeoutError as error:
                await drop()
                raise StreamSilentError(stream, silent_after_s) from error
            if isinstance(message, _Ended):
                await drop()
                raise StreamLostError(stream, type(message.error).__name__) from message.error
            try:
                found = read(message)
            except Exception as error:
                await drop()
                raise StreamLostError(stream, "an update could not be read") from error
            yield found
    finally:
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader


class _Ended:
    """The last message of a stream: why there will be no other."""

    def __init__(self, error: Exception) -> None:
        self.error = error


async def _read_all(watch: Callable[[], Awaitable[Any]], arrived: asyncio.Queue[Any]) -> None:
    try:
        while True:
            arrived.put_nowait(await watch())
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        arrived.put_nowait(_Ended(ConnectionError("ccxt closed the connection")))  # it cancels its futures
    except Exception as error:  # noqa: BLE001 - ccxt raises anything here, and the consumer must learn of all of it
        arrived.put_nowait(_Ended(error))
