"""An account's own events: who subscribed to them, over the ws-api or by listen key, and their shapes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.paper import listen_keys, signing
from engine.paper.connection import Connection
from engine.paper.scale import text
from engine.paper.ws_api import GARBLED, WsApi

if TYPE_CHECKING:
    from aiohttp import web

    from engine.paper.accounts import Account
    from engine.paper.limits import Limits
    from engine.paper.matching import Matching
    from engine.paper.orders import Execution, Order
    from engine.paper.rest import Rest
    from engine.paper.stream_faults import StreamFaults


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """One account's events on one connection."""

    id: int
    connection: Connection
    account: "Account"
    listen_key: str | None = None
    wrapped: bool = False

    def send(self, event: dict[str, Any]) -> None:
        if self.listen_key is None:
            envelope = {"subscriptionId": self.id, "event": event}
        else:
            envelope = {"stream": self.listen_key, "data": event} if self.wrapped else event
        self.connection.deliver(event, envelope, self.account.key)


class UserStreams:
    """Serves /ws-api/v3 and pushes execution reports and balances to those who subscribed."""

    def __init__(self, matching: "Matching", rest: "Rest", limits: "Limits") -> None:
        self._matching = matching
        self.api = WsApi(rest, limits, matching.clock, self)
        self._connections: set[Connection] = set()
        self._last_id = -1
        self.faults: StreamFaults | None = None

    async def serve(self, request: "web.BaseRequest") -> "web.StreamResponse":
        connection = Connection(self.faults, self._matching.clock.now_ms())
        socket = await connection.open(request)
        self._connections.add(connection)
        try:
            async for message in connection.messages(GARBLED):
                await self.api.answer(connection, message)
        finally:
            self._connections.discard(connection)
            self.unsubscribe(connection, None)
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

    def subscribe(self, connection: Connection, params: dict[str, str]) -> dict[str, Any]:
        """Subscribe a connection to the events of the account that signed the request."""
        account = signing.account_of(self._matching.accounts, params.get("apiKey"))
        signing.window_end(params, self._matching.clock)
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
        signing.check_payload(account, payload, params.get("signature", ""))
        self._last_id += 1
        account.subscriptions.append(Subscription(self._last_id, connection, account))
        return {"subscriptionId": self._last_id}

    def unsubscribe(self, connection: Connection, subscription_id: str | None) -> None:
        """End one subscription of a connection, or all of them."""
        for one in self.of_connection(connection):
            if subscription_id in {None, str(one.id)}:
                one.account.subscriptions.remove(one)

    def of_connection(self, connection: Connection) -> list[Subscription]:
        accounts = self._matching.accounts.values()
        return [one for account in accounts for one in account.subscriptions if one.connection is connection]

    def knows(self, listen_key: str) -> bool:
        return listen_keys.account_of(self._matching, listen_key) is not None

    def join(self, connection: Connection, listen_key: str, *, wrapped: bool) -> None:
        """Stream an account's events to a market connection that names its listen key."""
        account = listen_keys.account_of(self._matching, listen_key)
        if account is not None:
            account.subscriptions.append(Subscription(-1, connection, account, listen_key, wrapped))

    def leave(self, connection: Connection, listen_key: str | None = None) -> None:
        """End what a market connection got by a listen key, or by any."""
        for one in self.of_connection(connection):
            if listen_key in {None, one.listen_key}:
                one.account.subscriptions.remove(one)


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
        "V": order.prevention,
        **_prevented(order, kind),
    }


def _prevented(order: "Order", kind: str) -> dict[str, Any]:
    """What the report of an order that expired in a match tells about it."""
    if kind != "TRADE_PREVENTION" or order.prevented is None:
        return {}
    match = order.prevented[-1]
    quantity = text(match.quantity_of(order.id))
    return {
        "v": match.id,
        "A": quantity,
        "B": quantity,
        "u": -1,
        "U": match.counterpart_of(order.id),
        "Cs": match.symbol,
        "pl": text(0),
        "pL": text(match.price),
        "pY": text(0),
    }
