"""The ground of many schedules: one database, one paper exchange, three clocks that move together."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from weakref import WeakSet

import aiohttp
import asyncpg

from engine.domain.ids import tag_from_random
from engine.domain.instruments import Instrument
from engine.exchange.account import AccountConfig, ExchangeUrls, make_client
from engine.exchange.gateway import Gateway
from engine.exchange.scheduler import Scheduler
from engine.exchange.sending import Sender
from engine.exchange.tiers import Limits
from engine.exchange.wire import open_session
from engine.ledger import admin
from engine.ledger.seam import Ledger, LedgerOptions
from engine.ledger.transport import Transport
from engine.paper import scale
from engine.paper.options import AccountOption, Options
from engine.paper.server import PaperExchange
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.database.servers import Database
from tests.torture.seams import Plug

TAG = tag_from_random(b"\x01\x02\x03")
SECRET = "secret"
MARKETS = {"BTCUSDT": ("50000", "50010"), "ETHUSDT": ("2500", "2500.5")}
PLENTY = Limits(weight=1e12, weight_window_s=60, orders=1e12, orders_window_s=10)
CALL_TIMEOUT_S = 5.0


@dataclass(slots=True)
class World:
    """What schedules share. Only one schedule at a time may move its clocks."""

    database: Database
    paper: PaperExchange
    transport: Transport
    options: LedgerOptions
    admin: "asyncpg.Connection[Any]"
    session: aiohttp.ClientSession
    metrics: Metrics
    observer: Ledger  # of another process: no fault hits it
    instruments: tuple[Instrument, ...] = ()
    prototype: Any = None
    offset_s: float = 0.0
    clocks: WeakSet[Clock] = field(default_factory=WeakSet)
    _clients: list[Any] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def clock(self, skew_s: float = 0.0) -> Clock:
        """Return a process' clock, `skew_s` ahead of the others; it moves with the world."""
        clock = Clock(self.offset_s + skew_s)
        self.clocks.add(clock)
        return clock

    async def advance(self, seconds: float) -> None:
        """Let time pass: for the database, the exchange and every process, in whole milliseconds."""
        seconds = round(seconds * 1000) / 1000
        self.offset_s += seconds
        for clock in self.clocks:
            clock.advance(seconds)
        async with self._turn:  # a process that was stopped and its successor may both let time pass
            await self.admin.execute(
                "UPDATE engine.test_clock SET clock_offset = clock_offset + make_interval(secs => $1)",
                seconds,
            )
        self._advance_exchange(round(seconds * 1000))

    def _advance_exchange(self, ms: int) -> None:
        """Move the exchange's clock, and do what comes due on the way at its own moment.

        It goes on by so much beside the real time that passes here: else it would fall behind the others.
        """
        clock = self.paper.clock
        left = ms
        while clock._due and (wait := max(0, clock._due[0][0] - clock.now_ms())) <= left:
            clock.advance(wait)
            left -= wait
            clock.run_due()
        clock.advance(left)

    def ledger(self, plug: Plug, clock: Clock) -> Ledger:
        """Return the ledger of a process: its own seam on connections that all share."""
        ledger = Ledger(self.transport, self.options, self.metrics, clock)
        ledger.fault = plug.sql
        return ledger

    def gateway(self, key: str, account_id: UUID, plug: Plug, clock: Clock) -> Gateway:
        """Return an open gateway of a process; instruments and connections are the world's."""
        urls = ExchangeUrls(
            self.paper.url, f"{self.paper.ws_url}/ws-api/v3", f"{self.paper.ws_url}/stream/ws"
        )
        config = AccountConfig(str(account_id), "binance", key, SECRET, urls=urls)
        scheduler = Scheduler(PLENTY, monotonic=clock.monotonic)
        gateway = Gateway(config, clock=clock, scheduler=scheduler, faults=plug, timeout_s=CALL_TIMEOUT_S)
        client = self._client(config)
        client.apiKey, client.torture_gateway = key, gateway
        gateway._session, gateway._ccxt = self.session, client
        gateway._sender = Sender(config.exchange, gateway.facts, client, gateway.seam, CALL_TIMEOUT_S)
        gateway._exchange_clock._anchor_ms = self.paper.clock.now_ms() - clock.monotonic() * 1000
        gateway._exchange_clock._anchor_at = 0.0
        return gateway

    def _client(self, config: AccountConfig) -> Any:
        """Return a client of ccxt that nobody uses; to make one costs as much as all else of a process."""
        if self._clients:
            return self._clients.pop()

        def now_ms() -> int:
            return int(client.torture_gateway.exchange_now_ms())

        client = make_client(config, self.session, now_ms, CALL_TIMEOUT_S)
        if self.prototype is not None:
            client.set_markets_from_exchange(self.prototype)
        return client

    async def give_back(self, gateway: Gateway) -> None:
        """Take back what a process had that has ended."""
        await gateway._exchange_clock.close()
        measuring = gateway._exchange_clock._measuring
        if measuring is not None and not measuring.cancelled():
            measuring.exception()  # it may have died with the process
        await gateway.scheduler.close()
        self._clients.append(gateway._ccxt)
        gateway._ccxt = gateway._session = None

    def open_account(self, key: str, deposits: dict[str, str]) -> None:
        """Open an account at the exchange."""
        amounts = {asset: scale.parse(amount) for asset, amount in deposits.items()}
        self.paper.add_account(AccountOption(key, SECRET, amounts))

    def pin(self, prices: dict[str, tuple[str, str]]) -> None:
        """Hold markets still at bid and ask."""
        for symbol, (bid, ask) in prices.items():
            self.paper.outside.pin(symbol, scale.parse(bid), scale.parse(ask), scale.parse("50"))

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        """Read as the database's administrator, past row level security."""
        async with self._turn:
            return list(await self.admin.fetch(sql, *args))


@asynccontextmanager
async def open_world(database: Database, *, judged: bool = True) -> AsyncIterator[World]:
    """Build it, hand it over, and end with the exchange's own books in order, if they are `judged`."""
    admin_connection = await asyncpg.connect(database.admin_url)
    await admin_connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=exact_json
    )
    await admin_connection.set_type_codec("json", schema="pg_catalog", encoder=json.dumps, decoder=exact_json)
    options = LedgerOptions(database.engine_url, pool_size=6, role=None, call_timeout_s=5.0)
    async with PaperExchange(Options(step_ms=0)) as paper, open_session(None, None) as session:
        clock, metrics = Clock(), Metrics()
        observer = await Ledger.connect(options, metrics, clock)
        world = World(
            database, paper, observer.transport, options, admin_connection, session, metrics, observer
        )
        world.clocks.add(clock)
        await _prepare(world)
        try:
            yield world
        finally:
            for client in (*world._clients, world.prototype):
                client.session = None  # so that ccxt does not miss a farewell
            await asyncio.wait_for(observer.close(), 10)
            await admin_connection.close()
        assert not judged or [] == paper.oracle.differences(paper.matching)


async def _prepare(world: World) -> None:
    world.pin(MARKETS)
    world.open_account("prototype", {"USDT": "1"})
    gateway = world.gateway("prototype", uuid4(), Plug(), world.clock())
    await gateway._ccxt.load_markets()
    world.prototype = gateway._ccxt
    wanted = {"BTC/USDT", "ETH/USDT", "BNB/USDT"}
    world.instruments = tuple(each for each in await gateway.instruments() if each.symbol in wanted)
    assert TAG == await admin.init_engine(world.observer, TAG)


def exact_json(text: str) -> Any:
    """Read JSON without a float."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)
