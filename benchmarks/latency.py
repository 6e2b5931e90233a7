"""From a robot's request to its confirmed order, against ccxt's own create_order on the same exchange.

    .venv/bin/python benchmarks/latency.py [--orders 80] [--concurrent 160] [--seed 7] [--json FILE]

Everything is a process of its own: the paper exchange, PostgreSQL (durable, fsync on), `holdfast run`, and
this one, which is the robot (HTTP) and the plain ccxt client in turn: A B A B. An order "through Holdfast" is
POST /v1/entries until its 201, "direct" is create_order until it returns. CPU is what the kernel counted
for the daemon and for all of PostgreSQL while the orders ran, what they do after the answer included.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from engine.cli.acts import accounts, profiles, robots, tenants
from engine.cli.acts.session import on_ledger
from engine.cli.demo.stage import Stage, free_port
from engine.deploy.deployment import deploy
from engine.deploy.embedded import EmbeddedPostgres
from engine.exchange.lean import exchange_class
from engine.ledger.seam import Ledger
from engine.runtime.settings import Settings

SYMBOL = "BTC/USDT"
QUANTITY = "0.001"
ACCOUNTS = 8  # an account sends at most 100 orders in 10 seconds, as on Binance: no order shall wait for that
ORDERS_PER_S = 9  # the direct client has one account: between blocks it rests until it may send the next
PROFILES = 16
BLOCK = 20  # orders of each way in one block of the sequential part
QUIET_S = 0.3
IDLE_S = 2.0
CREATED = 201
STALE = "STALE_PRICE"
TICKS = os.sysconf("SC_CLK_TCK")
SUMS = re.compile(
    r'^holdfast_(\w+)_duration_seconds_(sum|count)\{(?:function|endpoint)="(\w+)".*\} (\S+)$', re.MULTILINE
)


@dataclass(slots=True)
class Case:
    """One kind of order and number of robots, with all that was measured of it."""

    kind: str
    robots: int
    through: list[float] = field(default_factory=list)  # milliseconds
    direct: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)  # one a block
    seconds_through: float = 0.0
    seconds_direct: float = 0.0
    daemon_cpu_s: float = 0.0
    postgres_cpu_s: float = 0.0
    sums: Counter[str] = field(default_factory=Counter)

    def take(self, through: list[float], direct: list[float]) -> None:
        self.ratios.append(statistics.median(through) / statistics.median(direct))
        self.through += through
        self.direct += direct

    def row(self) -> dict[str, Any]:
        orders = len(self.through)
        rates = {}
        if self.robots > 1:
            rates = {
                "through_orders_per_s": round(orders / self.seconds_through),
                "direct_orders_per_s": round(len(self.direct) / self.seconds_direct),
            }
        return {
            "order": self.kind,
            "robots": self.robots,
            "orders_each_way": orders,
            "through_ms_p50": _p(self.through, 50),
            "direct_ms_p50": _p(self.direct, 50),
            "difference_ms_p50": round(_p(self.through, 50) - _p(self.direct, 50), 2),
            "ratio_p50": round(statistics.median(self.ratios), 2),
            "ratio_p50_low": round(min(self.ratios), 2),
            "ratio_p50_high": round(max(self.ratios), 2),
            "through_ms_p99": _p(self.through, 99),
            "direct_ms_p99": _p(self.direct, 99),
            **rates,
            "daemon_cpu_ms_per_order": round(self.daemon_cpu_s * 1000 / orders, 2),
            "postgres_cpu_ms_per_order": round(self.postgres_cpu_s * 1000 / orders, 2),
            "parts_mean_ms": self._parts(),
        }

    def _parts(self) -> dict[str, float]:
        """Return what the daemon's metrics say of an order's time; the rest is HTTP, Python and waiting."""
        named = {"open": "sql_call fn_open_entry", "exchange": "exchange_call submit",
                 "persist": "sql_call fn_persist_entry_lifecycle"}  # fmt: skip
        parts = {
            name: round(self.sums[f"{key} sum"] * 1000 / max(self.sums[f"{key} count"], 1), 2)
            for name, key in named.items()
        }
        return {**parts, "rest": round(statistics.mean(self.through) - sum(parts.values()), 2)}


@dataclass(slots=True)
class Rig:
    """The running processes as the measurements see them."""

    http: aiohttp.ClientSession
    api: str
    key: str
    ccxt: Any
    daemon_pid: int
    postgres_pid: int
    resting_price: str
    sent: int = 0
    open_through: list[str] = field(default_factory=list)
    open_direct: list[str] = field(default_factory=list)

    async def through(self, kind: str, profile: int) -> tuple[float, str]:
        """Send one entry to Holdfast; milliseconds to its answer, and a code if it was not placed."""
        self.sent += 1
        order = {"profile": f"p{profile}", "symbol": SYMBOL, "type": kind, "quantity": QUANTITY}
        if kind == "limit":
            order["limit_price"] = self.resting_price
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": f"bench-{self.sent}"}
        began = time.perf_counter()
        async with self.http.post(f"{self.api}/v1/entries", json=order, headers=headers) as response:
            body = await response.json()
        taken = (time.perf_counter() - began) * 1000
        if response.status != CREATED:
            return taken, str(body.get("code", response.status))
        if kind == "limit":
            self.open_through.append(body["id"])
        return taken, ""

    async def direct(self, kind: str) -> float:
        """Send one order with ccxt; milliseconds until it returns."""
        price = None if kind == "market" else float(self.resting_price)
        began = time.perf_counter()
        order = await self.ccxt.create_order(SYMBOL, kind, "buy", float(QUANTITY), price)
        taken = (time.perf_counter() - began) * 1000
        if kind == "limit":
            self.open_direct.append(order["id"])
        return taken

    async def placed(self, kind: str, profile: int) -> float:
        """Send one entry that must be placed: a refusal would be no measurement."""
        taken, code = await self.through(kind, profile)
        if code:
            raise SystemExit(f"an entry was not placed: {code}")
        return taken

    async def clear(self) -> None:
        """Cancel what rests, and let both sides come to rest; in no measured time."""
        for name in self.open_through:
            headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": f"cancel-{name}"}
            async with self.http.delete(f"{self.api}/v1/orders/{name}", headers=headers) as response:
                await response.read()
        for name in self.open_direct:
            await self.ccxt.cancel_order(name, SYMBOL)
        self.open_through.clear()
        self.open_direct.clear()
        await asyncio.sleep(QUIET_S)

    async def sums(self) -> Counter[str]:
        """Read the daemon's sums and counts of durations, by kind and name of the call."""
        async with self.http.get(f"{self.api}/metrics") as response:
            text = await response.text()
        found: Counter[str] = Counter()
        for kind, what, name, value in SUMS.findall(text):
            found[f"{kind} {name} {what}"] += float(value)
        return found

    async def measured(self, case: Case, work: Callable[[], Awaitable[None]]) -> None:
        """Do a block of work and book CPU and parts of it to a case."""
        sums = await self.sums()
        cpu = cpu_s(self.daemon_pid), postgres_cpu_s(self.postgres_pid)
        await work()
        await asyncio.sleep(QUIET_S)  # fills that come after the answer belong to the order
        case.daemon_cpu_s += cpu_s(self.daemon_pid) - cpu[0]
        case.postgres_cpu_s += postgres_cpu_s(self.postgres_pid) - cpu[1]
        after = await self.sums()
        after.subtract(sums)
        case.sums.update(after)


