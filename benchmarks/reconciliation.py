"""A reconciliation pass over many open orders, against fetching and parsing them through ccxt.

    .venv/bin/python benchmarks/reconciliation.py [--orders 10000] [--rounds 3] [--differ 0.01] [--json FILE]

The paper exchange and PostgreSQL (durable, fsync on) are processes of their own. Each round lets some orders
end at the exchange unseen by anybody (half filled, a quarter filled in part, a quarter canceled), then times
ccxt's own fetch_open_orders and a pass in turn: the first pass heals, a later one finds nothing (idle). A
pass of a process that has just started, to which every order is new, is `cold`.
"""

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from engine.deploy.deployment import deploy
from engine.deploy.embedded import EmbeddedPostgres
from engine.domain.ids import client_order_id, tag_from_random, uuid7
from engine.exchange.account import AccountConfig, ExchangeUrls
from engine.exchange.gateway import Gateway
from engine.flows.accounts import Accounts, AccountSession
from engine.flows.context import FlowContext, Timings
from engine.flows.desk import open_desk
from engine.flows.lease import Lease
from engine.flows.reconcile import PassReport, Reconciliation
from engine.flows.record import Recorder
from engine.flows.resolve import Resolver
from engine.ledger import admin, capital, leases
from engine.ledger.capital import By
from engine.ledger.entries import Confirmation, OpenEntry
from engine.ledger.seam import Ledger, LedgerOptions
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics

SYMBOL = "BTC/USDT"
QUANTITY, PRICE = Decimal("0.0002"), Decimal(40000)
PROFILES = 16  # an entry locks its profile and symbol: so many can be opened in one call
TAG = tag_from_random(b"\x01\x02\x03")
READ_TIMEOUT_S = 120.0
LEASE_S = 600.0
AGO_MS = 86_400_000
EXCHANGE = """
import asyncio, json, sys
from engine.paper import tickets
from engine.paper.options import Options, read_account
from engine.paper.server import PaperExchange

async def main():
    account = read_account("key:secret:USDT=1000000000,BTC=2")
    async with PaperExchange(Options(step_ms=0, accounts=(account,))) as paper:
        paper.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)
        owner, loop = paper.matching.accounts["key"], asyncio.get_running_loop()
        print(json.dumps({"url": paper.url, "ws_url": paper.ws_url}), flush=True)
        orders = {}
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            said = json.loads(line)
            for coid in said.get("place", ()):
                params = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
                          "quantity": said["quantity"], "price": said["price"], "newClientOrderId": coid}
                orders[coid], _ = paper.matching.place(owner, tickets.read_ticket(paper.matching, params))
            paper.clock.advance(said.get("advance_ms", 0))
            for coid in said.get("fill", ()):
                paper.matching.fill(orders[coid], orders[coid].remaining)
            for coid in said.get("part", ()):
                paper.matching.fill(orders[coid], orders[coid].remaining // 2)
            for coid in said.get("cancel", ()):
                paper.matching.cancel(orders[coid])
            print(json.dumps([str(orders[coid].id) for coid in said.get("place", ())]), flush=True)

asyncio.run(main())
"""


@dataclass(slots=True)
class Figures:
    """Seconds, one a round."""

    orders: int
    cold_s: float = 0.0
    ccxt_s: list[float] = field(default_factory=list)
    healing_s: list[float] = field(default_factory=list)
    idle_s: list[float] = field(default_factory=list)
    healed: list[int] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """Return medians and ratios as JSON."""
        ccxt = statistics.median(self.ccxt_s)
        per_round = [pass_s / ccxt_s for pass_s, ccxt_s in zip(self.healing_s, self.ccxt_s, strict=True)]
        return {
            "orders": self.orders,
            "ccxt_s": round(ccxt, 3),
            "cold_s": round(self.cold_s, 3),
            "healing_s": round(statistics.median(self.healing_s), 3),
            "idle_s": round(statistics.median(self.idle_s), 3),
            "healed": self.healed,
            "ratio_cold": round(self.cold_s / ccxt, 2),
            "ratio_healing": round(statistics.median(per_round), 2),
            "ratio_idle": round(statistics.median(self.idle_s) / ccxt, 2),
            "healing_us_per_order": round(statistics.median(self.healing_s) / self.orders * 1e6, 1),
        }


