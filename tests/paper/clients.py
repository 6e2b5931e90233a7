"""Clients of the paper exchange: ccxt with nothing changed but addresses, and a bare signed one."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp

from engine.exchange.lean import exchange_class
from engine.paper.options import Options, read_account
from engine.paper.server import PaperExchange

KEY, SECRET = "demo-key", "demo-secret"
OTHER_KEY, OTHER_SECRET = "other-key", "other-secret"


def ccxt_urls(paper: PaperExchange) -> dict[str, Any]:
    """`urls` of a ccxt binance or ccxt.pro binance for this exchange."""
    return {
        "api": {
            "public": f"{paper.url}/api/v3",
            "private": f"{paper.url}/api/v3",
            "v1": f"{paper.url}/api/v1",
            "sapi": f"{paper.url}/sapi/v1",
            "sapiV2": f"{paper.url}/sapi/v2",
            "sapiV3": f"{paper.url}/sapi/v3",
            "sapiV4": f"{paper.url}/sapi/v4",
            "fapiPublic": f"{paper.url}/fapi/v1",
            "fapiPrivate": f"{paper.url}/fapi/v1",
            "dapiPublic": f"{paper.url}/dapi/v1",
            "dapiPrivate": f"{paper.url}/dapi/v1",
            "ws": {
                # ccxt tells spot from futures by '/stream' in this address.
                "spot": f"{paper.ws_url}/stream/ws",
                "ws-api": {"spot": f"{paper.ws_url}/ws-api/v3"},
            },
        }
    }


def options(*more: str, **fields: Any) -> Options:
    """Two funded accounts, prices standing still."""
    accounts = (
        f"{KEY}:{SECRET}:USDT=100000,BTC=2,ETH=10",
        f"{OTHER_KEY}:{OTHER_SECRET}:USDT=100000,BTC=2",
        *more,
    )
    return Options(step_ms=0, accounts=tuple(read_account(text) for text in accounts), **fields)


@asynccontextmanager
async def ccxt_client(paper: PaperExchange, key: str = KEY, secret: str = SECRET) -> AsyncIterator[Any]:
    """A real ccxt.pro binance with default options; closed at the end."""
    settings = {"apiKey": key, "secret": secret, "urls": ccxt_urls(paper), "enableRateLimit": False}
    client = exchange_class("binance")(settings)
    try:
        yield client
    finally:
        await client.close()


class Bare:
    """A signed HTTP client that sends exactly what it is told; answers (status, body)."""

    def __init__(self, paper: PaperExchange, session: aiohttp.ClientSession, key: str, secret: str) -> None:
        self.paper = paper
        self.session = session
        self.key = key
        self.secret = secret
        self.headers: dict[str, str] = {}

    async def send(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        given = {"timestamp": self.paper.clock.now_ms(), **params}
        return await self.send_text(method, path, urlencode(given))

    async def send_text(self, method: str, path: str, query: str, signature: str = "") -> tuple[int, Any]:
        signed = signature or hmac.new(self.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return await self.raw(method, f"{path}?{query}&signature={signed}")

    async def raw(self, method: str, target: str) -> tuple[int, Any]:
        url = self.paper.url + target
        async with self.session.request(method, url, headers={"X-MBX-APIKEY": self.key}) as response:
            self.headers = dict(response.headers)
            text = await response.text()
            return response.status, json.loads(text) if text.startswith(("{", "[")) else text

    async def order(self, **params: Any) -> tuple[int, Any]:
        """Send a limit buy far below the price unless told otherwise; None leaves a parameter out."""
        given = {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.01",
            "price": "40000",
            **params,
        }
        kept = {name: value for name, value in given.items() if value is not None}
        return await self.send("POST", "/api/v3/order", **kept)

    async def market(self, side: str, quantity: str | None = None, **params: Any) -> tuple[int, Any]:
        sent = {"type": "MARKET", "timeInForce": None, "price": None, "side": side, "quantity": quantity}
        return await self.order(**{**sent, **params})

    async def query(self, **params: Any) -> tuple[int, Any]:
        return await self.send("GET", "/api/v3/order", symbol="BTCUSDT", **params)

    async def balance(self, asset: str) -> tuple[str, str]:
        _, shown = await self.send("GET", "/api/v3/account")
        found = {one["asset"]: (one["free"], one["locked"]) for one in shown["balances"]}
        return found.get(asset, ("0.00000000", "0.00000000"))

    def ws_subscription(self, request_id: int) -> dict[str, Any]:
        """The signed request that subscribes to this account's events."""
        params = {"apiKey": self.key, "timestamp": self.paper.clock.now_ms()}
        text = "&".join(f"{name}={params[name]}" for name in sorted(params))
        signature = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        method = "userDataStream.subscribe.signature"
        return {"id": request_id, "method": method, "params": {**params, "signature": signature}}

    async def paper_deposit(self, asset: str, whole: int) -> None:
        status, _ = await self.control("POST", "/deposit", account=self.key, asset=asset, amount=str(whole))
        assert 200 == status

    async def control(self, method: str, path: str, /, **given: Any) -> tuple[int, Any]:
        url = self.paper.control_url + path
        sent = {"params": given} if method == "GET" else {"json": given}
        async with self.session.request(method, url, **sent) as response:  # type: ignore[arg-type]
            return response.status, await response.json()


@asynccontextmanager
async def bare_client(paper: PaperExchange, key: str = KEY, secret: str = SECRET) -> AsyncIterator[Bare]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield Bare(paper, session, key, secret)