def cpu_s(pid: int) -> float:
    """CPU time of a process so far: user and system, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def postgres_cpu_s(postmaster: int) -> float:
    """CPU time of PostgreSQL so far: the postmaster, what it waited for, and every living child."""
    total = 0.0
    for child in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
        with suppress(FileNotFoundError, ProcessLookupError):  # it ends: the postmaster has its time now
            total += cpu_s(int(child))
    fields = Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()
    return total + sum(int(fields[place]) for place in (11, 12, 13, 14)) / TICKS


async def sequential(rig: Rig, case: Case, orders: int) -> None:
    """One robot: an order through Holdfast, one direct, and so on; who begins takes turns."""
    for block in range(max(orders // BLOCK, 1)):
        through: list[float] = []
        direct: list[float] = []

        async def pairs(
            block: int = block, through: list[float] = through, direct: list[float] = direct
        ) -> None:
            for number in range(BLOCK):
                if number % 2:
                    direct.append(await rig.direct(case.kind))
                through.append(await rig.placed(case.kind, (block * BLOCK + number) % PROFILES))
                if not number % 2:
                    direct.append(await rig.direct(case.kind))

        await rig.measured(case, pairs)
        case.take(through, direct)
        await rig.clear()
        await asyncio.sleep(len(direct) / ORDERS_PER_S)


async def concurrent(rig: Rig, case: Case, orders: int) -> None:
    """Several robots at once, each on a profile of its own: a block through Holdfast, a block direct."""
    each = 5
    for _ in range(max(orders // (case.robots * each), 2)):
        through: list[float] = []
        direct: list[float] = []

        async def robot(profile: int, taken: list[float] = through) -> None:
            taken.extend([await rig.placed(case.kind, profile) for _ in range(each)])

        async def client(_: int, taken: list[float] = direct) -> None:
            taken.extend([await rig.direct(case.kind) for _ in range(each)])

        async def all_through(robot: Callable[[int], Awaitable[None]] = robot) -> None:
            began = time.perf_counter()
            await asyncio.gather(*(robot(number) for number in range(case.robots)))
            case.seconds_through += time.perf_counter() - began

        await rig.measured(case, all_through)
        began = time.perf_counter()
        await asyncio.gather(*(client(number) for number in range(case.robots)))
        case.seconds_direct += time.perf_counter() - began
        case.take(through, direct)
        await rig.clear()
        await asyncio.sleep(len(direct) / ORDERS_PER_S)


async def warm_up(rig: Rig) -> float:
    """Let connections, plans and quotes come to life; return the daemon's CPU share when nothing happens."""
    for profile in range(PROFILES):
        for kind in ("limit", "market"):
            deadline = time.monotonic() + 20
            while (code := (await rig.through(kind, profile))[1]) and time.monotonic() < deadline:
                if code != STALE:
                    raise SystemExit(f"an entry was not placed: {code}")
                await asyncio.sleep(0.1)
            await rig.direct(kind)
    await rig.clear()
    before = cpu_s(rig.daemon_pid)
    await asyncio.sleep(IDLE_S)
    return (cpu_s(rig.daemon_pid) - before) / IDLE_S


