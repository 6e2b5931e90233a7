"""The REST port: authenticates, injects faults, calls the endpoint, answers as Binance does."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from engine.paper import refusals, signing
from engine.paper.calls import Call, Endpoint
from engine.paper.endpoints import ENDPOINTS
from engine.paper.faults import Fault, FaultKind, Faults

if TYPE_CHECKING:
    from engine.paper.accounts import Account
    from engine.paper.limits import Limits
    from engine.paper.matching import Matching

_HTML = b"<html><head><title>Bad gateway</title></head><body>cloudfront</body></html>"
_REQUESTS_KEPT = 200_000
_JSON = "application/json"
_ORDER_PATHS = {path for (_, path), endpoint in ENDPOINTS.items() if endpoint.order}
_NOT_PROCESSED = {
    FaultKind.DROP_BEFORE,
    FaultKind.UNKNOWN_BEFORE,
    FaultKind.HTTP_5XX_BEFORE,
    FaultKind.RATE_LIMITED,
}
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in; `noted` is its line in the log, if it is about an order."""

    method: str
    path: str
    query: str
    body: str
    params: dict[str, str]
    key: str | None
    noted: dict[str, Any] | None


@dataclass(slots=True)
class Reply:
    """What goes back; `payload` bytes are sent as they are."""

    status: int
    payload: Any
    headers: dict[str, str]


class Dropped(Exception):  # noqa: N818 - the connection is to be cut, nothing failed
    """Cut the connection instead of answering."""


class Rest:
    """Turns HTTP requests into calls and refusals into Binance's error bodies."""

    def __init__(self, matching: "Matching", limits: "Limits", faults: Faults) -> None:
        self._matching = matching
        self._limits = limits
        self._faults = faults
        self.requests: deque[dict[str, Any]] = deque(maxlen=_REQUESTS_KEPT)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        body = (await request.read()).decode("utf-8", "replace") if request.can_read_body else ""
        params = signing.parameters(query)
        if body:
            params.update(signing.parameters(body))
        key = request.headers.get("X-MBX-APIKEY")
        method = request.method
        fault = self._faults.take(method, path, params, key)
        noted = self._note(method, path, params, key, fault) if path in _ORDER_PATHS else None
        received = Received(method, path, query, body, params, key, noted)
        try:
            reply = self.answer(received) if fault is None else await self._answer_faulty(received, fault)
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=499)
        payload = reply.payload
        if not isinstance(payload, bytes):
            payload = _encode(payload).encode()
        content_type = "text/html" if payload == _HTML else _JSON
        return web.Response(
            body=payload, status=reply.status, headers=reply.headers, content_type=content_type
        )

    def answer(self, received: Received, valid_until_ms: int | None = None) -> Reply:
        """Process one request; every refusal becomes an answer with code and message."""
        self._matching.clock.run_due()
        headers: dict[str, str] = {}
        endpoint = ENDPOINTS.get((received.method, received.path))
        if endpoint is None:
            return Reply(404, {"code": -1000, "msg": "Path not found."}, headers)
        try:
            if valid_until_ms is None:
                account, valid_until_ms = self._authenticate(endpoint, received)
            else:
                account = self._matching.accounts[received.key or ""]
            new_order = endpoint.order and received.method == "POST"
            counted = account.key if new_order and account is not None else None
            weight = endpoint.weight if endpoint.weigh is None else endpoint.weigh(received.params)
            headers = self._limits.count(self._matching.clock.now_ms(), weight, counted)
            if endpoint.signed:
                signing.check_still_valid(valid_until_ms, self._matching.clock)
            call = Call(self._matching, received.params, account, self._limits)
            reply = Reply(200, endpoint.answer(call), headers)
        except refusals.Refusal as refusal:
            reply = Reply(refusal.status, refusal.shown(), {**headers, **refusal.headers})
        if received.noted is not None:
            _note_decision(received.noted, reply)
        return reply

    def _authenticate(self, endpoint: Endpoint, received: Received) -> "tuple[Account | None, int]":
        if endpoint.keyed:
            return signing.account_of(self._matching.accounts, received.key), 0
        if not endpoint.signed:
            return None, 0
        account = signing.account_of(self._matching.accounts, received.key)
        valid_until_ms = signing.window_end(received.params, self._matching.clock)
        signing.check_signature(account, received.query, received.body, received.params.get("signature"))
        return account, valid_until_ms

    async def _answer_faulty(self, received: Received, fault: Fault) -> Reply:
        """Let the ordered fault happen, before or after the request is processed."""
        kind = fault.kind
        if kind is FaultKind.DELAY:
            return await self._answer_delayed(received, fault)
        if kind is FaultKind.LATE_APPLY:
            return self._apply_late(received, fault)
        if kind is FaultKind.STALE_READ:
            return _stale(self.answer(received))
        if kind in _NOT_PROCESSED:
            return _spoiled(Reply(0, None, {}), fault)
        return _spoiled(self.answer(received), fault)

    async def _answer_delayed(self, received: Received, fault: Fault) -> Reply:
        """Hold the request back between the two checks of its validity window."""
        endpoint = ENDPOINTS.get((received.method, received.path))
        if endpoint is None or not endpoint.signed:
            await asyncio.sleep(fault.delay_ms / 1000)
            return self.answer(received)
        try:
            _, valid_until_ms = self._authenticate(endpoint, received)
        except refusals.Refusal:
            return self.answer(received)
        await asyncio.sleep(fault.delay_ms / 1000)
        return self.answer(received, valid_until_ms)

    def _apply_late(self, received: Received, fault: Fault) -> Reply:
        """Leave the client without an answer and process the request later by the exchange's clock."""
        endpoint = ENDPOINTS.get((received.method, received.path))
        if endpoint is None or not endpoint.signed:
            return self.answer(received)
        try:
            _, valid_until_ms = self._authenticate(endpoint, received)
        except refusals.Refusal:
            return self.answer(received)
        until = valid_until_ms if fault.recheck else 10**15
        clock = self._matching.clock
        due_ms = clock.now_ms() + int(fault.delay_s * 1000)
        clock.call_at(due_ms, lambda: self.answer(received, until))
        if fault.answer == "drop":
            raise Dropped
        unknown = refusals.unknown_execution()
        return Reply(unknown.status, {"code": unknown.code, "msg": unknown.message}, {})

    def _note(
        self, method: str, path: str, params: dict[str, str], key: str | None, fault: Fault | None
    ) -> dict[str, Any]:
        """Log an order request as it comes in, so that sends per client order id can be counted.

        `status`, `code` and `orderId` are what the exchange decides about it; None: not processed (yet).
        """
        noted = {
            "time": self._matching.clock.now_ms(),
            "account": key,
            "method": method,
            "path": path,
            "symbol": params.get("symbol"),
            "side": params.get("side"),
            "type": params.get("type"),
            "clientOrderId": params.get("newClientOrderId") or params.get("origClientOrderId"),
            "orderId": params.get("orderId"),
            "status": None,
            "code": None,
            "fault": None if fault is None else fault.kind.value,
        }
        if (method, path) in ENDPOINTS and ENDPOINTS[method, path].order:
            self.requests.append(noted)
        return noted


