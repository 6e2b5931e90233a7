"""The ws-api: the REST endpoints as requests on one connection, and the subscription to one's own events."""

import json
from typing import TYPE_CHECKING, Any

from engine.paper import limits, refusals
from engine.paper.replies import Dropped, Reply
from engine.paper.rest import Received

if TYPE_CHECKING:
    from engine.paper.clock import ExchangeClock
    from engine.paper.connection import Connection
    from engine.paper.rest import Rest
    from engine.paper.user_streams import UserStreams

# What a message that is no JSON object is answered with.
GARBLED: dict[str, Any] = {
    "id": None,
    "status": 400,
    "error": {"code": -1135, "msg": "Invalid JSON Request"},
    "rateLimits": [],
}
_REST: dict[str, tuple[str, str]] = {
    "ping": ("GET", "/api/v3/ping"),
    "time": ("GET", "/api/v3/time"),
    "exchangeInfo": ("GET", "/api/v3/exchangeInfo"),
    "depth": ("GET", "/api/v3/depth"),
    "trades.recent": ("GET", "/api/v3/trades"),
    "trades.historical": ("GET", "/api/v3/historicalTrades"),
    "trades.aggregate": ("GET", "/api/v3/aggTrades"),
    "klines": ("GET", "/api/v3/klines"),
    "uiKlines": ("GET", "/api/v3/uiKlines"),
    "avgPrice": ("GET", "/api/v3/avgPrice"),
    "ticker.24hr": ("GET", "/api/v3/ticker/24hr"),
    "ticker": ("GET", "/api/v3/ticker"),
    "ticker.tradingDay": ("GET", "/api/v3/ticker/tradingDay"),
    "ticker.price": ("GET", "/api/v3/ticker/price"),
    "ticker.book": ("GET", "/api/v3/ticker/bookTicker"),
    "order.place": ("POST", "/api/v3/order"),
    "order.test": ("POST", "/api/v3/order/test"),
    "order.status": ("GET", "/api/v3/order"),
    "order.cancel": ("DELETE", "/api/v3/order"),
    "order.cancelReplace": ("POST", "/api/v3/order/cancelReplace"),
    "openOrders.status": ("GET", "/api/v3/openOrders"),
    "openOrders.cancelAll": ("DELETE", "/api/v3/openOrders"),
    "orderList.place.oco": ("POST", "/api/v3/orderList/oco"),
    "orderList.place.oto": ("POST", "/api/v3/orderList/oto"),
    "orderList.place.otoco": ("POST", "/api/v3/orderList/otoco"),
    "orderList.status": ("GET", "/api/v3/orderList"),
    "orderList.cancel": ("DELETE", "/api/v3/orderList"),
    "openOrderLists.status": ("GET", "/api/v3/openOrderList"),
    "allOrderLists": ("GET", "/api/v3/allOrderList"),
    "account.status": ("GET", "/api/v3/account"),
    "account.commission": ("GET", "/api/v3/account/commission"),
    "account.rateLimits.orders": ("GET", "/api/v3/rateLimit/order"),
    "allOrders": ("GET", "/api/v3/allOrders"),
    "myTrades": ("GET", "/api/v3/myTrades"),
    "myPreventedMatches": ("GET", "/api/v3/myPreventedMatches"),
    "myAllocations": ("GET", "/api/v3/myAllocations"),
    "myFilters": ("GET", "/api/v3/myFilters"),
    "order.amendments": ("GET", "/api/v3/order/amendments"),
    "userDataStream.start": ("POST", "/api/v3/userDataStream"),
    "userDataStream.ping": ("PUT", "/api/v3/userDataStream"),
    "userDataStream.stop": ("DELETE", "/api/v3/userDataStream"),
}
_SESSION_WEIGHT = 2
# Parameters of the connection's protocol that the endpoints themselves do not know.
_OUTER = {"apiKey", "returnRateLimits"}
_COUNTED = {
    "MINUTE": "x-mbx-used-weight-1m",
    "SECOND": "x-mbx-order-count-10s",
    "DAY": "x-mbx-order-count-1d",
}