async def furnish(ledger: Ledger, settings: Settings, origin: str) -> str:
    """Make tenant, accounts, profiles and the robot whose key is returned."""
    await tenants.create(ledger, "bench")
    for number in range(ACCOUNTS):
        await accounts.create(
            ledger, settings, "bench", f"a{number}", exchange="binance",
            credentials=accounts.Credentials(f"key{number}", f"secret{number}"),
            urls=accounts.paper_urls(origin),
        )  # fmt: skip
    for number in range(PROFILES):
        await profiles.create(
            ledger, "bench", f"p{number}", account=f"a{number % ACCOUNTS}", quote="USDT", spec={},
            amount="1000000",
        )  # fmt: skip
    return str((await robots.create(ledger, "bench", "robot"))["key"])


async def plain_client(origin: str) -> Any:
    """Return ccxt as anybody uses it, with only its addresses and its throttle changed."""
    client = exchange_class("binance")(
        {
            "apiKey": "direct",
            "secret": "direct",
            "enableRateLimit": False,  # else it would wait, which is not what is compared
            "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False},
        }
    )
    client.urls["api"] |= {"public": f"{origin}/api/v3", "private": f"{origin}/api/v3"}
    await client.load_markets()
    return client


async def measure(stage: Stage, url: str, postgres_pid: int, options: argparse.Namespace) -> dict[str, Any]:
    """Start everything on the stage, run all cases, return the table."""
    deposits = [f"key{number}:secret{number}:USDT=100000000" for number in range(ACCOUNTS)]
    arguments = [
        "paper",
        "--port",
        "0",
        "--control-port",
        "0",
        "--seed",
        str(options.seed),
        "--exit-with-parent",
    ]
    for account in [*deposits, "direct:direct:USDT=100000000"]:
        arguments += ["--account", account]
    stage.start_child("exchange", arguments, {})
    await deploy(url)
    origin = f"http://127.0.0.1:{(await stage.said('exchange', 'ready'))['port']}"
    settings = Settings(data_dir=stage.folder, database_url=SecretStr(url))
    key = await on_ledger(url, settings, lambda ledger, _: furnish(ledger, settings, origin))
    port = free_port()
    environment = {"HOLDFAST_DATABASE_URL": url, "HOLDFAST_DATA_DIR": str(stage.folder)}
    stage.start_child("daemon", ["run", "--port", str(port), "--exit-with-parent"], environment)
    api = f"http://127.0.0.1:{port}"
    client = await plain_client(origin)
    try:
        async with aiohttp.ClientSession() as http:
            await stage.answered(http, f"{api}/readyz")
            pid = int((await stage.said("daemon", "listening"))["pid"])
            ask = (await client.fetch_order_book(SYMBOL, 5))["asks"][0][0]
            rig = Rig(http, api, key, client, pid, postgres_pid, str(round(float(ask) * 0.8)))
            idle = await warm_up(rig)
            table = [Case(kind, robots) for robots in (1, 8, 16) for kind in ("limit", "market")]
            for case in table:
                if case.robots == 1:
                    await sequential(rig, case, options.orders)
                else:
                    await concurrent(rig, case, options.concurrent)
            return {
                "cases": [case.row() for case in table],
                "daemon_idle_cpu_percent": round(idle * 100, 1),
                "seed": options.seed,
                "cpus": os.cpu_count(),
                "load_average": [round(each, 1) for each in os.getloadavg()],
            }
    finally:
        await client.close()


