"""Public streams: who listens to what, raw under /ws and wrapped under /stream."""

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.paper import market_events, render
from engine.paper.candles import INTERVALS, Candle, bounds
from engine.paper.connection import Connection
from engine.paper.signing import parameters

if TYPE_CHECKING:
    from aiohttp import web

    from engine.paper.matching import Market, Matching
    from engine.paper.orders import Execution
    from engine.paper.stream_faults import StreamFaults
    from engine.paper.user_streams import UserStreams

_TICKERS = {"ticker", "miniTicker", "ticker_1h", "ticker_4h", "ticker_1d"}
_KINDS = {"trade", "aggTrade", "bookTicker", "avgPrice", *_TICKERS}
_DEPTHS = {"depth", "depth5", "depth10", "depth20"}
_SPEEDS = {"", "100ms", "1000ms"}
_METHODS = "SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, SET_PROPERTY, GET_PROPERTY"


class Stream(NamedTuple):
    """A stream's name taken apart; `symbol` is None for all symbols together."""

    name: str
    symbol: str | None
    kind: str
    interval: str = ""


class MarketStreams:
    """Book changes of one turn of the event loop go out as one event, trades one by one."""

    def __init__(self, matching: "Matching", user_streams: "UserStreams") -> None:
        self._matching = matching
        self._user_streams = user_streams
        self._connections: dict[Connection, bool] = {}
        self._listeners: dict[str, set[Connection]] = {}
        self._streams: dict[str | None, dict[str, Stream]] = {}
        self._candles: dict[str, Candle] = {}
        self._changed: set[str] = set()
        self._awaited: dict[str, asyncio.Event] = {}
        self.faults: StreamFaults | None = None

    async def serve(self, request: "web.BaseRequest") -> "web.StreamResponse":
        connection = Connection(self.faults)
        socket = await connection.open(request)
        path, _, query = request.raw_path.partition("?")
        self._connections[connection] = path.startswith("/stream") and not path.startswith("/stream/ws")
        self._subscribe(connection, _names_of(path, query))
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
        for name, stream in self._streams.get(execution.symbol, {}).items():
            if stream.kind in {"trade", "aggTrade"}:
                self._send(name, market_events.trade(execution, stream.kind))
            elif stream.kind == "kline":
                self._candle_at(stream, execution.time_ms).trade(execution)

    def book_changed(self, symbol: str) -> None:
        """Note it; what the change looks like is sent once the current operation is over."""
        if not self._listeners:
            return
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._publish)
        self._changed.add(symbol)

    def _publish(self) -> None:
        changed, self._changed = sorted(self._changed), set()
        now_ms = self._matching.clock.now_ms()
        for symbol in changed:
            market = self._matching.markets[symbol]
            for name, stream in list(self._streams.get(symbol, {}).items()):
                event = self._event(stream, market, now_ms)
                if event is not None:
                    self._send(name, event)
            if market.book.dirty is not None:
                market.book.published_id = market.book.update_id
                market.book.dirty = set()
        for name, stream in list(self._streams.get(None, {}).items()):
            markets = [self._matching.markets[symbol] for symbol in changed]
            self._send_list(name, [market_events.ticker(one, stream.kind, now_ms) for one in markets])

    def _event(self, stream: Stream, market: "Market", now_ms: int) -> dict[str, Any] | None:
        """What a stream tells of a market now; None for trades and for a book without changes."""
        kind = stream.kind
        if kind == "bookTicker":
            return market_events.book_ticker(market)
        if kind in _TICKERS:
            return market_events.ticker(market, kind, now_ms)
        if kind == "kline":
            candle = self._candle_at(stream, now_ms)
            return market_events.candle(market, stream.interval, candle, now_ms, closed=False)
        if kind == "depth":
            return market_events.depth(market, now_ms)
        if kind == "avgPrice":
            return market_events.average_price(market, now_ms)
        return render.depth(market, int(kind.removeprefix("depth"))) if kind in _DEPTHS else None

    def _candle_at(self, stream: Stream, now_ms: int) -> Candle:
        """The candle a stream tells of; one that is over is told for the last time, as closed."""
        assert stream.symbol is not None  # noqa: S101 - candles are of one symbol
        market = self._matching.markets[stream.symbol]
        candle = self._candles.get(stream.name)
        if candle is None:
            candle = market.candles.current(stream.interval, now_ms)
        elif now_ms >= candle.end_ms:
            over = market_events.candle(market, stream.interval, candle, now_ms, closed=True)
            self._send(stream.name, over)
            price = candle.close
            candle = Candle(*bounds(stream.interval, now_ms), price, price, price, price)
        self._candles[stream.name] = candle
        return candle

    def _send(self, stream: str, event: dict[str, Any]) -> None:
        for connection in list(self._listeners.get(stream, ())):
            wrapped = self._connections[connection]
            connection.deliver(event, {"stream": stream, "data": event} if wrapped else event)

    def _send_list(self, stream: str, events: list[dict[str, Any]]) -> None:
        for connection in list(self._listeners.get(stream, ())):
            shown = {"stream": stream, "data": events} if self._connections[connection] else events
            connection.send(json.dumps(shown, separators=(",", ":")))

    def _control(self, connection: Connection, message: dict[str, Any]) -> None:
        """Answer one request about the connection's subscriptions."""
        request_id, method, given = message.get("id"), message.get("method"), message.get("params")
        names: list[Any] = given if isinstance(given, list) else []
        if method == "LIST_SUBSCRIPTIONS":
            mine = [name for name, who in self._listeners.items() if connection in who]
            connection.send({"result": sorted(mine), "id": request_id})
        elif method == "GET_PROPERTY" and names == ["combined"]:
            connection.send({"result": self._connections[connection], "id": request_id})
        elif method == "SET_PROPERTY" and names in (["combined", True], ["combined", False]):
            self._connections[connection] = names[1]
            connection.send({"result": None, "id": request_id})
        elif method not in ("SUBSCRIBE", "UNSUBSCRIBE"):  # a tuple: what was sent may be unhashable
            told = f"Invalid request: unknown variant `{method}`, expected one of {_METHODS}"
            connection.send({"error": {"code": 2, "msg": told}, "id": request_id})
        elif not names or not all(self._known(name) for name in names):
            connection.send(
                {"error": {"code": 2, "msg": "Invalid request: invalid stream"}, "id": request_id}
            )
        else:
            # The confirmation goes first, as on the exchange: clients take a snapshot when they read it.
            connection.send({"result": None, "id": request_id})
            if method == "SUBSCRIBE":
                self._subscribe(connection, names)
            else:
                for name in names:
                    self._leave(connection, name)

    def _known(self, name: Any) -> bool:
        if not isinstance(name, str):
            return False
        return self._read(name) is not None or self._user_streams.knows(name)

    def _read(self, name: str) -> Stream | None:
        """Take a name apart: SYMBOL@KIND, SYMBOL@depth@SPEED or !KIND@arr."""
        symbol, _, rest = name.partition("@")
        kind, _, speed = rest.partition("@")
        if name.startswith("!"):
            every = symbol.removeprefix("!")
            return Stream(name, None, every) if every in _TICKERS and rest == "arr" else None
        if symbol != symbol.lower() or symbol.upper() not in self._matching.markets:
            return None
        if kind in _DEPTHS and speed in _SPEEDS:
            return Stream(name, symbol.upper(), kind)
        if kind.startswith("kline_") and kind.removeprefix("kline_") in INTERVALS and not speed:
            return Stream(name, symbol.upper(), "kline", kind.removeprefix("kline_"))
        return Stream(name, symbol.upper(), kind) if kind in _KINDS and not speed else None

    def _subscribe(self, connection: Connection, names: list[str]) -> None:
        now_ms = self._matching.clock.now_ms()
        for name in names:
            stream = self._read(name)
            if stream is None:
                self._user_streams.join(connection, name, wrapped=self._connections[connection])
                continue
            self._listeners.setdefault(name, set()).add(connection)
            self._streams.setdefault(stream.symbol, {})[name] = stream
            if name in self._awaited:
                self._awaited.pop(name).set()
            if stream.symbol is None:
                continue
            market = self._matching.markets[stream.symbol]
            if stream.kind == "depth" and market.book.dirty is None:
                market.book.dirty = set()
                market.book.published_id = market.book.update_id
            # Best prices are told at once; on a real exchange the next change is never far.
            event = None if stream.kind in _DEPTHS else self._event(stream, market, now_ms)
            if event is not None:
                connection.send({"stream": name, "data": event} if self._connections[connection] else event)

    def _leave(self, connection: Connection, name: str) -> None:
        listeners, stream = self._listeners.get(name), self._read(name)
        if listeners is None or stream is None:
            self._user_streams.leave(connection, name)
            return
        listeners.discard(connection)
        if listeners:
            return
        del self._listeners[name]
        del self._streams[stream.symbol][name]
        self._candles.pop(name, None)
        if stream.symbol is not None and stream.kind == "depth":
            others = self._streams[stream.symbol].values()
            if not any(other.kind == "depth" for other in others):
                self._matching.markets[stream.symbol].book.dirty = None

    def _forget(self, connection: Connection) -> None:
        for name in list(self._listeners):
            self._leave(connection, name)
        self._user_streams.leave(connection)
        self._connections.pop(connection, None)


def _names_of(path: str, query: str) -> list[str]:
    """Streams named in the address: /ws/a/b or /stream?streams=a/b."""
    named = parameters(query).get("streams")
    if named is None:
        named = path.replace("%40", "@").partition("/ws/")[2]
    return [name for name in named.split("/") if name]
