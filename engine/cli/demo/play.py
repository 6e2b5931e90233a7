"""The demo from curtain to curtain: set the stage, trade, settle, compare, clear."""

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from pydantic import SecretStr

from engine.cli.acts import orders
from engine.cli.acts.capital import AccountCapital, of_accounts
from engine.cli.acts.session import on_ledger
from engine.cli.demo import cast as casting
from engine.cli.demo.books import Books, compare
from engine.cli.demo.cast import PROFILES, Cast
from engine.cli.demo.crash import Part, Recovery, Theatre, play_crash
from engine.cli.demo.listener import Heard, catch_up, listening
from engine.cli.demo.progress import Progress
from engine.cli.demo.readers import books_of_exchange, books_of_ledger
from engine.cli.demo.report import render
from engine.cli.demo.result import Acts, AssetLine, Result, profile_line
from engine.cli.demo.robots import Market, Robot, provoke, send_twice, trade
from engine.cli.demo.stage import Stage, free_port
from engine.cli.demo.stranger import Foreign, Wall, try_walls
from engine.cli.demo.tally import Tally
from engine.deploy.deployment import deploy
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.money import ZERO, parse_decimal
from engine.ledger import feed, reads
from engine.ledger.seam import Ledger
from engine.runtime.settings import Settings

