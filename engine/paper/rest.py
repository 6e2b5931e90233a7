"""The REST port: authenticates, injects faults, calls the endpoint, answers as Binance does."""

import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from engine.paper import refusals, signing
from engine.paper.calls import Call, Endpoint
from engine.paper.endpoints import ENDPOINTS
from engine.paper.fault_effects import FaultEffects
from engine.paper.replies import HTML, Dropped, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.paper.accounts import Account
    from engine.paper.faults import Fault, Faults
    from engine.paper.limits import Limits
    from engine.paper.matching import Matching

_REQUESTS_KEPT = 200_000
_OWNER_UNTIL = 10**15
_STATUS_PATH = "/sapi/v1/system/status"
_ORDER_PATHS = {path for (_, path), endpoint in ENDPOINTS.items() if endpoint.order}
_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Received:
    """One request as it came in; `noted` is its line in the log, if it is about an order."""

    method: str
    path: str
    query: str
    body: str
    params: dict[str, str]
    key: str | None
    noted: dict[str, Any] | None = None
    fault: "Fault | None" = None


class Rest:
    """Turns HTTP requests into calls and refusals into Binance's error bodies."""

    def __init__(
        self,
        matching: "Matching",
        limits: "Limits",
        faults: "Faults",
        move_money: "Callable[[str, str, int], None]",
    ) -> None:
        self._matching = matching
        self._limits = limits
        self._faults = faults
        self._effects = FaultEffects(self, matching, move_money)
        self.requests: deque[dict[str, Any]] = deque(maxlen=_REQUESTS_KEPT)
        self.maintenance = False
        # What the exchange itself got wrong; a test that finds anything here has found a bug.
        self.crashes: list[str] = []

    def receive(self, method: str, target: str, body: bytes, key: str | None) -> Received:
        """Read a request, find its fault, and log it if it is about an order."""
        path, _, query = target.partition("?")
        params = signing.parameters(query)
        text = ""
        if body:
            text = body.decode("utf-8", "replace")
            params.update(signing.parameters(text))
        received = Received(method, path, query, text, params, key)
        self.admit(received)
        return received

    def admit(self, received: Received) -> None:
        """Find the fault of a request, and log it if it is about an order."""
        now_ms = self._matching.clock.now_ms()
        received.fault = self._faults.take(
            received.method, received.path, received.params, received.key, now_ms
        )
        if received.path in _ORDER_PATHS:
            received.noted = self._note(received, now_ms)

    def respond(self, received: Received) -> Reply:
        """Answer a request whose fault, if any, does not wait; Dropped: break the connection."""
        try:
            if received.fault is None:
                return self.answer(received)
            return self._effects.answer(received, received.fault)
        except Dropped:
            raise
        except Exception as error:  # noqa: BLE001 - a bug of an endpoint must not cost the connection
            return self._crashed(error)

    async def respond_late(self, received: Received) -> Reply:
        """Answer a request that its fault holds back in real time."""
        try:
            assert received.fault is not None  # noqa: S101 - only such requests come here
            return await self._effects.answer_delayed(received, received.fault)
        except Exception as error:  # noqa: BLE001 - as above
            return self._crashed(error)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve what reached aiohttp: requests for a protocol that there is not, and what follows them."""
        try:
            body = await request.read() if request.can_read_body else b""
        except web.HTTPRequestEntityTooLarge:
            return _web(self.too_large())
        key = request.headers.get("X-MBX-APIKEY")
        received = self.receive(request.method, request.raw_path, body, key)
        try:
            waits = received.fault is not None and received.fault.waits
            return _web(await self.respond_late(received) if waits else self.respond(received))
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=499)

    def too_large(self) -> Reply:
        """Refuse a body that no order is as long as."""
        return Reply(413, {"code": -1101, "msg": "Too many parameters sent for this endpoint."}, {})

    def answer(self, received: Received, valid_until_ms: int | None = None) -> Reply:
        """Process one request; every refusal becomes an answer with code and message.

        With `valid_until_ms` key and signature were checked before; an account is asked for by its key.
        """
        self._matching.clock.run_due()
        if self.maintenance:
            return _maintained(received.path)
        headers: dict[str, str] = {}
        endpoint = ENDPOINTS.get((received.method, received.path))
        if endpoint is None:
            return Reply(404, {"code": -1000, "msg": "Path not found."}, headers)
        try:
            if valid_until_ms is None:
                account, valid_until_ms = self._authenticate(endpoint, received)
            else:
                account = self._matching.accounts.get(received.key or "")
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

    def by_owner(self, method: str, path: str, key: str, params: dict[str, str]) -> Reply:
        """Do what the account's owner does by hand, without a signature."""
        return self.answer(Received(method, path, "", "", params, key), _OWNER_UNTIL)

    def valid_until(self, received: Received) -> int | None:
        """Check a signed request on its arrival; None where there is nothing to check or it is refused."""
        endpoint = ENDPOINTS.get((received.method, received.path))
        if endpoint is None or not endpoint.signed:
            return None
        try:
            return self._authenticate(endpoint, received)[1]
        except refusals.Refusal:
            return None

    def _authenticate(self, endpoint: Endpoint, received: Received) -> "tuple[Account | None, int]":
        if endpoint.keyed:
            return signing.account_of(self._matching.accounts, received.key), 0
        if not endpoint.signed:
            return None, 0
        account = signing.account_of(self._matching.accounts, received.key)
        valid_until_ms = signing.window_end(received.params, self._matching.clock)
        signing.check_signature(account, received.query, received.body, received.params.get("signature"))
        return account, valid_until_ms

    def _note(self, received: Received, now_ms: int) -> dict[str, Any]:
        """Log an order request as it comes in, so that sends per client order id can be counted.

        `status`, `code` and `orderId` are what the exchange decides about it; None: not processed (yet).
        """
        params = received.params
        noted = {
            "time": now_ms,
            "account": received.key,
            "method": received.method,
            "path": received.path,
            "symbol": params.get("symbol"),
            "side": params.get("side"),
            "type": params.get("type"),
            "clientOrderId": params.get("newClientOrderId") or params.get("origClientOrderId"),
            "orderId": params.get("orderId"),
            "status": None,
            "code": None,
            "fault": None if received.fault is None else received.fault.kind.value,
        }
        endpoint = ENDPOINTS.get((received.method, received.path))
        if endpoint is not None and endpoint.order:
            self.requests.append(noted)
        return noted

    def _crashed(self, error: Exception) -> Reply:
        _logger.error("an endpoint failed", exc_info=error)
        self.crashes.append(f"{type(error).__name__}: {error}")
        return Reply(400, refusals.unknown_status(-1000).shown(), {})


def _maintained(path: str) -> Reply:
    if path == _STATUS_PATH:
        return Reply(200, {"status": 1, "msg": "system_maintenance"}, {})
    return Reply(503, {"code": -1000, "msg": "System is under maintenance."}, {})


def _web(reply: Reply) -> web.Response:
    payload = reply.encoded()
    content_type = "text/html" if payload == HTML else "application/json"
    return web.Response(body=payload, status=reply.status, headers=reply.headers, content_type=content_type)


def _note_decision(noted: dict[str, Any], reply: Reply) -> None:
    shown = reply.payload if isinstance(reply.payload, dict) else {}
    noted["status"] = reply.status
    noted["code"] = shown.get("code")
    noted["orderId"] = shown.get("orderId", noted["orderId"])
