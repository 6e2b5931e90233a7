"""Real processes under load: SIGKILL of the daemon and immediate stops of Postgres at random moments."""

import asyncio
import http.client
import json
import math
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg

from engine.paper.oracle import OracleOrder
from tests.daemon.stage import Answer, Process, Stage, Tenant, start_daemon
from tests.database.servers import Database, Server, in_own_loop
from tests.torture.oracle import STATE, Findings, State, judged
from tests.torture.scene import seeded
from tests.torture.world import exact_json

_TENANTS = 4
_CAPITAL = "10000"
_SETTINGS = {
    "test_clock": "true",
    "lease_ttl_s": "2",
    "read_gap_s": "0.5",
    "log_level": "WARNING",
    "clock_skew_max_s": "86400",  # the exchange's clock is moved, so that nothing waits
}
_EXPIRED_S = 31.0
_CALM_S = 90.0
_UNRESOLVED = """
SELECT 1 FROM engine.intents i LEFT JOIN engine.orders o USING (tenant_id, intent_id)
WHERE i.state IN ('sending', 'in_doubt') OR o.status = 'open' LIMIT 1
"""
_ENTRY = {"profile": "main", "symbol": "BTC/USDT", "type": "limit"}


@dataclass(slots=True)
class Load:
    """Robots, one thread each: they trade, and ask again under the same key when nobody answers."""

    stage: Stage
    tenants: list[Tenant]
    rng: Random
    going: bool = True
    accepted: int = 0
    keys: dict[str, set[str]] = field(default_factory=dict)
    open: dict[tuple[str, str], tuple[Tenant, str, dict[str, Any]]] = field(default_factory=dict)

    def robot(self, tenant: Tenant) -> None:
        """Trade until told to stop."""
        rng, number = Random(self.rng.random()), 0  # noqa: S311 - a test's choices
        while self.going:
            number += 1
            path, body = self._wish(rng)
            key = f"{path}-{number}"
            while self.ask(tenant, key, path, body) is None and self.going:
                time.sleep(0.2)  # nobody is there: ask again under the same key
            time.sleep(0.005 + rng.random() * 0.03)

    def _wish(self, rng: Random) -> tuple[str, dict[str, Any]]:
        if rng.random() < 0.35:
            return "/v1/exits", {"profile": "main", "symbol": "BTC/USDT", "type": "market", "quantity": "all"}
        price = rng.choice(("50100", "50100", "49000"))
        tif = "IOC" if price == "49000" else "GTC"
        return "/v1/entries", {**_ENTRY, "quantity": "0.001", "limit_price": price, "time_in_force": tif}

    def ask(self, tenant: Tenant, key: str, path: str, body: dict[str, Any]) -> Answer | None:
        """Ask once; what was not answered is kept to be asked again."""
        self.keys.setdefault(tenant.name, set()).add(key)
        self.open[tenant.name, key] = (tenant, path, body)
        try:
            answer = self.stage.call("POST", path, body, key=tenant.key, idem=key)
        except (OSError, http.client.HTTPException, ValueError):
            return None
        if answer.body.get("outcome") in {"placed", "not_placed"}:
            self.open.pop((tenant.name, key), None)
        self.accepted += answer.status == 201
        return answer


@dataclass(slots=True)
class Arena:
    """A daemon, its database server and an exchange; all of them can be killed."""

    stage: Stage
    server: Server
    database: Database
    settings: dict[str, str]

    def kill_daemon(self) -> None:
        """SIGKILL, let everything expire that can, start again."""
        self.stage.daemon.stop(signal.SIGKILL)
        self.pass_time(_EXPIRED_S)
        self.stage.daemon = start_daemon(self.stage.folder, **self.settings)
        self.stage.port = self.stage.daemon.said("listening")["port"]

    def kill_database(self, away_s: float) -> None:
        """Stop the server at once, as a crash does, and start it again."""
        embedded = self.server._embedded
        assert embedded is not None
        assert embedded._server is not None
        embedded._server.send_signal(signal.SIGQUIT)
        embedded._server.wait(20)
        time.sleep(away_s)
        embedded.stop()
        embedded.start()

    def pass_time(self, seconds: float) -> None:
        """Move the database's and the exchange's clock."""
        in_own_loop(self.database.advance_clock(seconds))
        self.stage.steer("POST", "/clock", {"advance_ms": round(seconds * 1000)})

    def ready(self) -> None:
        """Wait until entries are open."""
        deadline, gate = time.monotonic() + _CALM_S, "unknown"
        while gate is not None:
            assert time.monotonic() < deadline, f"not ready: {gate}"
            gate = self._gate()
            time.sleep(0.02)

    def _gate(self) -> str | None:
        try:
            shown = self.stage.call("GET", "/readyz")
        except (OSError, http.client.HTTPException, ValueError) as error:
            return repr(error)
        return None if shown.body.get("gate") is None else shown.text