_SETTLE_TIMEOUT_S = 30.0
_QUIET_S = 4.0
_POLL_S = 0.1
_ALL = 1_000_000
_LINE_EVERY_S = 0.2
_LEASE_TTL_S = (
    "3"  # the killed daemon's right to the account ends so soon, and nobody likes to wait at a demo
)
_RACE, _STEADY, _PATIENT = PROFILES


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose; `seconds` is how long the robots trade."""

    seconds: float
    seed: int
    replay: Path | None
    lines: bool
    as_json: bool


def run(options: Options) -> Result:
    """Play the whole demo in this, the main thread. Raises KeyboardInterrupt, HoldfastError."""
    for name in [name for name in os.environ if name.startswith("HOLDFAST_")]:
        del os.environ[name]  # an operator's real database is none of the demo's
    # As Ctrl-C, which asyncio turns into a cancel of the main task. An exception raised by the handler itself
    # would strike anywhere, inside a database driver's C code as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    progress = Progress(sys.stderr if options.as_json else sys.stdout)
    with Stage() as stage:
        return asyncio.run(_Play(options, stage, progress).all())


def json_text(result: Result) -> str:
    """The figures as DEMO_JSON gets them."""
    return json.dumps(result.as_json(), indent=2) + "\n"


def screen(result: Result, options: Options) -> str:
    """The last screen."""
    return render(result, every_line=options.lines) + "\n"


class _Play:
    def __init__(self, options: Options, stage: Stage, progress: Progress) -> None:
        self._options = options
        self._stage = stage
        self._progress = progress
        self._tally = Tally()
        self._began = time.monotonic()
        self._settings = Settings(data_dir=stage.folder)

    async def all(self) -> Result:
        """Return what was found; everything is stopped by then."""
        self._progress.line("Holdfast demo: three robots race for one profile's 1,000 USDT.")
        self._progress.line("A paper exchange and an embedded database; nothing real is touched.")
        self._progress.line()
        exchange = self._start_exchange()
        with self._progress.step("database", "starting PostgreSQL") as told:
            url = self._stage.start_database()
            report = await deploy(url)
            told.append(f"PostgreSQL {report.server_version}, schema deployed from {report.files} files")
        self._settings = Settings(data_dir=self._stage.folder, database_url=SecretStr(url))
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
            ports = await self._exchange_ready(exchange)
            origin, control = (f"http://127.0.0.1:{ports[name]}" for name in ("port", "control_port"))
            result = await on_ledger(
                url, self._settings, lambda ledger, _: self._on_stage(ledger, http, origin, control)
            )
        with self._progress.step("stopping", "daemon, exchange, database") as told:
            killed = self._stage.stop()
            told.append("daemon, exchange and database stopped; nothing is left running")
        self._tally.unexpected.update(f"the {name} had to be killed" for name in killed)
        complaints = self._stage.complaints("daemon")
        return replace(result, complaints=complaints, seconds=time.monotonic() - self._began)

    def _start_exchange(self) -> str:
        account = f"{casting.API_KEY}:{casting.API_SECRET}:{casting.DEPOSITS}"
        arguments = ["paper", "--port", "0", "--control-port", "0", "--seed", str(self._options.seed)]
        arguments += ["--account", account, "--exit-with-parent"]
        if self._options.replay is not None:
            arguments += ["--replay", _named(self._options.replay)]
        self._stage.start_child("exchange", arguments, {})
        return "exchange"

    async def _exchange_ready(self, name: str) -> Mapping[str, Any]:
        with self._progress.step("exchange", "starting the paper exchange") as told:
            ready = await self._stage.said(name, "ready")
            prices = f"recorded trades of {self._options.replay.name}" if self._options.replay else "seeded"
            told.append(f"paper exchange on 127.0.0.1:{ready['port']}, Binance's protocol, prices {prices}")
        return ready

    async def _on_stage(
        self, ledger: Ledger, http: aiohttp.ClientSession, origin: str, control: str
    ) -> Result:
        with self._progress.step("tenant", "creating tenant, account, profiles and robots") as told:
            cast = await casting.assemble(ledger, self._settings, origin)
            shares = ", ".join(f"{name} {amount:,}" for name, amount in PROFILES.items())
            told.append(f"profiles {shares} USDT; {len(cast.keys)} robots")
        port = free_port()
        with self._progress.step("daemon", "starting, passing its gates") as told:
            await self._start_daemon(http, port)
            told.append(f"API on 127.0.0.1:{port}, all gates open")
        api = f"http://127.0.0.1:{port}"
        robots = {
            name: Robot(name, key, api=api, http=http, tally=self._tally, seed=self._options.seed)
            for name, key in cast.keys.items()
        }
        markets = _markets(cast, http, origin)
        async with listening(http, api, cast.keys["cleo"]) as heard:
            await self._trade(robots, markets)
            wall = await self._walls(ledger, http, api, cast)
            recovery = await self._crash(
                Theatre(
                    http,
                    control,
                    lambda: orders.every(ledger, cast.tenant_id, {}, _ALL),
                    lambda: self._stage.kill("daemon"),
                    lambda: self._start_daemon(http, port),
                    self._stage.logs,
                ),
                Part(robots["ben"], _STEADY, markets["ETH/USDT"]),
                Part(robots["ada"], _PATIENT, markets["BTC/USDT"]),
            )
            with self._progress.step(
                "settling", "canceling what is open, waiting for the last fills"
            ) as told:
                await self._settle(ledger, cast, robots[next(iter(robots))])
                ledger_books, oracle = await self._final_books(ledger, cast, http, control)
                told.append("every order is final")
            await self._last_events(ledger, cast, heard)
        return await self._found(ledger, cast, ledger_books, oracle, Acts(wall, recovery, heard))

    async def _found(
        self, ledger: Ledger, cast: Cast, ledger_books: Books, oracle: Any, acts: Acts
    ) -> Result:
        """Bring together what the last screen says."""
        exchange_books = books_of_exchange(oracle, casting.API_KEY)
        capital = (await of_accounts(ledger, self._settings, casting.TENANT, None, live=False))[0]
        rebuilt = {
            row["name"]: await reads.rebuild_capital(ledger, cast.tenant_id, row["profile_id"])
            for row in capital.profiles
        }
        intents = await orders.every(ledger, cast.tenant_id, {}, _ALL)
        missing = self._tally.intents - {row["id"] for row in intents}
        self._tally.unexpected.update(f"robots were told of {one}, the ledger has none" for one in missing)
        return Result(
            tally=self._tally,
            profiles=[profile_line(row, rebuilt[row["name"]]) for row in _as_cast(capital.profiles)],
            assets=_assets(capital, exchange_books),
            intent_states=Counter(row["state"] for row in intents),
            ledger=ledger_books,
            exchange=exchange_books,
            oracle_differences=oracle["differences"],
            acts=acts,
            seconds=0,
        )

    async def _start_daemon(self, http: aiohttp.ClientSession, port: int) -> None:
        environment = {
            "HOLDFAST_DATABASE_URL": self._stage.database_url,
            "HOLDFAST_DATA_DIR": str(self._stage.folder),
            "HOLDFAST_LEASE_TTL_S": _LEASE_TTL_S,
        }
        self._stage.start_child("daemon", ["run", "--port", str(port), "--exit-with-parent"], environment)
        await self._stage.answered(http, f"http://127.0.0.1:{port}/readyz")

    async def _trade(self, robots: Mapping[str, Robot], markets: Mapping[str, Market]) -> None:
        btc, eth = markets["BTC/USDT"], markets["ETH/USDT"]
        ada, ben, cleo = robots.values()
        until = time.monotonic() + self._options.seconds
        parts = [trade(robot, _RACE, btc, (300, 650), until) for robot in robots.values()]
        parts += [
            trade(ben, _STEADY, eth, (60, 200), until),
            trade(cleo, _PATIENT, btc, (50, 120), until, hold=True),
            self._provocations(ada, eth, until),
        ]
        with self._progress.step("trading", "") as told:
            await self._together(parts, until)
            told.append(self._counts())

    async def _crash(self, theatre: Theatre, first: Part, second: Part) -> Recovery:
        with self._progress.step(
            "crash", "losing an answer, killing the daemon in the middle of an order"
        ) as told:
            recovery = await play_crash(theatre, first, second)
            told.append(
                f"daemon killed (-9) in the middle of an order: recovered in {recovery.seconds:.1f} s"
            )
        return recovery

    async def _walls(self, ledger: Ledger, http: aiohttp.ClientSession, api: str, cast: Cast) -> Wall:
        with self._progress.step("walls", "another tenant's robot tries what is not its own") as told:
            newest = await orders.every(ledger, cast.tenant_id, {}, 1)
            raced = next(
                row for row in await reads.list_profiles(ledger, cast.tenant_id) if row["name"] == _RACE
            )
            order_id = newest[0]["id"] if newest else str(cast.tenant_id)  # all of them are the first one's
            foreign = Foreign(order_id, raced["profile_id"], next(iter(cast.steps)))
            wall = await try_walls(ledger, http, api, foreign)
            told.append(f"another tenant's robot tried {len(wall.attempts)} times: {wall.refused} refused")
        return wall

    async def _last_events(self, ledger: Ledger, cast: Cast, heard: Heard) -> None:
        """Let the feed's client hear the end: first all events get their seq, then they are told."""
        with self._progress.step("feed", "waiting for the last events") as told:
            await catch_up(heard, await _last_seq(ledger, cast.tenant_id))
            told.append(f"a client resumed over the kill: {heard.events:,} events told")

    async def _together(self, parts: list[Coroutine[Any, Any, None]], until: float) -> None:
        """Run all parts; the first that fails ends the others. Raises HoldfastError."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(part) for part in parts]
                line = group.create_task(self._show_line(until))
                await asyncio.wait(tasks)
                line.cancel()
        except ExceptionGroup as failed:
            error = failed.exceptions[0]
            if isinstance(error, HoldfastError):
                raise error from None
            if not isinstance(error, (aiohttp.ClientError, TimeoutError)):
                raise
            lost = f"a robot lost its connection: {error!r}\n{self._stage.logs()}"
            raise HoldfastError(ErrorCode.INTERNAL, lost) from None

    async def _provocations(self, robot: Robot, market: Market, until: float) -> None:
        """What a robot does by mistake, again and again between its honest orders."""
        await provoke(robot, _STEADY, market, PROFILES[_STEADY])
        while True:
            await send_twice(robot, _STEADY, market)
            if time.monotonic() + 1 > until:
                break
            await asyncio.sleep(1)
        await asyncio.sleep(max(until - time.monotonic(), 0))

    async def _show_line(self, until: float) -> None:
        while True:
            self._stage.check()
            left = max(until - time.monotonic(), 0)
            self._progress.moving("trading", f"{left:4.0f} s left  {self._raced()}{self._counts()}")
            await asyncio.sleep(_LINE_EVERY_S)

    def _counts(self) -> str:
        tally = self._tally
        return (
            f"{len(tally.entry_seconds)} entries, {tally.exits_placed} exits, {tally.cancels} cancels, "
            f"{sum(tally.denials.values())} denied"
        )

    def _raced(self) -> str:
        row = self._tally.latest.get(_RACE)
        if row is None:
            return ""
        orders_, positions, free = (
            f"{parse_decimal(row[name], name):,.0f}"
            for name in ("reserved_for_orders", "reserved_for_positions", "available")
        )
        return f"{_RACE}: {orders_} in orders + {positions} in positions + {free} available | "

    async def _settle(self, ledger: Ledger, cast: Cast, robot: Robot) -> None:
        """Cancel every open order over the API and wait until nothing is unfinished."""
        deadline = time.monotonic() + _SETTLE_TIMEOUT_S
        asked: set[str] = set()
        while True:
            rows = await orders.every(ledger, cast.tenant_id, {"open": True}, _ALL)
            if not rows or time.monotonic() > deadline:
                return
            for row in rows:
                if row["id"] not in asked:
                    asked.add(row["id"])
                    await robot.cancel(row["id"])
            self._stage.check()
            await asyncio.sleep(_POLL_S)

    async def _final_books(
        self, ledger: Ledger, cast: Cast, http: aiohttp.ClientSession, control: str
    ) -> tuple[Books, Any]:
        """Read both sides until they are equal, or until no report has come for a while that could help."""
        last, deadline = Books(), 0.0
        while True:
            async with http.get(f"{control}/oracle") as response:
                oracle = await response.json()
            filters = {"account_id": str(cast.account_id)}
            books = books_of_ledger(
                await orders.every(ledger, cast.tenant_id, filters, _ALL),
                await orders.every_fill(ledger, cast.tenant_id, filters),
                await reads.account_equations(ledger, cast.tenant_id, cast.account_id),
            )
            equal = not compare(books, books_of_exchange(oracle, casting.API_KEY))
            if books != last:
                last, deadline = books, time.monotonic() + _QUIET_S
            if equal or time.monotonic() > deadline:
                return books, oracle
            await asyncio.sleep(_POLL_S)


def _markets(cast: Cast, http: aiohttp.ClientSession, origin: str) -> Mapping[str, Market]:
    async def prices(symbol: str) -> tuple[Decimal, Decimal]:
        return await _best_prices(http, origin, symbol)

    return {symbol: Market(symbol, steps.tick, steps.lot, prices) for symbol, steps in cast.steps.items()}


async def _last_seq(ledger: Ledger, tenant_id: UUID) -> int:
    """Return the seq of a tenant's last event, once each of its events has one."""
    deadline = time.monotonic() + _SETTLE_TIMEOUT_S
    while True:
        (due,) = [each for each in await feed.due_feeds(ledger, [tenant_id]) if each.tenant_id == tenant_id]
        if not due.waiting or time.monotonic() > deadline:
            return due.last_seq + due.waiting  # what still waits then is an event nobody was told
        await asyncio.sleep(_POLL_S)


