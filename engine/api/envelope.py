"""What is around every request: its id, the server's time, the size cap, and the counts and durations."""

import os
import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.api.problems import from_fault
from engine.api.rates import HEADERS as RATE_HEADERS
from engine.domain.specs import SPEC_BYTES_MAX
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics

_SPEC_BODY_BYTES_MAX = 2 * SPEC_BYTES_MAX  # as it may be written: indented, with escapes
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Envelope:
    """Plain ASGI middleware: it adds no task, so a client that goes away cancels nothing."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        clock: Clock,
        body_bytes_max: int,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = _request_id(scope)
        scope["holdfast.request_id"] = identity
        started = self._clock.monotonic()
        status = 0

        async def with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", identity.encode()),
                    (b"x-server-time", server_time(self._clock).encode()),
                    *scope.get(RATE_HEADERS, ()),
                ]
            await send(message)

        self._metrics.http_requests_in_flight.inc()
        try:
            await self._app(scope, self._capped(scope, receive), with_headers)
        except Exception as error:
            if status:
                raise
            await from_fault(Request(scope), error)(scope, receive, with_headers)
        finally:
            self._metrics.http_requests_in_flight.dec()
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.http_request_duration_seconds.labels(route, scope["method"], status).observe(
                self._clock.monotonic() - started
            )

    def _capped(self, scope: Scope, receive: Receive) -> Receive:
        """Refuse a body over the cap: by its stated length, or while it is read."""
        most = self._body_bytes_max
        if scope["method"] == "PUT" and scope["path"].endswith("/spec"):
            most = max(most, _SPEC_BODY_BYTES_MAX)
        stated = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        received = 0

        async def capped() -> Message:
            nonlocal received
            if stated.isdigit() and int(stated) > most:
                raise _too_large(most)
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise _too_large(most)
            return message

        return capped


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"a body has at most {most} bytes", {"Connection": "close"})


def server_time(clock: Clock) -> str:
    """Return now as RFC 3339 text with milliseconds."""
    return clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _request_id(scope: Scope) -> str:
    """The caller's own id if it is a plain one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return bytes(value).decode()
    return os.urandom(9).hex()
