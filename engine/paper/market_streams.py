"""Public streams: best prices, trades, depth and day tickers, raw under /ws and wrapped under /stream."""

import asyncio
from typing import TYPE_CHECKING, Any

from engine.paper import render
from engine.paper.connection import Connection
from engine.paper.scale import text

if TYPE_CHECKING:
    from aiohttp import web

    from engine.paper.matching import Market, Matching
    from engine.paper.orders import Execution
    from engine.paper.stream_faults import StreamFaults

_KINDS = {"trade", "aggTrade", "bookTicker", "depth", "ticker", "miniTicker"}


class MarketStreams:
    """Who listens to what; book changes of one turn of the event loop go out as one event."""

    def __init__(self, matching: "Matching") -> None:
        self._matching = matching
        self._connections: dict[Connection, bool] = {}
        self._listeners: dict[str, set[Connection]] = {}
        self._changed: set[str] = set()
        self._awaited: dict[str, asyncio.Event] = {}
        self.faults: StreamFaults | None = None

    async def serve(self, request: "web.BaseRequest") -> "web.StreamResponse":
        connection = Connection(self.faults)
        socket = await connection.open(request)
        path = request.raw_path.partition("?")[0]
        wrapped = path.startswith("/stream") and not path.startswith("/stream/ws")
        self._connections[connection] = wrapped
        self._subscribe(connection, _streams_of(request))
        try:
            async for message in connection.messages():
                self._control(connection, message)
        finally:
            self._forget(connection)
            await connection.close()
        return socket

    async def subscribed(self, stream: str) -> None:
        """Wait until somebody listens to a stream."""
        if stream not in self._listeners:
            await self._awaited.setdefault(stream, asyncio.Event()).wait()

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

    def traded(self, execution: "Execution") -> None:
        if not self._listeners:
            return
        name = execution.symbol.lower()
        for kind in ("trade", "aggTrade"):
            stream = f"{name}@{kind}"
            if stream in self._listeners:
                self._send(stream, _trade_event(execution, kind))

    def book_changed(self, symbol: str) -> None:
        """Note it; what the change looks like is sent once the current operation is over."""
        if not self._listeners:
            return
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._publish_books)
        self._changed.add(symbol)

    def _publish_books(self) -> None:
        changed, self._changed = self._changed, set()
        for symbol in sorted(changed):
            market = self._matching.markets[symbol]
            for stream in [name for name in self._listeners if name.startswith(symbol.lower() + "@")]:
                event = self._book_event(stream, market)
                if event is not None:
                    self._send(stream, event)
            if market.book.dirty is not None:
                market.book.published_id = market.book.update_id
                market.book.dirty = set()

    def _book_event(self, stream: str, market: "Market") -> dict[str, Any] | None:
        kind = stream.split("@")[1]
        if kind == "bookTicker":
            return _book_ticker_event(market)
        if kind in {"ticker", "miniTicker"}:
            return _ticker_event(market, self._matching.clock.now_ms(), kind)
        if kind == "depth":
            return _depth_event(market, self._matching.clock.now_ms())
        if kind.startswith("depth"):
            return render.depth(market, int(kind.removeprefix("depth")))
        return None

    def _send(self, stream: str, event: dict[str, Any]) -> None:
        for connection in self._listeners.get(stream, ()):
            wrapped = self._connections[connection]
            connection.deliver(event, {"stream": stream, "data": event} if wrapped else event)

    def _control(self, connection: Connection, message: dict[str, Any]) -> None:
        names, request_id = message.get("params"), message.get("id")
        method = message.get("method")
        if method == "LIST_SUBSCRIPTIONS":
            mine = sorted(name for name, who in self._listeners.items() if connection in who)
            connection.send({"result": mine, "id": request_id})
            return
        known = isinstance(names, list) and all(self._valid(name) for name in names)
        if method not in {"SUBSCRIBE", "UNSUBSCRIBE"} or not known:
            connection.send(
                {"error": {"code": 2, "msg": "Invalid request: invalid stream"}, "id": request_id}
            )
            return
        assert isinstance(names, list)  # noqa: S101 - told to the type checker; checked just above
        # The confirmation goes first, as on the exchange: clients take a snapshot when they read it.
        connection.send({"result": None, "id": request_id})
        if method == "SUBSCRIBE":
            self._subscribe(connection, names)
        else:
            for name in names:
                self._leave(connection, name)

    def _valid(self, stream: Any) -> bool:
        if not isinstance(stream, str) or "@" not in stream:
            return False
        name, kind = stream.split("@")[:2]
        partial = kind.removeprefix("depth") in {"5", "10", "20"}
        return name.upper() in self._matching.markets and (kind in _KINDS or partial)

    def _subscribe(self, connection: Connection, names: list[str]) -> None:
        for name in filter(self._valid, names):
            self._listeners.setdefault(name, set()).add(connection)
            if name in self._awaited:
                self._awaited.pop(name).set()
            symbol, kind = name.split("@")[:2]
            market = self._matching.markets[symbol.upper()]
            if kind == "depth" and market.book.dirty is None:
                market.book.dirty = set()
                market.book.published_id = market.book.update_id
            # Best prices are told at once; on a real exchange the next change is never far.
            event = None if "@depth" in name else self._book_event(name, market)
            if event is not None:
                connection.send({"stream": name, "data": event} if self._connections[connection] else event)

    def _leave(self, connection: Connection, name: str) -> None:
        listeners = self._listeners.get(name)
        if listeners is None:
            return
        listeners.discard(connection)
        if listeners:
            return
        del self._listeners[name]
        symbol = name.split("@", maxsplit=1)[0]
        if not any(other.startswith(symbol + "@depth") for other in self._listeners):
            self._matching.markets[symbol.upper()].book.dirty = None

    def _forget(self, connection: Connection) -> None:
        for name in list(self._listeners):
            self._leave(connection, name)
        self._connections.pop(connection, None)


