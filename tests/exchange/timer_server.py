"""OKX and Kraken on loopback, as far as their timer goes: time, an instrument, cancel all after, signed."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from engine.exchange.account import AccountConfig
from engine.exchange.gateway import Gateway
from engine.exchange.seam import Faults
from engine.runtime.clock import Clock
from tests.exchange.own_tls import Loopback, certificate_file, server_context

KEY, PASSWORD = "timer-key", "timer-password"
SECRETS = {"okx": "timer-secret", "kraken": base64.b64encode(b"timer-secret").decode()}
OKX, KRAKEN = "/api/v5/trade/cancel-all-after", "/0/private/CancelAllOrdersAfter"
OKX_ORDERS, KRAKEN_ORDERS = "/api/v5/trade/orders-pending", "/0/private/OpenOrders"
_OKX_WINDOW_S = 30  # documented: a request whose time stamp is farther off is refused
_OKX_INSTRUMENT = {
    "instType": "SPOT", "instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT", "state": "live",
    "tickSz": "0.1", "lotSz": "0.00000001", "minSz": "0.00001", "maxLmtSz": "9999999999",
    "maxMktSz": "1000000", "listTime": "0",
}  # fmt: skip
_KRAKEN_PAIR = {
    "altname": "XBTUSDT", "wsname": "XBT/USDT", "aclass_base": "currency", "base": "XXBT",
    "aclass_quote": "currency", "quote": "USDT", "pair_decimals": 1, "cost_decimals": 5, "lot_decimals": 8,
    "lot_multiplier": 1, "leverage_buy": [], "leverage_sell": [], "fees": [[0, 0.4]],
    "fees_maker": [[0, 0.25]], "ordermin": "0.0001", "costmin": "0.5", "tick_size": "0.1", "status": "online",
}  # fmt: skip


@dataclass
class Trouble:
    """What happens to one call of the timer instead of a good answer.

    `status` and `body` are answered as they stand; `cut`: the connection ends without an answer; `held`: the
    answer waits for it. `done`: the exchange has done what it was asked nevertheless.
    """

    status: int = 200
    body: Any = None
    cut: bool = False
    held: asyncio.Event | None = None
    done: bool = False


@dataclass
class TimerServer:
    """One account there. `seconds`: what each call asked for; `acts_at`: its timer, Unix seconds."""

    exchange: str
    now: Callable[[], float] = time.time
    port: int = 0
    seconds: list[int] = field(default_factory=list)
    acts_at: float | None = None
    orders: dict[str, str] = field(default_factory=dict)  # open ones: client order ids by exchange order id
    instrument: str = "ETH-USDT"  # of them, in OKX's words
    hidden: bool = False  # the list of them is answered with an error
    lists: int = 0
    troubles: deque[Trouble] = field(default_factory=deque)
    on_call: Callable[[int], None] = lambda _seconds: None
    _nonce: int = 0

    @property
    def armed(self) -> bool:
        return self.acts_at is not None and self.acts_at > self.now()

    def gateway(
        self, clock: Clock | None = None, *, secret: str | None = None, faults: Faults | None = None
    ) -> Gateway:
        """Return a gateway that finds this server at the exchange's own name."""
        config = AccountConfig(
            "acc-1",
            self.exchange,
            KEY,
            secret or SECRETS[self.exchange],
            PASSWORD if self.exchange == "okx" else None,
            ca_file=str(certificate_file()),
        )
        return Gateway(config, clock=clock, faults=faults, resolver=Loopback(self.port), timeout_s=10)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == (OKX if self.exchange == "okx" else KRAKEN) and request.method == "POST":
            return await self._timer(request)
        if request.path in {OKX_ORDERS, KRAKEN_ORDERS}:
            return await self._list(request)
        return web.json_response(self._public(request))

    def _public(self, request: web.Request) -> Any:
        now = self.now()
        answers: dict[str, Any] = {
            "/api/v5/public/time": {"code": "0", "msg": "", "data": [{"ts": str(int(now * 1000))}]},
            "/api/v5/public/instruments": {"code": "0", "msg": "", "data": [_OKX_INSTRUMENT]},
            "/0/public/Time": {"error": [], "result": {"unixtime": int(now), "rfc1123": ""}},
            "/0/public/AssetPairs": {"error": [], "result": {"XBTUSDT": _KRAKEN_PAIR}},
            "/0/public/Assets": {
                "error": [],
                "result": {
                    name: {"aclass": "currency", "altname": alt, "decimals": 8, "display_decimals": 5}
                    for name, alt in (("XXBT", "XBT"), ("USDT", "USDT"))
                },
            },
        }
        if request.path not in answers:
            raise web.HTTPNotFound(text=json.dumps({"path": request.path}))
        return answers[request.path]

    async def _list(self, request: web.Request) -> web.StreamResponse:
        """Answer all open orders of the account, of every symbol; the caller is checked by its key alone."""
        sent = request.headers
        assert KEY in {sent.get("OK-ACCESS-KEY"), sent.get("API-Key")}
        self.lists += 1
        if self.hidden:
            return web.Response(status=503)
        if self.exchange == "okx":
            assert "instId" not in request.query
            rows = [
                {
                    "instId": self.instrument, "instType": "SPOT", "ordId": order, "clOrdId": own,
                    "state": "live", "side": "buy", "ordType": "limit", "px": "1", "sz": "1",
                    "accFillSz": "0", "fillSz": "0", "cTime": "1700000000000", "uTime": "1700000000000",
                    "avgPx": "", "fee": "0", "feeCcy": "",
                }
                for order, own in self.orders.items()
            ]  # fmt: skip
            return web.json_response({"code": "0", "msg": "", "data": rows})
        self._nonce = int(parse_qs((await request.read()).decode())["nonce"][0])
        descr = {"pair": "ETHUSDT", "type": "buy", "ordertype": "limit", "price": "1", "price2": "0"}
        found = {
            order: {
                "status": "open", "opentm": 1700000000.0, "descr": descr, "vol": "1", "vol_exec": "0",
                "cost": "0", "fee": "0", "price": "0", **({"cl_ord_id": own} if own else {}),
            }
            for order, own in self.orders.items()
        }  # fmt: skip
        return web.json_response({"error": [], "result": {"open": found}})

    async def _timer(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode()
        refusal, seconds = self._okx(request, body) if self.exchange == "okx" else self._kraken(request, body)
        if refusal is not None:
            return web.json_response(refusal)
        self.seconds.append(seconds)
        self.on_call(seconds)
        trouble = self.troubles.popleft() if self.troubles else Trouble(done=True)
        if trouble.held is not None:
            await trouble.held.wait()
        if trouble.done:
            self.acts_at = None if seconds == 0 else self.now() + seconds
        if trouble.cut:
            assert request.transport is not None
            request.transport.abort()
        if trouble.status != 200 or trouble.body is not None:
            text = trouble.body if isinstance(trouble.body, str) else json.dumps(trouble.body)
            return web.Response(status=trouble.status, text=text, content_type="application/json")
        return web.json_response(self.done(seconds))

    def done(self, seconds: int) -> Any:
        """Return the documented answer to a call that was done."""
        now = self.now()
        if self.exchange == "okx":
            at = "0" if seconds == 0 else str(int((now + seconds) * 1000))
            row = {"triggerTime": at, "tag": "", "ts": str(int(now * 1000))}
            return {"code": "0", "msg": "", "data": [row]}
        return {
            "error": [],
            "result": {"currentTime": _rfc(now), "triggerTime": _rfc(now + seconds) if seconds else "0"},
        }

    def _okx(self, request: web.Request, body: str) -> tuple[Any, int]:
        """Check a request as OKX documents: key, passphrase, a fresh ISO time stamp, and their signature."""
        sent = request.headers
        at = sent.get("OK-ACCESS-TIMESTAMP", "")
        signed = f"{at}POST{OKX}{body}".encode()
        expected = base64.b64encode(
            hmac.new(SECRETS["okx"].encode(), signed, hashlib.sha256).digest()
        ).decode()
        if (sent.get("OK-ACCESS-KEY"), sent.get("OK-ACCESS-PASSPHRASE")) != (KEY, PASSWORD):
            return {"code": "50111", "msg": "Invalid OK-ACCESS-KEY", "data": []}, 0
        if not hmac.compare_digest(expected, sent.get("OK-ACCESS-SIGN", "")):
            return {"code": "50113", "msg": "Invalid Sign", "data": []}, 0
        if abs(datetime.fromisoformat(at).timestamp() - time.time()) > _OKX_WINDOW_S:
            return {"code": "50102", "msg": "Timestamp request expired", "data": []}, 0
        seconds = int(json.loads(body)["timeOut"])
        if seconds != 0 and not 10 <= seconds <= 120:
            return {"code": "51000", "msg": "Parameter timeOut error", "data": []}, 0
        return None, seconds

    def _kraken(self, request: web.Request, body: str) -> tuple[Any, int]:
        """Check a request as Kraken documents: key, a nonce above the last one, and a signature over both."""
        given = {name: values[0] for name, values in parse_qs(body).items()}
        digest = hashlib.sha256((given.get("nonce", "") + body).encode()).digest()
        secret = base64.b64decode(SECRETS["kraken"])
        expected = base64.b64encode(
            hmac.new(secret, KRAKEN.encode() + digest, hashlib.sha512).digest()
        ).decode()
        if request.headers.get("API-Key") != KEY:
            return {"error": ["EAPI:Invalid key"]}, 0
        if not hmac.compare_digest(expected, request.headers.get("API-Sign", "")):
            return {"error": ["EAPI:Invalid signature"]}, 0
        if int(given["nonce"]) <= self._nonce:
            return {"error": ["EAPI:Invalid nonce"]}, 0
        self._nonce = int(given["nonce"])
        seconds = int(given["timeout"])
        if not 0 <= seconds < 86_400:
            return {"error": ["EGeneral:Invalid arguments:timeout"]}, 0
        return None, seconds


def _rfc(at: float) -> str:
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@asynccontextmanager
async def timer_server(exchange: str, now: Callable[[], float] = time.time) -> AsyncIterator[TimerServer]:
    """Serve one account of an exchange; `now` is the clock that its timer runs by, in Unix seconds."""
    server = TimerServer(exchange, now)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context())
    await site.start()
    assert runner.addresses
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()
