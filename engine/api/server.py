"""Serves an app with uvicorn inside a running event loop, on a socket bound before anything else starts."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request as Handshake

from engine.domain.errors import ErrorCode, HoldfastError

ABORT = "holdfast.abort"  # in a scope's extensions: cuts the connection, whatever the peer has not read

_BACKLOG = 1024
_KEEP_ALIVE_S = 75
_CLIENT_MESSAGE_BYTES_MAX = 4_096  # a feed client has nothing to say


class HttpServer:
    """One listening socket and the uvicorn server on it. Signals are the daemon's, not uvicorn's."""

    def __init__(self, app: ASGIApp, listener: socket.socket, graceful_s: float) -> None:
        self._listener = listener
        self._server = _Server(
            uvicorn.Config(
                app,
                http=_Http,
                ws=_WebSocket,
                ws_max_size=_CLIENT_MESSAGE_BYTES_MAX,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=max(1, round(graceful_s)),
            )
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    async def start(self) -> None:
        """Return once connections are accepted."""
        self._task = asyncio.create_task(self._server.serve([self._listener]), name="http server")
        started = asyncio.create_task(self._server.accepting.wait())
        await asyncio.wait({self._task, started}, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            started.cancel()
            await self._task
            raise HoldfastError(ErrorCode.CONFIGURATION, "The HTTP server did not start; see the log.")

    async def stop(self) -> None:
        """Stop accepting, let running requests answer within the graceful time, and end."""
        if self._task is None:
            self._listener.close()
            return
        self._server.should_exit = True
        await self._task
        self._task = None


def listen(host: str, port: int) -> socket.socket:
    """Bind host and port (0 takes a free one). Raises CONFIGURATION in words if that cannot be."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, proto)
    except OSError as error:
        raise HoldfastError(ErrorCode.CONFIGURATION, f"Cannot listen on {host}:{port}: {error}.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise HoldfastError(ErrorCode.CONFIGURATION, f"Cannot listen on {host}:{port}: {error}.") from None
    return listener


class _Http(HttpToolsProtocol):
    """Uvicorn's HTTP, with a way to cut a connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cut: Any = self.transport.abort  # no dictionary, as extensions are typed to be
        self.scope["extensions"] = {ABORT: cut}


class _WebSocket(WebSocketsSansIOProtocol):
    """Uvicorn's websockets implementation, with a way to cut a connection."""

    def handle_connect(self, event: Handshake) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # a bad handshake was answered without one
            cut: Any = self.transport.abort
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), ABORT: cut}


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers, and with an event for its start."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()