async def _best_prices(http: aiohttp.ClientSession, origin: str, symbol: str) -> tuple[Decimal, Decimal]:
    """Best bid and ask as anybody can read them at the exchange."""
    url = f"{origin}/api/v3/depth?symbol={symbol.replace('/', '')}&limit=5"
    deadline = time.monotonic() + _SETTLE_TIMEOUT_S
    while time.monotonic() < deadline:
        async with http.get(url) as response:
            book = await response.json()
        if book["bids"] and book["asks"]:
            return parse_decimal(book["bids"][0][0], "bid"), parse_decimal(book["asks"][0][0], "ask")
        await asyncio.sleep(_POLL_S)
    raise HoldfastError(ErrorCode.STALE_PRICE, f"The paper exchange offers no price for {symbol}.")


def _as_cast(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: list(PROFILES).index(row["name"]))


def _assets(capital: AccountCapital, exchange: Books) -> list[AssetLine]:
    lines = []
    for asset in sorted({*capital.assets, *exchange.balances}):
        held = [holdings.get(asset, ZERO) for holdings in capital.holdings.values()]
        lines.append(
            AssetLine(
                asset=asset,
                profiles=sum(held, ZERO),
                unassigned=capital.unassigned.get(asset, ZERO),
                exchange=exchange.balances.get(asset, ZERO),
            )
        )
    return lines


def _named(path: Path) -> str:
    """Name the symbol where the file's name does not: the demo trades BTC/USDT."""
    return str(path) if "-" in path.name and path.name.split("-")[0].isupper() else f"BTCUSDT={path}"