def _note_decision(noted: dict[str, Any], reply: Reply) -> None:
    shown = reply.payload if isinstance(reply.payload, dict) else {}
    noted["status"] = reply.status
    noted["code"] = shown.get("code")
    noted["orderId"] = shown.get("orderId", noted["orderId"])


def _stale(reply: Reply) -> Reply:
    """Answer a read as if the order had not reached the part of the exchange that is asked."""
    if reply.status == 200 and isinstance(reply.payload, list):  # noqa: PLR2004 - HTTP
        return Reply(200, [], reply.headers)
    unknown = refusals.no_such_order()
    return Reply(unknown.status, {"code": unknown.code, "msg": unknown.message}, reply.headers)


def _spoiled(reply: Reply, fault: Fault) -> Reply:
    """Replace a true answer by what the fault makes of it."""
    kind = fault.kind
    if kind in {FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER}:
        raise Dropped
    if kind in {FaultKind.UNKNOWN_BEFORE, FaultKind.UNKNOWN_AFTER}:
        unknown = refusals.unknown_execution()
        return Reply(unknown.status, {"code": unknown.code, "msg": unknown.message}, reply.headers)
    if kind in {FaultKind.HTTP_5XX_BEFORE, FaultKind.HTTP_5XX_AFTER}:
        return Reply(fault.status or 502, _HTML, reply.headers)
    if kind is FaultKind.HTML_200_AFTER:
        return Reply(200, _HTML, reply.headers)
    if kind is FaultKind.EMPTY_200_AFTER:
        return Reply(200, b"", reply.headers)
    status = fault.status or 429
    text = "Way too many requests; IP banned." if status == 418 else "Too many requests."  # noqa: PLR2004 - HTTP
    return Reply(status, {"code": -1003, "msg": text}, {"Retry-After": str(fault.retry_after_s)})
