"""One WebSocket connection: an ordered, bounded way out, so that a slow reader never holds up matching."""

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.paper.stream_faults import StreamFaults

_WAITING_MAX = 20_000
# How long a closing connection waits for the client to say goodbye as well.
_FAREWELL_S = 1.0
GARBLED = {"error": {"code": 2, "msg": "Invalid request: unable to parse the request"}}
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Connection:
    """Sends in order from a queue; a client that lets too much pile up is cut off.

    For faults: a `silent` connection stays open and tells nothing more, `held` is an event that waits for
    the next one to overtake it.
    """

    def __init__(self, faults: "StreamFaults | None" = None, since_ms: int = 0) -> None:
        self.since_ms = since_ms
        self.silent = False
        self.held: dict[str, Any] | None = None
        self._faults = faults
        self._socket = web.WebSocketResponse(timeout=_FAREWELL_S, autoping=True, compress=False)
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue(_WAITING_MAX)
        self._writer: asyncio.Task[None] | None = None

    async def open(self, request: web.BaseRequest) -> web.WebSocketResponse:
        await self._socket.prepare(request)
        self._writer = asyncio.create_task(self._write())
        return self._socket

    def send(self, message: dict[str, Any] | str) -> None:
        if self.silent:
            return
        text = message if isinstance(message, str) else _encode(message)
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.cut()

    def deliver(self, event: dict[str, Any], envelope: dict[str, Any], account: str | None = None) -> None:
        """Send an event of a stream as its envelope shows it; only events can be hit by faults."""
        if self._faults is None:
            self.send(envelope)
        else:
            self._faults.deliver(self, event, envelope, account)

    def kick(self) -> None:
        """Say goodbye as the exchange does to a client it throws out; what waits is sent first."""
        with contextlib.suppress(asyncio.QueueFull):
            self._waiting.put_nowait(None)

    def cut(self) -> None:
        """Drop the connection without a goodbye."""
        if self._writer is not None:
            self._writer.cancel()
        transport = self._socket._req.transport if self._socket._req is not None else None  # noqa: SLF001 - aiohttp offers no abort
        if transport is not None:
            transport.abort()

    async def messages(self, garbled: dict[str, Any] = GARBLED) -> "AsyncIterator[dict[str, Any]]":
        """What the client sends, as JSON objects; what is none is answered with `garbled`."""
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                given = json.loads(message.data)
            except (ValueError, RecursionError):
                given = None
            if isinstance(given, dict):
                yield given
            else:
                self.send(garbled)

    async def close(self) -> None:
        """Send what waits, say goodbye."""
        if self._writer is not None:
            self._writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await self._writer
        with contextlib.suppress(ConnectionError):
            await self._socket.close()

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while (text := await self._waiting.get()) is not None:
                await self._socket.send_str(text)
            await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"Disconnected")