class Exchange:
    """The paper exchange in its process: it places, fills and cancels what it is told."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.at: dict[str, str] = self._read()

    def tell(self, **said: Any) -> Any:
        """Let it do something, and wait until it is done."""
        if self._process.stdin is not None:
            self._process.stdin.write(json.dumps(said) + "\n")
            self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        return json.loads(self._process.stdout.readline()) if self._process.stdout is not None else None


@contextmanager
def exchange() -> Iterator[Exchange]:
    """Run a paper exchange, and end it."""
    command = [sys.executable, "-c", EXCHANGE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Exchange(process)
        finally:
            process.terminate()


@dataclass(slots=True)
class Engine:
    """What the holder of the account's lease has."""

    ledger: Ledger
    gateway: Gateway
    session: AccountSession
    lease: Lease
    flows: tuple[FlowContext, Recorder, Resolver]
    passes: Reconciliation
    tenant_id: UUID
    robot_id: UUID
    holder: UUID
    profiles: list[UUID]

    async def reconcile(self) -> PassReport:
        """Do one pass, under a lease renewed before."""
        began, token = time.monotonic(), self.lease.token
        account, ttl_ms = self.session.account_id, round(LEASE_S * 1000)
        await leases.renew(self.ledger, self.tenant_id, account, self.holder, token, ttl_ms=ttl_ms)
        self.lease.renewed(began, LEASE_S)
        return await self.passes.run_pass(self.session, self.lease, "benchmark")

    def restarted(self) -> "Engine":
        """Return it as a new process has it: nothing is known of any order."""
        context, recorder, resolver = self.flows
        return replace(self, passes=Reconciliation(context, recorder, resolver))


@asynccontextmanager
async def engine(url: str, paper: Exchange) -> AsyncIterator[Engine]:
    """Build it all on a deployed database."""
    clock, metrics = Clock(), Metrics()
    ledger = await Ledger.connect(LedgerOptions(url, call_timeout_s=60.0), metrics, clock)
    tenant_id, robot_id, account_id = uuid4(), uuid4(), uuid4()
    ws_url = paper.at["ws_url"]
    urls = ExchangeUrls(paper.at["url"], f"{ws_url}/ws-api/v3", f"{ws_url}/stream/ws")
    config = AccountConfig(str(account_id), "binance", "key", "secret", urls=urls)
    try:
        async with Gateway(config, clock=clock, timeout_s=READ_TIMEOUT_S) as gateway:
            await admin.init_engine(ledger, TAG)
            await admin.create_tenant(ledger, tenant_id, f"t-{tenant_id.hex[:12]}", "bench")
            await admin.create_robot(ledger, tenant_id, robot_id, "robot", "bench")
            account = admin.NewAccount(account_id, "paper", "binance", str(account_id), "A", {}, b"sealed")
            held = {asset: balance.total for asset, balance in (await gateway.balances()).items()}
            await admin.register_account(ledger, tenant_id, account, held, "bench")
            instruments = await gateway.instruments()
            await admin.upsert_instruments(ledger, tenant_id, account_id, instruments)
            profiles = [uuid4() for _ in range(PROFILES)]
            for number, profile_id in enumerate(profiles):
                profile = admin.NewProfile(profile_id, account_id, f"p{number}", "USDT", {}, "hash")
                await admin.create_profile(ledger, tenant_id, profile, "bench")
                by = By("bench", "start", f"start {number}")
                await capital.allocate(ledger, tenant_id, profile_id, Decimal(10_000_000), by)
            accounts = Accounts(ledger)
            listed = {each.symbol: each for each in instruments}
            session = AccountSession(tenant_id, account_id, gateway, listed)
            accounts.add(session)
            context = FlowContext(ledger, accounts, clock, metrics, TAG, uuid4(), Timings())
            desk = open_desk(context)
            began = clock.monotonic()
            ttl_ms = round(LEASE_S * 1000)
            taking = await leases.take(ledger, tenant_id, account_id, context.owner, ttl_ms)
            token = taking.row.fencing_token
            lease = Lease(tenant_id, account_id, token, clock, began=began, ttl_s=LEASE_S)
            resolver = Resolver(context, desk.recorder, desk.cancels)
            flows = (context, desk.recorder, resolver)
            yield Engine(
                ledger,
                gateway,
                session,
                lease,
                flows,
                Reconciliation(*flows),
                tenant_id,
                robot_id,
                context.owner,
                profiles,
            )
            await desk.close(5.0)
    finally:
        await ledger.close()


