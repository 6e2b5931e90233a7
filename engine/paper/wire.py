"""HTTP/1.1 for the requests of trading clients, parsed by hand; everything unusual is left to aiohttp.

aiohttp spends 0.1 ms on a request before the exchange sees it, a third of what an order costs altogether.
A request that is not a plain one (upgrades to WebSocket, chunked bodies, other versions, garbage) hands
its whole connection over, with the bytes that are already there.
"""

import asyncio
import contextlib
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from engine.paper.replies import Dropped

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from engine.paper.replies import Reply
    from engine.paper.rest import Received, Rest

HEAD_MAX = 32 * 1024
BODY_MAX = 1024 * 1024
_METHODS = {b"GET", b"POST", b"DELETE", b"PUT"}
# Headers that make a request unusual, and the one that keeps it plain.
_UNUSUAL = {b"transfer-encoding", b"upgrade", b"expect", b"content-encoding"}
_STATUS = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: ".encode()
    for status in HTTPStatus
}
_JSON = b"application/json;charset=UTF-8\r\nContent-Length: "
_HTML = b"text/html\r\nContent-Length: "


class RestProtocol(asyncio.Protocol):
    """One client's connection: requests one after the other, each answered before the next is read."""

    __slots__ = ("_buffer", "_busy", "_fallback", "_open", "_rest", "_task", "_transport")

    def __init__(
        self, rest: "Rest", fallback: "Callable[[], asyncio.BaseProtocol]", live: "set[RestProtocol]"
    ) -> None:
        self._rest = rest
        self._fallback = fallback
        self._open = live
        self._buffer = b""
        self._busy = False
        self._transport: Any = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._open.discard(self)
        if self._task is not None:
            self._task.cancel()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def pause_writing(self) -> None:
        """Serve nothing more to a client that does not read its answers."""
        self._busy = True

    def resume_writing(self) -> None:
        self._busy = self._task is not None
        self._pump()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        self._pump()
        if len(self._buffer) > HEAD_MAX + BODY_MAX and self._transport is not None:
            self._transport.abort()

    def _pump(self) -> None:
        while self._buffer and not self._busy and self._transport is not None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > HEAD_MAX:
                    self._hand_over()
                return
            lines = self._buffer[:end].split(b"\r\n")
            first = lines[0].split(b" ")
            if len(first) != 3 or first[2] != b"HTTP/1.1" or first[0] not in _METHODS:  # noqa: PLR2004 - method, target, version
                self._hand_over()
                return
            length, key, keep = _headers(lines)
            target = first[1]
            if length < 0 or not target.isascii() or target.startswith((b"/ws", b"/stream", b"http")):
                self._hand_over()
                return
            if length > BODY_MAX:
                self._write(self._rest.too_large(), keep=False)
                return
            start = end + 4
            if len(self._buffer) < start + length:
                return
            body = self._buffer[start : start + length]
            self._buffer = self._buffer[start + length :]
            received = self._rest.receive(first[0].decode(), target.decode(), body, key)
            self._serve(received, keep)

    def _serve(self, received: "Received", keep: bool) -> None:
        if received.fault is not None and received.fault.waits:
            self._busy = True
            self._task = asyncio.get_running_loop().create_task(self._serve_late(received, keep))
            return
        try:
            reply = self._rest.respond(received)
        except Dropped:
            self._transport.abort()
            self._buffer = b""
            return
        self._write(reply, keep)

    async def _serve_late(self, received: "Received", keep: bool) -> None:
        """Answer a request that a fault holds back."""
        reply = await self._rest.respond_late(received)
        self._task, self._busy = None, False
        if self._transport is not None:
            self._write(reply, keep)
            self._pump()

    def _write(self, reply: "Reply", keep: bool) -> None:
        payload = reply.encoded()
        kind = _HTML if payload[:1] == b"<" else _JSON
        parts = [_STATUS.get(reply.status) or _unnamed(reply.status), kind, b"%d\r\n" % len(payload)]
        parts += [f"{name}: {value}\r\n".encode() for name, value in reply.headers.items()]
        parts += (b"\r\n" if keep else b"Connection: close\r\n\r\n", payload)
        self._transport.write(b"".join(parts))
        if not keep:
            self._buffer = b""
            self._transport.close()

    def _hand_over(self) -> None:
        """Let aiohttp go on with this connection from the first byte not yet served."""
        transport, handler, buffer = self._transport, self._fallback(), self._buffer
        self._transport, self._buffer = None, b""
        self._open.discard(self)
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(buffer)  # type: ignore[attr-defined] # aiohttp's handler is a full protocol


def _unnamed(status: int) -> bytes:
    return f"HTTP/1.1 {status} Unnamed\r\nContent-Type: ".encode()


def _headers(lines: list[bytes]) -> tuple[int, str | None, bool]:
    """Length of the body (negative: not a plain request), API key, whether the connection stays open."""
    length, key, keep = 0, None, True
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name == b"x-mbx-apikey":
            key = value.strip().decode("latin-1")
        elif name == b"content-length":
            value = value.strip()
            if not value.isdigit() or len(value) > 12 or length:  # noqa: PLR2004 - no body is that long
                return -1, None, keep
            length = int(value)
        elif name == b"connection":
            keep = value.strip().lower() != b"close"
        elif name in _UNUSUAL:
            return -1, None, keep
    return length, key, keep


class Listener:
    """One listening port for clients: plain or TLS, REST by hand and the rest by aiohttp."""

    def __init__(
        self, rest: "Rest", unusual: "Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]"
    ) -> None:
        self._rest = rest
        self._unusual = unusual
        self._fallback: web.Server | None = None
        self._open: set[RestProtocol] = set()
        self._servers: list[asyncio.Server] = []

    async def listen(self, host: str, port: int, tls: "ssl.SSLContext | None" = None) -> int:
        """Begin to listen; returns the port (port 0 takes a free one)."""
        listener = socket.create_server((host, port), backlog=1024)
        fallback = self._fallback = self._fallback or web.Server(self._unusual, access_log=None)
        server = await asyncio.get_running_loop().create_server(
            lambda: RestProtocol(self._rest, fallback, self._open), sock=listener, ssl=tls
        )
        self._servers.append(server)
        return int(listener.getsockname()[1])

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        if self._fallback is not None:
            await self._fallback.shutdown(1.0)
        for connection in list(self._open):
            connection.close()
        for server in self._servers:
            with contextlib.suppress(OSError):
                await server.wait_closed()
