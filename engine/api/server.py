"""Serves an app with uvicorn inside a running event loop, on a socket bound before anything else starts."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from engine.domain.errors import ErrorCode, HoldfastError

_BACKLOG = 1024
_KEEP_ALIVE_S = 75


class HttpServer:
    """One listening socket and the uvicorn server on it. Signals are the daemon's, not uvicorn's."""

    def __init__(self, app: ASGIApp, listener: socket.socket, graceful_s: float) -> None:
        self._listener = listener
        self._server = _Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
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