def show(found: dict[str, Any]) -> None:
    """Print the table for people."""
    for row in found["cases"]:
        print(f"\n{row['order']} orders, {row['robots']} robot(s), {row['orders_each_way']} each way")
        print(f"  p50  through {row['through_ms_p50']:>7} ms   direct {row['direct_ms_p50']:>7} ms   "
              f"difference {row['difference_ms_p50']:>6} ms   ratio {row['ratio_p50']} "
              f"({row['ratio_p50_low']}-{row['ratio_p50_high']} by block)")  # fmt: skip
        print(f"  p99  through {row['through_ms_p99']:>7} ms   direct {row['direct_ms_p99']:>7} ms")
        if "through_orders_per_s" in row:
            rates = (row["through_orders_per_s"], row["direct_orders_per_s"])
            print(f"  orders per second  through {rates[0]}, direct {rates[1]}")
        print(f"  CPU per order  daemon {row['daemon_cpu_ms_per_order']} ms, "
              f"PostgreSQL {row['postgres_cpu_ms_per_order']} ms")  # fmt: skip
        print(
            "  an order's mean ms  " + ", ".join(f"{name} {ms}" for name, ms in row["parts_mean_ms"].items())
        )
    print(f"\nAn idle daemon uses {found['daemon_idle_cpu_percent']} % of a core (in the CPU figures above).")
    print(
        "In the difference: one HTTP request and answer, fn_open_entry and fn_persist_entry_lifecycle (a "
        "round trip and\na commit with fsync each), and checks, ids, queue, budget and metrics in Python. "
        "The exchange call is in both."
    )


def _p(taken: list[float], percent: int) -> float:
    return round(statistics.quantiles(taken, n=100, method="inclusive")[percent - 1], 2)


def main() -> None:
    """Measure and print; honest figures have no wrong ones, so it exits with 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=80, help="of each kind, one robot")
    parser.add_argument("--concurrent", type=int, default=160, help="of each kind and number of robots")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("HOLDFAST_")]:
        del os.environ[name]  # an operator's real database is none of this
    print(f".venv/bin/python benchmarks/latency.py --orders {options.orders} "
          f"--concurrent {options.concurrent} --seed {options.seed}", flush=True)  # fmt: skip
    with ExitStack() as stack:
        stage = stack.enter_context(Stage())
        postgres = stack.enter_context(EmbeddedPostgres(stage.folder))
        stack.callback(stage.stop)  # the daemon before its database
        found = asyncio.run(measure(stage, postgres.url(), postgres.pid or 0, options))
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