async def place(made: Engine, paper: Exchange, count: int) -> list[str]:
    """Open so many entries here and at the exchange; returns their client order ids."""
    placed: list[str] = []
    now_ms, deadline = time.time_ns() // 1_000_000, datetime.now(UTC)
    for start in range(0, count, PROFILES):
        chosen = made.profiles[: min(PROFILES, count - start)]
        ids = [uuid7(now_ms, uuid4().bytes[:10]) for _ in chosen]
        pairs = list(zip(ids, chosen, strict=True))
        own = [client_order_id(TAG, made.tenant_id, profile, intent) for intent, profile in pairs]
        items = [
            OpenEntry(
                made.robot_id,
                profile,
                coid,
                "hash",
                intent,
                coid,
                SYMBOL,
                "limit",
                QUANTITY,
                PRICE,
                "GTC",
                post_only=False,
                label=None,
                owner=made.tenant_id,
                lock_ttl_ms=30_000,
                exchange_deadline=deadline,
            ).item()
            for (intent, profile), coid in zip(pairs, own, strict=True)
        ]
        opened = await made.ledger.call("fn_open_entry", made.tenant_id, items)
        expect({each["code"] for each in opened} == {"OK"}, str(opened[0]))
        numbers = paper.tell(place=own, quantity=str(QUANTITY), price=str(PRICE))
        confirmed = [
            Confirmation(intent, number, "open", Decimal(0), deadline).item()
            for intent, number in zip(ids, numbers, strict=True)
        ]
        await made.ledger.call("fn_persist_entry_lifecycle", made.tenant_id, confirmed)
        placed += own
    return placed


async def measure(made: Engine, paper: Exchange, args: argparse.Namespace, count: int) -> Figures:
    """Place the orders, let a pass see them, and time the rounds."""
    figures = Figures(count)
    placed = await place(made, paper, count)
    paper.tell(advance_ms=AGO_MS)  # they were made long ago: only the open list shows them
    await made.gateway.measure_clock()
    first = await made.reconcile()
    expect(first.outcome == "clean", first.why)
    gc.freeze()  # as the daemon does when it is ready
    gc.set_threshold(50_000, 20, 100)
    figures.cold_s = (await made.restarted().reconcile()).seconds
    ending = iter(placed)
    for _ in range(args.rounds):
        differ = [next(ending) for _ in range(max(4, round(count * args.differ)))]
        quarter = len(differ) // 4
        paper.tell(
            fill=differ[: 2 * quarter], part=differ[2 * quarter : 3 * quarter], cancel=differ[3 * quarter :]
        )
        figures.ccxt_s.append(await fetch(made))
        report = await made.reconcile()
        figures.healing_s.append(report.seconds)
        figures.healed.append(sum(each.outcome == "healed" for each in report.found))
        while report.open:
            report = await made.reconcile()
        report = await made.reconcile()
        expect(report.outcome == "clean", report.why)
        figures.idle_s.append(report.seconds)
    return figures


async def fetch(made: Engine) -> float:
    """Return how long ccxt alone takes to fetch and parse the open orders."""
    began = time.perf_counter()
    await made.gateway._client.fetch_open_orders()  # noqa: SLF001 - the reference is ccxt without us
    return time.perf_counter() - began


async def run(url: str, args: argparse.Namespace) -> list[Figures]:
    """Measure each size on an account of its own."""
    found = []
    for count in args.orders:
        with exchange() as paper:
            async with engine(url, paper) as made:
                found.append(await measure(made, paper, args, count))
        print(json.dumps(found[-1].shown()), flush=True)
    return found


def expect(holds: bool, otherwise: str) -> None:
    """End the run if what it measures did not happen."""
    if not holds:
        raise SystemExit(otherwise)


def main() -> None:
    """Run it, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--differ", type=float, default=0.01, help="share of the orders that end unseen")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # PostgreSQL runs as another user when we are root
        server = EmbeddedPostgres(Path(folder) / "data")
        url = server.start()
        try:
            asyncio.run(deploy(url))
            found = asyncio.run(run(url, args))
        finally:
            server.stop()
    if args.json:
        args.json.write_text(json.dumps([each.shown() for each in found], indent=1) + "\n")


if __name__ == "__main__":
    main()
