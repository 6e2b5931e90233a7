"""The feed's routes: /v1/feed as WebSocket and server-sent events with the same JSON, and tickets for it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from fastapi import APIRouter, WebSocket
from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from engine.api import problems
from engine.api.answers import READ_ERRORS, answer, found
from engine.api.feed_client import FeedClient, Wanted
from engine.api.server import ABORT
from engine.api.services import FeedServices, Services
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.scopes import Scope as CallerScope
from engine.flows.feed import End
from engine.runtime.log import get_logger

_log = get_logger(__name__)
_PROFILES_MAX = 64
_SEQ_MAX = 2**62
_CLOSE_CODES = {"closing": 1012, "unauthorized": 4401, "fault": 1011}
_CLOSE_RESYNC = 4409
_SSE_HEAD = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "profile",
        "in": "query",
        "schema": {"type": "array", "items": {"type": "string"}, "maxItems": _PROFILES_MAX},
        "description": "id or name; only events of these profiles are sent",
    },
    {
        "name": "since_seq",
        "in": "query",
        "schema": {"type": "integer", "minimum": 0},
        "description": "resume after this seq; needs epoch",
    },
    {"name": "epoch", "in": "query", "schema": {"type": "integer", "minimum": 1}},
    {
        "name": "ticket",
        "in": "query",
        "schema": {"type": "string"},
        "description": "instead of the Authorization header, for browsers; from POST /v1/feed/tickets",
    },
]


def router(services: Services) -> APIRouter:
    """Return the routes of the feed."""
    routes = APIRouter(prefix="/v1", tags=["feed"])
    desk = _Desk(services)

    @routes.get(
        "/feed",
        summary="Snapshot, then every event, as server-sent events; the same JSON as over the WebSocket",
        responses={200: {"content": {"text/event-stream": {}}}, **READ_ERRORS},
        openapi_extra={"parameters": _PARAMETERS},
        response_class=Response,
    )
    async def events(request: Request) -> Response:
        return _EventStream(desk, await desk.admit(request))

    @routes.websocket("/feed")
    async def socket(websocket: WebSocket) -> None:
        try:
            admitted = await desk.admit(websocket)
        except HoldfastError as error:
            await websocket.send_denial_response(problems.from_error(_as_request(websocket), error))
            return
        with desk.counted("websocket", admitted) as ends:
            await websocket.accept()
            ends.reason = await admitted.client.serve(_Socket(websocket))
        await desk.left(admitted, ends.reason)

    @routes.post(
        "/feed/tickets",
        summary="A ticket that opens the feed for one minute",
        status_code=201,
        responses=READ_ERRORS | found("FeedTicket", status=201),
    )
    async def ticket(request: Request) -> Response:
        await services.caller(request, CallerScope.READ)
        sealed, until = desk.feed.tickets.seal(request.headers["authorization"])
        made = answer({"ticket": sealed, "expires_at": until.isoformat()}, status=201)
        made.headers["Cache-Control"] = "no-store"
        return made

    return routes


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A client, and the robot that it is; a user is none."""

    client: FeedClient
    tenant_id: UUID
    robot_id: UUID | None


class _Desk:
    """Who may have which feed, and how many do."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._clients = 0
        self._robots: Counter[UUID | None] = Counter()

    @property
    def feed(self) -> FeedServices:
        return self._services.feed

    async def admit(self, connection: HTTPConnection) -> _Admitted:
        """Return the client that a connection asks for.

        Raises UNAUTHORIZED, BAD_REQUEST, BUSY, and NOT_FOUND for a profile; a foreign one is counted.
        """
        services = self._services
        query = connection.query_params
        sealed = query.get("ticket")
        authorization = (
            connection.headers.get("authorization") if sealed is None else self.feed.tickets.open(sealed)
        )
        connected = services.at_work()
        caller = await services.holder(connection, authorization, CallerScope.READ)
        since = _since(query, connection.headers.get("last-event-id"))
        names = query.getlist("profile")
        if len(names) > _PROFILES_MAX:
            raise _wrong("profile", f"at most {_PROFILES_MAX}")
        find = connected.trading.profile
        chosen = tuple([(await find(caller.tenant_id, name)).profile_id for name in names]) if names else None
        if self._clients >= self.feed.clients_max:
            raise HoldfastError(ErrorCode.BUSY, "as many feed clients as this process serves")

        async def recheck() -> object:
            return await services.holder(connection, authorization, CallerScope.READ, last_known=True)

        wanted = Wanted(caller.tenant_id, chosen, since)
        client = FeedClient(connected.hub, services.clock, wanted, recheck, self.feed.heartbeat_s)
        return _Admitted(client, caller.tenant_id, None if caller.user is not None else caller.robot_id)

    def counted(self, transport: str, admitted: _Admitted) -> "_Counted":
        """Return a context that counts a client while it is connected."""
        count = self._services.metrics.feed_clients.labels(transport).inc
        return _Counted(lambda clients: self._add(admitted, clients), count)

    async def left(self, admitted: _Admitted, reason: str) -> None:
        """Note why a client ended; the last one of a robot here may have its dead-man's switch fire."""
        if reason != "left":
            self._services.metrics.feed_client_drops_total.labels(reason).inc()
        robot_id = admitted.robot_id
        if reason == End.CLOSING or robot_id is None or self._robots[robot_id] > 0:
            return  # a process that stops is no robot that fell silent
        try:
            await self._services.at_work().disconnected(admitted.tenant_id, robot_id)
        except HoldfastError as error:  # its time runs out all the same
            _log.warning("disconnect not acted on", robot_id=str(robot_id), reason=str(error))

    def _add(self, admitted: _Admitted, clients: int) -> None:
        self._clients += clients
        self._robots[admitted.robot_id] += clients
        if not self._robots[admitted.robot_id]:
            del self._robots[admitted.robot_id]


