"""The ws-api: signed subscription to an account's own events, and the events themselves."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.paper import refusals, signing
from engine.paper.connection import Connection
from engine.paper.scale import text

if TYPE_CHECKING:
    from aiohttp import web

    from engine.paper.accounts import Account
    from engine.paper.matching import Matching
    from engine.paper.orders import Execution, Order
    from engine.paper.stream_faults import StreamFaults


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """One account's events on one connection."""

    id: int
    connection: Connection
    account: "Account"
    listen_key: str | None = None

    def send(self, event: dict[str, Any]) -> None:
        self.connection.deliver(event, {"subscriptionId": self.id, "event": event}, self.account.key)


class UserStreams:
    """Serves /ws-api/v3 and pushes execution reports and balances to those who subscribed."""

    def __init__(self, matching: "Matching") -> None:
        self._matching = matching
        self._connections: set[Connection] = set()
        self._last_id = -1
        self.faults: StreamFaults | None = None

    async def serve(self, request: "web.BaseRequest") -> "web.StreamResponse":
        connection = Connection(self.faults)
        socket = await connection.open(request)
        self._connections.add(connection)
        try:
            async for message in connection.messages():
                self._answer(connection, message)
        finally:
            self._connections.discard(connection)
            for account in self._matching.accounts.values():
                self._end(account, connection)
            await connection.close()
        return socket

    async def close(self) -> None:
        for connection in list(self._connections):
            await connection.close()

    def kick(self) -> None:
        """Throw every client out with a goodbye."""
        for connection in list(self._connections):
            connection.kick()

    def cut(self) -> None:
        """Drop every connection, as a network failure would."""
        for connection in list(self._connections):
            connection.cut()

    def terminate(self, account: "Account") -> None:
        """End an account's subscriptions with the exchange's own farewell, keeping the connections."""
        ended = list(account.subscriptions)
        account.subscriptions.clear()
        for subscription in ended:
            subscription.send({"e": "eventStreamTerminated", "E": self._matching.clock.now_ms()})

    def reported(self, order: "Order", kind: str, execution: "Execution | None", cancel_id: str) -> None:
        account = order.account
        if account is None or not account.subscriptions:
            return
        event = _report(order, kind, execution, cancel_id, self._matching.clock.now_ms())
        for subscription in list(account.subscriptions):
            subscription.send(event)

    def moved(self, account: "Account", assets: set[str], time_ms: int) -> None:
        if not account.subscriptions:
            return
        event = {
            "e": "outboundAccountPosition",
            "E": time_ms,
            "u": time_ms,
            "B": [
                {"a": asset, "f": text(account.free_of(asset)), "l": text(account.locked.get(asset, 0))}
                for asset in sorted(assets)
            ],
        }
        for subscription in list(account.subscriptions):
            subscription.send(event)

    def balance_changed(self, account: "Account", asset: str, amount: int) -> None:
        """Tell of a deposit or withdrawal, then of the balance it led to."""
        now_ms = self._matching.clock.now_ms()
        event = {"e": "balanceUpdate", "E": now_ms, "a": asset, "d": text(amount), "T": now_ms}
        for subscription in list(account.subscriptions):
            subscription.send(event)
        self.moved(account, {asset}, now_ms)

    def _answer(self, connection: Connection, message: dict[str, Any]) -> None:
        request_id, method = message.get("id"), message.get("method")
        given = message.get("params")
        params = given if isinstance(given, dict) else {}
        try:
            result = self._call(
                connection, method, {str(name): _plain(value) for name, value in params.items()}
            )
        except refusals.Refusal as refusal:
            error = {"code": refusal.code, "msg": refusal.message}
            connection.send({"id": request_id, "status": refusal.status, "error": error, "rateLimits": []})
            return
        connection.send({"id": request_id, "status": 200, "result": result, "rateLimits": []})

    def _call(self, connection: Connection, method: Any, params: dict[str, str]) -> dict[str, Any]:
        if method == "ping":
            return {}
        if method == "time":
            return {"serverTime": self._matching.clock.now_ms()}
        if method == "userDataStream.subscribe.signature":
            return self._subscribe(connection, params)
        if method == "userDataStream.unsubscribe":
            for account in self._matching.accounts.values():
                self._end(account, connection)
            return {}
        raise refusals.Refusal(-1020, "This operation is not supported.")

    def _subscribe(self, connection: Connection, params: dict[str, str]) -> dict[str, Any]:
        account = signing.account_of(self._matching.accounts, params.get("apiKey"))
        signing.window_end(params, self._matching.clock)
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
        signing.check_payload(account, payload, params.get("signature", ""))
        self._last_id += 1
        account.subscriptions.append(Subscription(self._last_id, connection, account))
        return {"subscriptionId": self._last_id}

    @staticmethod
    def _end(account: "Account", connection: Connection) -> None:
        account.subscriptions[:] = [one for one in account.subscriptions if one.connection is not connection]


def _plain(value: Any) -> str:
    """Write a JSON value as it stands in the text that was signed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _report(
    order: "Order", kind: str, execution: "Execution | None", cancel_id: str, now_ms: int
) -> dict[str, Any]:
    fee, fee_asset = (0, None) if execution is None else execution.fee_of(order.buy)
    last_quantity, last_price, last_quote = 0, 0, 0
    if execution is not None:
        last_quantity, last_price, last_quote = execution.quantity, execution.price, execution.quote
    canceled = kind == "CANCELED"
    return {
        "e": "executionReport",
        "E": now_ms,
        "s": order.instrument.symbol,
        "c": cancel_id if canceled else order.client_order_id,
        "S": "BUY" if order.buy else "SELL",
        "o": order.type,
        "f": order.time_in_force,
        "q": text(order.quantity),
        "p": text(order.price),
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": order.client_order_id if canceled else "",
        "x": kind,
        "X": order.status.value,
        "r": "NONE",
        "i": order.id,
        "l": text(last_quantity),
        "z": text(order.filled),
        "L": text(last_price),
        "n": text(fee),
        "N": fee_asset,
        "T": order.updated_ms,
        "t": -1 if execution is None else execution.id,
        "I": order.id,
        "w": order.resting or kind == "NEW",
        "m": execution is not None and execution.buyer_is_maker is order.buy,
        "M": execution is not None,
        "O": order.created_ms,
        "Z": text(order.quote_filled),
        "Y": text(last_quote),
        "Q": text(order.quote_quantity),
        "W": order.created_ms,
        "V": "NONE",
    }