@contextmanager
def arena() -> Iterator[Arena]:
    """Start it all; whatever happens, no process and no file is left."""
    server = Server.start(mortal=True)
    embedded = server._embedded
    assert embedded is not None
    embedded._wanted_port = embedded.port
    folder = Path(tempfile.mkdtemp(prefix="holdfast-torture-"))
    running: list[Process] = []
    try:
        database = in_own_loop(server.create())
        settings = {"database_url": database.engine_url, **_SETTINGS}
        arguments = ["paper", "--port", "0", "--control-port", "0", "--step-ms", "0", "--exit-with-parent"]
        exchange = Process(arguments, folder, "paper")
        running.append(exchange)
        ports = exchange.said("ready")
        daemon = start_daemon(folder, **settings)
        port = daemon.said("listening")["port"]
        stage = Stage(
            folder,
            exchange,
            ports["port"],
            ports["control_port"],
            daemon,
            port,
            database=database.engine_url,
        )
        made = Arena(stage, server, database, settings)
        try:
            stage.pin("50000", "50010")
            yield made
        finally:
            stage.daemon.stop(signal.SIGKILL)
    finally:
        for process in running:
            process.stop()
        if embedded.pid is None:
            embedded.start()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class Killed:
    """What came of kills: how many of each there were, and of how many requests all was right or not."""

    found: Findings
    requests: int
    daemons: int
    databases: int


def kill_all(
    seed: int, kills: int, database_kills: int, *, tell: Any = None, until: float = math.inf
) -> Killed:
    """Kill at random moments under load, none after `until` (monotonic), let all come to rest, and judge."""
    rng = seeded("processes", seed)
    with arena() as made:
        tenants = [made.stage.tenant(capital=_CAPITAL) for _ in range(_TENANTS)]
        made.ready()
        load = Load(made.stage, tenants, rng)
        robots = [threading.Thread(target=load.robot, args=(tenant,), daemon=True) for tenant in tenants]
        for robot in robots:
            robot.start()
        turns, done = ["daemon"] * kills + ["database"] * database_kills, Counter[str]()
        rng.shuffle(turns)
        for number, turn in enumerate(turns):
            if time.monotonic() > until:
                break
            done[turn] += 1
            time.sleep(rng.uniform(0.1, 0.5))
            if turn == "daemon":
                made.kill_daemon()
            else:
                made.kill_database(rng.uniform(0.0, 0.4))
            made.ready()
            if tell is not None and number % 25 == 24:
                tell(f"kills: {number + 1} of {len(turns)}, {load.accepted} orders")
        load.going = False
        for robot in robots:
            robot.join(30)
        found, requests = _calm(made, load)
        return Killed(found, requests, done["daemon"], done["database"])


def _calm(made: Arena, load: Load) -> tuple[Findings, int]:
    """Ask again for what nobody answered, wait until nothing is in doubt, and judge each tenant."""
    deadline, turn = time.monotonic() + _CALM_S, 0
    while time.monotonic() < deadline:
        for (_, key), (tenant, path, body) in list(load.open.items()):
            if time.monotonic() < deadline:
                load.ask(tenant, key, path, body)
        unresolved = asyncio.run(_read(made.database.admin_url, _UNRESOLVED))
        if not load.open and not unresolved:
            break
        if turn % 8 == 0:
            made.pass_time(_EXPIRED_S)
        turn += 1
        time.sleep(1)
    made.stage.daemon.stop()
    books = made.stage.steer("GET", "/oracle")
    found = Findings()
    for difference in books["differences"]:
        found.add("capital_errors", f"the exchange's own books: {difference}")
    for tenant in load.tenants:
        found.merge(judged(_state(made, load, tenant, books["accounts"][tenant.name])))
    return found, sum(len(keys) for keys in load.keys.values())


def _state(made: Arena, load: Load, tenant: Tenant, books: dict[str, Any]) -> State:
    late = {(order["symbol"], order["orderId"]) for order in books["orders"]}
    scene: Any = SimpleNamespace(
        world=SimpleNamespace(paper=SimpleNamespace(oracle=SimpleNamespace(_late=late))),
        profiles={"main": UUID(tenant.profile_id)},
        given={"main": Decimal(_CAPITAL)},
        asked={key: SimpleNamespace(told=[]) for key in load.keys.get(tenant.name, ())},
        foreign=set(),
        operators=set(),
        halted=set(),
        broken=[],
        unsettled=False,
        account_mode="active",
    )
    totals = {asset: Decimal(each["total"]) for asset, each in books["balances"].items()}
    rows = asyncio.run(_read(made.database.admin_url, STATE, tenant.tenant_id))[0][0]
    tag = next((each["client_order_id"][:4] for each in (rows["intents"] or {}).values()), "none")
    return State(scene, rows, [_order(each) for each in books["orders"]], totals, tag)


async def _read(url: str, sql: str, *args: Any) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=exact_json)
        return list(await connection.fetch(sql, *args))
    finally:
        await connection.close()


def _order(shown: dict[str, Any]) -> OracleOrder:
    """Read an order of the oracle back."""
    status, symbol = shown["status"], shown["symbol"]
    return OracleOrder(
        shown["account"],
        symbol,
        shown["orderId"],
        shown["clientOrderId"],
        shown["side"] == "BUY",
        shown["type"],
        shown["timeInForce"],
        Decimal(shown["price"]),
        Decimal(shown["origQty"]),
        shown["time"],
        symbol.removesuffix("USDT"),
        "USDT",
        status if status not in {"NEW", "PARTIALLY_FILLED", "FILLED"} else None,
        shown["fills"],
        Decimal(shown["executedQty"]),
        Decimal(shown["cummulativeQuoteQty"]),
    )
