"""A daemon, its embedded database and a paper exchange as a user starts them, each a process of its own."""

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg

from engine.cli.acts import accounts, profiles, robots, tenants
from engine.cli.acts.session import on_ledger
from engine.deploy.deployment import deploy
from engine.deploy.embedded import EmbeddedPostgres, running_url
from engine.domain.scopes import ROBOT_SCOPES, Scope
from engine.exchange.account import ExchangeUrls
from engine.runtime.settings import Settings
from tests.database.prepared import memory, prepare
from tests.database.servers import in_own_loop

HOLDFAST = (sys.executable, "-c", "from engine.cli import main; main(prog_name='holdfast')")
WAIT_S = 30.0
_POLL_S = 0.02
_WEIGHT_MAX = 2_700  # market data needs 2,400 left, registering the account and its first pass the rest


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str


def call(  # noqa: PLR0917 - method, path and body read like a request
    port: int,
    method: str,
    path: str,
    body: Any = None,
    key: str | None = None,
    idem: str | None = None,
    **headers: str,
) -> Answer:
    """Make one request; `body` is sent as JSON, or as it is if it is bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if key is not None:
        sent["Authorization"] = f"Bearer {key}"
    if idem is not None:
        sent["Idempotency-Key"] = idem
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    try:
        connection.request(method, path, data, sent)
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    received = {name.lower(): value for name, value in response.getheaders()}
    shown = json.loads(text) if "json" in received.get("content-type", "") else text
    return Answer(response.status, received, shown, text)


def until(what: str, look: Callable[[], Any], wait_s: float = WAIT_S, every_s: float = _POLL_S) -> Any:
    """Return the first true value of `look`; fails with `what` when it does not come in time."""
    deadline = time.monotonic() + wait_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {wait_s} s: {what}"
        time.sleep(every_s)


class Process:
    """One `holdfast` process; stderr goes to a file, events are read from stdout."""

    def __init__(self, arguments: list[str], folder: Path, name: str, **settings: str) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HOLDFAST_")}
        environment |= {f"HOLDFAST_{key.upper()}": value for key, value in settings.items()}
        self.log = folder / f"{name}.log"
        self._said = folder / f"{name}.out"
        with self.log.open("ab") as log, self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [*HOLDFAST, *arguments], stdin=subprocess.DEVNULL, stdout=said, stderr=log, env=environment
            )

    def said(self, event: str) -> dict[str, Any]:
        """Wait for an event line."""

        def look() -> dict[str, Any] | None:
            for line in self._said.read_text().splitlines():
                found: dict[str, Any] = json.loads(line)
                if found["event"] == event:
                    return found
            assert self.process.poll() is None, f"it ended: {self.log.read_text()[-2000:]}"
            return None

        return dict(until(f"the event {event}", look))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(WAIT_S)


@dataclass(slots=True)
class Tenant:
    """A tenant with one robot, one exchange account and the profile `main` with 10,000 USDT."""

    name: str
    tenant_id: UUID
    key: str
    account: str
    profile_id: str


@dataclass(slots=True)
class Stage:
    """What a test speaks to. The market is held still until a test moves it."""

    folder: Path
    paper_process: Process
    paper: int
    control: int
    daemon: Process
    port: int
    tenants: list[Tenant] = field(default_factory=list)
    database: str | None = None  # of another server than the embedded one

    @classmethod
    @contextlib.contextmanager
    def started(cls, *, empty: bool = False, **settings: str) -> Iterator[Self]:
        """Start all of it, the daemon with `settings`; whatever happens, no process and no file is left.

        The daemon finds its database as an earlier start left it; if `empty`, it makes it itself.
        """
        folder = Path(tempfile.mkdtemp(prefix="holdfast-stage-", dir=memory()))
        folder.chmod(0o711)  # for the unprivileged user of the database, when this runs as root
        running: list[Process] = []
        try:
            if not empty:
                prepare(folder / "data", "stage", _deployed)
            exchange = Process(
                ["paper", "--port", "0", "--control-port", "0", "--step-ms", "0", "--exit-with-parent"],
                folder,
                "paper",
            )
            running.append(exchange)
            daemon = start_daemon(folder, **settings)
            running.append(daemon)
            paper = exchange.said("ready")
            stage = cls(
                folder,
                exchange,
                paper["port"],
                paper["control_port"],
                daemon,
                daemon.said("listening")["port"],
            )
            stage.pin("50000", "50010")
            until("the database's gates", lambda: stage.gate() in {None, "accounts"})
            try:
                yield stage
            finally:
                running.append(stage.daemon)  # a test may have started another one
        finally:
            for process in reversed(running):
                process.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def tenant(self, deposit: str = "100000", *, blind: bool = False, capital: str = "10000") -> Tenant:
        """Make a tenant as the CLI does; `blind` has streams that never answer."""
        # an exchange counts the weight of an address in minutes, and a new account costs some 300 of 6,000
        until("its address has weight left", lambda: self.used_weight() < _WEIGHT_MAX, 90.0, 1.0)
        name = f"t{uuid4().hex[:8]}"
        self.steer("POST", "/accounts", {"key": name, "secret": "s", "deposits": {"USDT": deposit}})
        urls = accounts.paper_urls(f"http://127.0.0.1:{self.paper}")
        if blind:
            urls = ExchangeUrls(urls.rest_url, "ws://127.0.0.1:9/ws-api/v3", "ws://127.0.0.1:9/stream/ws")

        async def make(ledger: Any, settings: Settings) -> Tenant:
            made = await tenants.create(ledger, name)
            robot = await robots.create(ledger, name, "r1", robots.Wanted([*ROBOT_SCOPES, Scope.MANAGE]))
            credentials = accounts.Credentials(name, "s")
            account = await accounts.create(
                ledger, settings, name, "paper", exchange="binance", credentials=credentials, urls=urls
            )
            profile = await profiles.create(
                ledger,
                name,
                "main",
                account="paper",
                quote="USDT",
                spec={"symbols": ["BTC/USDT"]},
                amount=capital,
            )
            return Tenant(
                name, UUID(made["tenant_id"]), robot["key"], account["account_id"], profile["profile_id"]
            )

        settings = Settings(data_dir=self.folder / "data")
        tenant = asyncio.run(on_ledger(self.database_url, settings, make))
        self.tenants.append(tenant)
        until("its account is connected", lambda: self.connected(tenant))
        return tenant

    def used_weight(self) -> int:
        """Return the request weight that the exchange has counted in this minute."""
        return int(call(self.paper, "GET", "/api/v3/time").headers["x-mbx-used-weight-1m"])

    def connected(self, tenant: Tenant) -> bool:
        """Tell whether all gates of a tenant's account are open, and the daemon has its first quotes."""
        rows = self.call("GET", "/internal/health").body["exchange"]
        return any(
            row["tenant_id"] == str(tenant.tenant_id)
            and row["problem"] is None
            and row["quotes"] > 0
            and (row["lease"] or {}).get("stage") == "reconciled"
            for row in rows
        )

    @property
    def database_url(self) -> str:
        if self.database is not None:
            return self.database
        url = running_url(self.folder / "data")
        assert url is not None, "the embedded database does not run"
        return url

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        return call(self.port, method, path, body, **more)

    def steer(self, method: str, path: str, body: Any = None) -> Any:
        """Speak to the paper exchange's control port."""
        answer = call(self.control, method, path, body)
        assert 200 == answer.status, answer.text
        return answer.body

    def pin(self, bid: str, ask: str) -> None:
        """Hold BTC/USDT at two prices."""
        self.steer("POST", "/market", {"symbol": "BTCUSDT", "bid": bid, "ask": ask, "depth": "50"})

    def gate(self) -> str | None:
        """Return the first closed gate."""
        gate: str | None = self.call("GET", "/readyz").body.get("gate")
        return gate

    def rows(self, sql: str, *args: Any) -> list[dict[str, Any]]:
        """Read the database as its administrator."""

        async def read() -> list[dict[str, Any]]:
            conn = await asyncpg.connect(self.database_url)
            try:
                return [dict(row) for row in await conn.fetch(sql, *args)]
            finally:
                await conn.close()

        return asyncio.run(read())

    def restart(self) -> None:
        """Start the daemon again on the same folder."""
        self.daemon = start_daemon(self.folder)
        self.port = self.daemon.said("listening")["port"]


def _deployed(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        in_own_loop(deploy(server.url()))


def start_daemon(folder: Path, name: str = "daemon", **settings: str) -> Process:
    """Start `holdfast run` on a free port, with intervals for tests."""
    chosen = {
        "data_dir": str(folder / "data"),
        "watchdog_interval_s": "1",
        "poll_interval_s": "5",
        "reconcile_interval_s": "300",  # many accounts share an address here; a test that wants a pass asks
        "stream_silent_s": "20",
        **settings,
    }
    return Process(["run", "--port", "0", "--exit-with-parent"], folder, name, **chosen)