class WsApi:
    """Answers requests with id, status, result or error, and the limits the request counted for."""

    def __init__(
        self, rest: "Rest", counts: "limits.Limits", clock: "ExchangeClock", streams: "UserStreams"
    ) -> None:
        self._rest = rest
        self._counts = counts
        self._clock = clock
        self._streams = streams

    async def answer(self, connection: "Connection", message: dict[str, Any]) -> None:
        """Send the answer to one request; a fault may cut the connection instead."""
        given = message.get("params")
        params = (
            {str(name): _plain(value) for name, value in given.items()} if isinstance(given, dict) else {}
        )
        method = message.get("method")
        method = method.removeprefix("v3/") if isinstance(method, str) else ""
        try:
            reply = await self._reply(connection, method, params)
        except Dropped:
            connection.cut()
            return
        if isinstance(reply.payload, bytes):
            # What a proxy would put instead of an answer has no place in this protocol.
            connection.cut()
            return
        shown: dict[str, Any] = {"id": message.get("id"), "status": reply.status}
        shown["result" if reply.status == 200 else "error"] = reply.payload  # noqa: PLR2004 - HTTP
        if params.get("returnRateLimits") != "false":
            shown["rateLimits"] = _counted(reply.headers)
        connection.send(shown)

    async def _reply(self, connection: "Connection", method: str, params: dict[str, str]) -> Reply:
        place = _REST.get(method)
        if place is None:
            return self._of_session(connection, method, params)
        query = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
        asked = {name: value for name, value in params.items() if name not in _OUTER}
        received = Received(*place, query, "", asked, params.get("apiKey"))
        self._rest.admit(received)
        if received.fault is not None and received.fault.waits:
            return await self._rest.respond_late(received)
        return self._rest.respond(received)

    def _of_session(self, connection: "Connection", method: str, params: dict[str, str]) -> Reply:
        headers: dict[str, str] = {}
        try:
            headers = self._counts.count(self._clock.now_ms(), _SESSION_WEIGHT, None)
            return Reply(200, self._session_result(connection, method, params), headers)
        except refusals.Refusal as refusal:
            return Reply(refusal.status, refusal.shown(), {**headers, **refusal.headers})

    def _session_result(self, connection: "Connection", method: str, params: dict[str, str]) -> Any:
        if method == "userDataStream.subscribe.signature":
            return self._streams.subscribe(connection, params)
        if method == "userDataStream.unsubscribe":
            self._streams.unsubscribe(connection, params.get("subscriptionId"))
            return {}
        if method == "session.subscriptions":
            return [{"subscriptionId": one.id} for one in self._streams.of_connection(connection)]
        if method == "session.status":
            return {
                "apiKey": None,
                "authorizedSince": None,
                "connectedSince": connection.since_ms,
                "returnRateLimits": True,
                "serverTime": self._clock.now_ms(),
                "userDataStream": bool(self._streams.of_connection(connection)),
            }
        if not method:
            raise refusals.missing("method")
        # Logging on a session takes an Ed25519 key, and keys here are HMAC secrets.
        raise refusals.Refusal(-1020, "This operation is not supported.")


def _counted(headers: dict[str, str]) -> list[dict[str, Any]]:
    """The limits a request counted for, as its headers tell them."""
    return [
        {**limit, "count": int(headers[name])}
        for limit in limits.RATE_LIMITS
        if (name := _COUNTED[limit["interval"]]) in headers and limit["rateLimitType"] != "RAW_REQUESTS"
    ]


def _plain(value: Any) -> str:
    """Write a JSON value as it stands in the text that was signed."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | list | dict) or value is None:
        return json.dumps(value, separators=(",", ":"))
    return str(value)
