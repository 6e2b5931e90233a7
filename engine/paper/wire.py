"""HTTP/1.1 for trading clients: httptools parses, this file answers in order, upgrades go on with aiohttp.

Served by aiohttp as well, an order would cost nearly twice as much (0.20 instead of 0.11 ms of CPU).
"""

import asyncio
import contextlib
import socket
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from engine.paper.replies import Dropped, Reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from engine.paper.rest import Received, Rest

REQUEST_MAX = 1024 * 1024
_GARBLED = Reply(400, b"<html><body>400 Bad Request</body></html>", {})
_STATUS = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: ".encode()
    for status in HTTPStatus
}
_JSON = b"application/json;charset=UTF-8\r\nContent-Length: "
_HTML = b"text/html\r\nContent-Length: "


@dataclass(slots=True)
class Request:
    """One whole request; `keep`: the connection stays open after its answer."""

    method: bytes
    target: bytes
    body: bytes
    key: str | None
    keep: bool


@dataclass(slots=True)
class Upgrade:
    """A request for another protocol and whatever came behind it, as bytes for aiohttp."""

    sent: bytes


class RestProtocol(asyncio.Protocol):
    """One client's connection: requests are answered one after the other, in the order they came.

    The parser calls the methods `on_...`. What it finds waits in a queue, which only a held answer or a
    client that does not read leaves filled; then nothing more is read. A Reply in it is the last answer.
    """

    __slots__ = (
        *(
            "_body",
            "_declared",
            "_fallback",
            "_full",
            "_headers",
            "_held",
            "_key",
            "_open",
            "_parser",
            "_rest",
        ),
        *("_target", "_task", "_transport", "_unfinished", "_waiting"),
    )

    def __init__(
        self,
        rest: "Rest",
        fallback: "Callable[[], asyncio.BaseProtocol]",
        live: "set[RestProtocol]",
        held: "set[asyncio.Task[None]]",
    ) -> None:
        self._rest = rest
        self._held = held
        self._fallback = fallback
        self._open = live
        self._parser = HttpRequestParser(self)
        self._waiting: deque[Request | Upgrade | Reply] = deque()
        self._unfinished = 0
        self._full = False
        self._transport: Any = None
        self._task: asyncio.Task[None] | None = None
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        # a request that is held was received whole: the exchange processes it, whoever waits for the answer
        self._transport = None
        self._open.discard(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def pause_writing(self) -> None:
        """Serve nothing more to a client that does not read its answers."""
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._pump()

    def data_received(self, data: bytes) -> None:
        self._unfinished += len(data)
        self._parse(data)
        if self._unfinished > REQUEST_MAX or self._declared > REQUEST_MAX:
            self._waiting.append(self._rest.too_large())
        self._pump()

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as stopped:
            # Even a body was not read: what follows the head is the other protocol's.
            self._waiting.append(self._upgrade(data[stopped.args[0] :]))
        except HttpParserError:
            self._waiting.append(_GARBLED)

    def on_message_begin(self) -> None:
        self._target = b""
        self._body: list[bytes] = []
        self._declared = 0
        self._key: str | None = None
        self._headers: list[tuple[bytes, bytes]] = []

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))
        name = name.lower()
        if name == b"x-mbx-apikey":
            self._key = value.strip().decode("latin-1")
        elif name == b"content-length":
            self._declared = int(value)
        elif name == b"expect" and not self._waiting and self._task is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        self._unfinished = 0
        parser = self._parser
        if not parser.should_upgrade():
            body, keep = b"".join(self._body), parser.should_keep_alive()
            self._waiting.append(Request(parser.get_method(), self._target, body, self._key, keep))

    def _upgrade(self, rest: bytes) -> Upgrade:
        """Write the request down again; the parser keeps none of its bytes."""
        parser = self._parser
        first = b"%s %s HTTP/%s\r\n" % (parser.get_method(), self._target, parser.get_http_version().encode())
        return Upgrade(b"".join((first, *(b"%s: %s\r\n" % one for one in self._headers), b"\r\n", rest)))

    def _pump(self) -> None:
        while self._waiting and self._task is None and not self._full and self._transport is not None:
            found = self._waiting.popleft()
            if isinstance(found, Request):
                self._serve(found)
            elif isinstance(found, Reply):
                self._write(found, keep=False)
            else:
                self._hand_over(found)
        if self._transport is None:
            return
        if self._waiting:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _serve(self, request: Request) -> None:
        received = self._rest.receive(
            request.method.decode(), request.target.decode(), request.body, request.key
        )
        if received.fault is not None and received.fault.waits:
            self._task = asyncio.get_running_loop().create_task(self._serve_late(received, request))
            self._held.add(self._task)
            self._task.add_done_callback(self._held.discard)
            return
        try:
            reply = self._rest.respond(received)
        except Dropped:
            self._waiting.clear()
            self._transport.abort()
            return
        self._write(reply, request.keep, bare=request.method == b"HEAD")

    async def _serve_late(self, received: "Received", request: Request) -> None:
        """Answer a request that a fault holds back."""
        reply = await self._rest.respond_late(received)
        self._task = None
        if self._transport is not None:
            self._write(reply, request.keep, bare=request.method == b"HEAD")
            self._pump()

    def _write(self, reply: Reply, keep: bool, *, bare: bool = False) -> None:
        payload = reply.encoded()
        kind = _HTML if payload[:1] == b"<" else _JSON
        parts = [_STATUS.get(reply.status) or _unnamed(reply.status), kind, b"%d\r\n" % len(payload)]
        parts += [f"{name}: {value}\r\n".encode() for name, value in reply.headers.items()]
        parts += (b"\r\n" if keep else b"Connection: close\r\n\r\n", b"" if bare else payload)
        self._transport.write(b"".join(parts))
        if not keep:
            self._waiting.clear()
            self._transport.close()

    def _hand_over(self, upgrade: Upgrade) -> None:
        """Let aiohttp answer the request for another protocol and go on with this connection."""
        transport, handler = self._transport, self._fallback()
        self._transport = None
        self._open.discard(self)
        transport.resume_reading()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(upgrade.sent)  # type: ignore[attr-defined] # aiohttp's is a full protocol


def _unnamed(status: int) -> bytes:
    return f"HTTP/1.1 {status} Unnamed\r\nContent-Type: ".encode()


class Listener:
    """One listening port for clients: plain or TLS, REST and the WebSockets."""

    def __init__(
        self, rest: "Rest", unusual: "Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]"
    ) -> None:
        self._rest = rest
        self._unusual = unusual
        self._fallback: web.Server | None = None
        self._open: set[RestProtocol] = set()
        self._held: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []

    async def listen(self, host: str, port: int, tls: "ssl.SSLContext | None" = None) -> int:
        """Begin to listen; returns the port (port 0 takes a free one)."""
        listener = socket.create_server((host, port), backlog=1024)
        fallback = self._fallback = self._fallback or web.Server(self._unusual, access_log=None)
        server = await asyncio.get_running_loop().create_server(
            lambda: RestProtocol(self._rest, fallback, self._open, self._held), sock=listener, ssl=tls
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
        for task in list(self._held):
            task.cancel()
        for server in self._servers:
            with contextlib.suppress(OSError):
                await server.wait_closed()
