"""A server on loopback that answers Binance's endpoints with whatever bytes a test tells it to."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from engine.domain.requests import OrderRequest
from engine.exchange.account import AccountConfig, ExchangeUrls
from engine.exchange.gateway import Gateway
from tests.exchange.own_tls import Loopback, certificate_file, server_context

SYMBOL = "BTC/USDT"

EXCHANGE_INFO = {
    "timezone": "UTC",
    "serverTime": 0,
    "rateLimits": [],
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "status": "TRADING",
            "baseAsset": "BTC",
            "baseAssetPrecision": 8,
            "quoteAsset": "USDT",
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "permissions": ["SPOT"],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
                {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "50", "stepSize": "0"},
                {"filterType": "NOTIONAL", "minNotional": "5", "maxNotional": "9000000"},
            ],
        }
    ],
}


@dataclass
class Reply:
    """An answer; `cut` closes the connection instead: before the headers, or in the middle of the body."""

    status: int = 200
    body: str | dict[str, Any] | list[Any] = ""
    headers: dict[str, str] = field(default_factory=dict)
    cut: str = ""


@dataclass
class Request:
    """What arrived: method, path and parameters of query and body."""

    method: str
    path: str
    params: dict[str, str]


Handler = Callable[[Request], Awaitable[Reply] | Reply]


class WireServer:
    """Answers `time` and `exchangeInfo` well and everything else by `replies` (method, path) -> handler."""

    def __init__(self, *, tls: bool) -> None:
        self.tls = tls
        self.replies: dict[tuple[str, str], Handler] = {}
        self.requests: list[Request] = []
        self.arrived = asyncio.Event()
        self.port = 0
        self.clock_offset_ms = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def answer(self, method: str, path: str, status: int = 200, body: Any = "", **headers: str) -> None:
        self.replies[method, path] = lambda _: Reply(
            status, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    def cut(self, method: str, path: str, where: str) -> None:
        self.replies[method, path] = lambda _: Reply(cut=where, body="{}")

    def sent(self, method: str, path: str) -> list[Request]:
        return [request for request in self.requests if (request.method, request.path) == (method, path)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        path, _, query = target.partition("?")
        request = Request(method, path, dict(parse_qsl(query) + parse_qsl(body)))
        self.requests.append(request)
        self.arrived.set()
        reply = self._known(request) or self.replies.get((method, path), lambda _: Reply(404, "{}"))(request)
        if not isinstance(reply, Reply):
            reply = await reply
        if reply.cut == "before":
            writer.transport.abort()
            return False
        text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        length = len(text.encode()) + (100 if reply.cut else 0)
        extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        kind = "text/html" if text.startswith("<") else "application/json"
        head = f"HTTP/1.1 {reply.status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{extra}\r\n"
        writer.write((head + text).encode())
        await writer.drain()
        return not reply.cut

    def _known(self, request: Request) -> Reply | None:
        if request.path == "/api/v3/time":
            return Reply(body={"serverTime": time.time_ns() // 1_000_000 + self.clock_offset_ms})
        if request.path == "/api/v3/exchangeInfo":
            return Reply(body=EXCHANGE_INFO)
        return None

    async def stop(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def gateway(self, **settings: Any) -> Gateway:
        """Return a gateway to here: by other URLs, or by the real ones and a resolver."""
        if self.tls:
            config = AccountConfig("acc-1", "binance", "key", "secret", ca_file=str(certificate_file()))
            return Gateway(config, resolver=Loopback(self.port), timeout_s=2, **settings)
        origin = f"127.0.0.1:{self.port}"
        urls = ExchangeUrls(f"http://{origin}", f"ws://{origin}/ws-api/v3", f"ws://{origin}/stream/ws")
        return Gateway(AccountConfig("acc-1", "binance", "key", "secret", urls=urls), timeout_s=2, **settings)


@asynccontextmanager
async def wire_server(*, tls: bool = False) -> AsyncIterator[WireServer]:
    server = WireServer(tls=tls)
    context = server_context() if tls else None
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await server.stop()


def order_request(client_order_id: str = "hold" + "a" * 14, **changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": "buy",
        "type": "limit",
        "quantity": Decimal("0.01"),
        "limit_price": Decimal(50000),
        "time_in_force": "GTC",
        "post_only": False,
        "client_order_id": client_order_id,
        "signed_at_ms": 1_700_000_000_123,
        "valid_for_ms": 5_000,
        "send_before_monotonic": time.monotonic() + 5,
    }
    return OrderRequest(**{**values, **changes})


def placed_body(client_order_id: str = "hold" + "a" * 14, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "orderListId": -1,
        "clientOrderId": client_order_id,
        "transactTime": 1_700_000_000_500,
        "price": "50000.00",
        "origQty": "0.01000",
        "executedQty": "0.00400",
        "origQuoteOrderQty": "0.00",
        "cummulativeQuoteQty": "199.96",
        "status": "PARTIALLY_FILLED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "fills": [
            {
                "price": "49990.00",
                "qty": "0.00400",
                "commission": "0.00000400",
                "commissionAsset": "BTC",
                "tradeId": 56,
            }
        ],
        **changes,
    }
