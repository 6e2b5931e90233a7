"""The last metre to an exchange: what was written, when, and what came back, kept for each call by itself.

One ccxt instance is shared by concurrent calls, and its `last_*` attributes belong to whichever came last.
A record in a context variable follows its own call through ccxt and aiohttp instead.
"""

import asyncio
import functools
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import certifi
from aiohttp.client_reqrep import ClientResponse

from engine.exchange.remembered import standing

_KEEPALIVE_S = 20  # below every exchange's own: a POST on a connection just dropped by them is in doubt


class WriteRefusedError(Exception):
    """Nothing was written: the moment for it has passed, or it was written before."""


@dataclass(slots=True)
class WireRecord:
    """One call. `once` allows one POST, and only before `send_before` of `monotonic`."""

    once: bool = False
    send_before: float | None = None
    monotonic: Callable[[], float] | None = None
    granted_at: float | None = None  # monotonic: its budget was there, so the request went out
    written: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None


_current: ContextVar[WireRecord | None] = ContextVar("holdfast_wire_record", default=None)


@contextmanager
def recording(record: WireRecord) -> Iterator[None]:
    """Let `record` follow what this task does inside."""
    token = _current.set(record)
    try:
        yield
    finally:
        _current.reset(token)


def observed(base: type[Any], now_ms: Callable[[], int] | None) -> type[Any]:
    """Return ccxt's class, made to record answers and to parse no row of a list that stands.

    With `now_ms` it signs in the exchange's clock.
    """
    original, parse = base.on_rest_response, base.parse_order

    def on_rest_response(self: Any, *args: Any) -> Any:
        record = _current.get()
        if record is not None:
            record.status, record.headers, record.body = args[0], args[4], args[5]
        return original(self, *args)

    def parse_order(self: Any, order: Any, market: Any = None) -> Any:
        known = standing(order)
        return parse(self, order, market) if known is None else known

    names: dict[str, Any] = {"on_rest_response": on_rest_response, "parse_order": parse_order}
    if now_ms is not None:
        names["nonce"] = lambda _: now_ms()
    return type(base.__name__, (base,), names)


def open_session(resolver: aiohttp.abc.AbstractResolver | None, ca_file: str | None) -> aiohttp.ClientSession:
    """Return the one session of a gateway: kept-alive connections, and the guard before each write."""
    connector = aiohttp.TCPConnector(
        ssl=tls_context(ca_file),
        resolver=resolver,
        limit=64,
        keepalive_timeout=_KEEPALIVE_S,
        socket_factory=_socket,
    )
    return aiohttp.ClientSession(
        loop=asyncio.get_running_loop(), connector=connector, request_class=_GuardedRequest
    )


@functools.cache
def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return the context for a file of authorities (None: the public ones); reading them takes 0.1 s."""
    return ssl.create_default_context(cafile=ca_file or certifi.where())


class _GuardedRequest(aiohttp.ClientRequest):
    """A request whose record decides, with the connection in hand, whether it may still be written."""

    async def send(self, conn: Any) -> ClientResponse:
        record = _current.get()
        if record is not None:
            if record.once and self.method == "POST":
                _may_write(record)
            record.written = True
        return await super().send(conn)


def _may_write(record: WireRecord) -> None:
    if record.written:
        raise WriteRefusedError("this request was written before")
    if record.monotonic is not None and record.send_before is not None:
        late = record.monotonic() - record.send_before
        if late >= 0:
            raise WriteRefusedError(f"the moment for the write passed {late:.3f} s ago")


def _socket(address: Any) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a peer that vanished is noticed while idle
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    return made