class _Counted:
    """While it lasts a client counts; `reason` is why it ended."""

    def __init__(self, *counts: Callable[[int], None]) -> None:
        self._counts = counts
        self.reason = "left"

    def __enter__(self) -> Self:
        for count in self._counts:
            count(1)
        return self

    def __exit__(self, *_: object) -> None:
        for count in self._counts:
            count(-1)


class _Socket:
    """The WebSocket as an outlet: each frame is one text message."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._receive = websocket.receive
        self._left = False

    async def send(self, kind: str, position: str | None, text: str) -> None:
        del kind, position  # both are in the JSON
        try:
            await self._websocket.send_text(text)
        except (
            WebSocketDisconnect,
            RuntimeError,
        ) as error:  # closed under us, by the peer or for its silence
            raise ConnectionError from error

    async def gone(self) -> None:
        while not self._left:  # what was received once may not be asked for again
            # a client has nothing to say; reading keeps its pongs coming
            self._left = (await self._receive())["type"] == "websocket.disconnect"

    async def close(self, reason: str) -> None:
        try:
            await self._websocket.close(_CLOSE_CODES.get(reason, _CLOSE_RESYNC), reason)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise ConnectionError from error

    def abort(self) -> None:
        _abort(self._websocket.scope)


class _EventStream(Response):
    """Server-sent events as a response, and as an outlet while it is sent."""

    media_type = "text/event-stream"

    def __init__(self, desk: _Desk, admitted: _Admitted) -> None:
        super().__init__()
        self._desk = desk
        self._admitted = admitted
        self._scope: Scope = {}
        self._sending: Send
        self._receiving: Receive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receiving, self._sending = scope, receive, send
        with self._desk.counted("sse", self._admitted) as ends:
            await send({"type": "http.response.start", "status": 200, "headers": list(_SSE_HEAD)})
            await self._write(b"retry: 1000\n\n")
            ends.reason = await self._admitted.client.serve(self)
        await self._desk.left(self._admitted, ends.reason)

    async def send(self, kind: str, position: str | None, text: str) -> None:
        """Write one event; its id is what a browser comes back with, an empty one makes it start anew."""
        await self._write(f"id: {position or ''}\nevent: {kind}\ndata: {text}\n\n".encode())

    async def gone(self) -> None:
        while (await self._receiving())["type"] != "http.disconnect":
            pass

    async def close(self, reason: str) -> None:
        del reason  # the last event has told it
        await self._sending({"type": "http.response.body", "body": b"", "more_body": False})

    def abort(self) -> None:
        _abort(self._scope)

    async def _write(self, chunk: bytes) -> None:
        part: Message = {"type": "http.response.body", "body": chunk, "more_body": True}
        try:
            await self._sending(part)
        except OSError as error:
            raise ConnectionError from error


def _abort(scope: Scope) -> None:
    """Cut the connection below the server, which would wait for a peer that does not read."""
    abort = scope.get("extensions", {}).get(ABORT)
    if abort is not None:
        abort()


def _since(query: QueryParams, last_event_id: str | None) -> tuple[int, int] | None:
    """Return (epoch, seq) to resume after: by the query, or by the id a browser saw last."""
    given = {name: query[name] for name in ("epoch", "since_seq") if name in query}
    if last_event_id:  # newer than the address that the browser asks again
        epoch, _, seq = last_event_id.partition(":")
        given = {"epoch": epoch, "since_seq": seq}
    if not given:
        return None
    for name in ("epoch", "since_seq"):
        text = given.get(name, "")
        if not (text.isascii() and text.isdigit()) or int(text) > _SEQ_MAX:
            raise _wrong(name, "epoch and since_seq stand together, both whole numbers")
    return int(given["epoch"]), int(given["since_seq"])


def _wrong(field: str, reason: str) -> HoldfastError:
    return HoldfastError(ErrorCode.BAD_REQUEST, errors=[{"field": field, "reason": reason}])


def _as_request(websocket: WebSocket) -> Request:
    """The handshake as the HTTP request that it is, for an answer that is a problem."""
    return Request({**websocket.scope, "type": "http", "method": "GET"})