def _streams_of(request: "web.BaseRequest") -> list[str]:
    """Streams named in the address: /ws/a/b or /stream?streams=a/b."""
    path, _, query = request.raw_path.partition("?")
    if query.startswith("streams="):
        return query.removeprefix("streams=").replace("%40", "@").split("/")
    return path.replace("%40", "@").split("/")[2:]


def _book_ticker_event(market: "Market") -> dict[str, Any]:
    bid, bid_quantity, ask, ask_quantity = render.best(market)
    return {
        "u": market.book.update_id,
        "s": market.instrument.symbol,
        "b": bid,
        "B": bid_quantity,
        "a": ask,
        "A": ask_quantity,
    }


def _depth_event(market: "Market", now_ms: int) -> dict[str, Any] | None:
    book = market.book
    if not book.dirty or book.update_id == book.published_id:
        return None
    changed: dict[bool, list[list[str]]] = {True: [], False: []}
    for buy, price in sorted(book.dirty):
        changed[buy].append([text(price), text(book.side(buy).quantity_at(price))])
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "s": market.instrument.symbol,
        "U": book.published_id + 1,
        "u": book.update_id,
        "b": changed[True],
        "a": changed[False],
    }


def _trade_event(execution: "Execution", kind: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "e": kind,
        "E": execution.time_ms,
        "s": execution.symbol,
        "p": text(execution.price),
        "q": text(execution.quantity),
        "T": execution.time_ms,
        "m": execution.buyer_is_maker,
        "M": True,
    }
    if kind == "trade":
        shown["t"] = execution.id
    else:
        shown.update(a=execution.id, f=execution.id, l=execution.id)
    return shown


def _ticker_event(market: "Market", now_ms: int, kind: str) -> dict[str, Any]:
    day = render.day_ticker(market, now_ms)
    shown = {
        "e": "24hrTicker" if kind == "ticker" else "24hrMiniTicker",
        "E": now_ms,
        "s": day["symbol"],
        "c": day["lastPrice"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
    }
    if kind == "ticker":
        shown.update(
            p=day["priceChange"],
            P=day["priceChangePercent"],
            w=day["weightedAvgPrice"],
            x=day["prevClosePrice"],
            Q=day["lastQty"],
            b=day["bidPrice"],
            B=day["bidQty"],
            a=day["askPrice"],
            A=day["askQty"],
            O=day["openTime"],
            C=day["closeTime"],
            F=day["firstId"],
            L=day["lastId"],
            n=day["count"],
        )
    return shown
