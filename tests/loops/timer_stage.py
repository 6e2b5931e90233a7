"""The holder of an OKX or Kraken account's lease and its timer loop, on a real database, by ccxt's wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from engine.exchange.gateway import Gateway
from engine.flows.accounts import Accounts, AccountSession
from engine.flows.context import FlowContext
from engine.flows.lease import Lease
from engine.ledger.leases import Stage
from engine.ledger.seam import Ledger, LedgerOptions
from engine.loops.exchange_timer import ExchangeTimer
from engine.loops.notices import NoticeOptions, Notices
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.tasks import Supervisor
from tests.database.servers import Database
from tests.exchange.timer_server import TimerServer, timer_server
from tests.flows.rig import PATIENT, TAG, Plug, until
from tests.loops.receiver import Receiver, receiving
from tests.sql.capital.world import Tenant, World, call
from tests.sql.reconcile.passes import Passes
from tests.sql.timer.timers import look, turn_on, whole_pass

LOOP = "exchange timer main"
_TTL_S = 600.0


@dataclass(slots=True)
class Holder:
    """One engine process that holds the lease, as far as the timer goes."""

    ledger: Ledger
    gateway: Gateway
    lease: Lease
    timer: ExchangeTimer
    plug: Plug
    metrics: Metrics
    supervisor: Supervisor
    asked: list[str]

    def start(self) -> None:
        self.supervisor.start(LOOP, self.timer.run, restart_delay_s=0.01)

    async def stop(self) -> None:
        """End the loops as a graceful stop does."""
        assert [] == await self.supervisor.stop(5.0)

    async def looks(self, count: int = 2) -> None:
        """Wait until it has looked so many times more, and acted on all but the last."""
        seen = self.plug.crossings.count("before fn_look_exchange_timer") + count
        await until(lambda: self.plug.crossings.count("before fn_look_exchange_timer") >= seen, 10.0)

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(
            f"holdfast_exchange_timer_{name}", {"account": "main", **labels}
        )

    @property
    def report(self) -> dict[str, Any]:
        report = self.timer.report()
        assert report is not None
        return report


@dataclass(slots=True)
class TimerStage:
    """A tenant's account at the server, the database, one clock for all, and the operator's notices."""

    world: World
    passes: Passes
    server: TimerServer
    clock: Clock
    receiver: Receiver
    holders: list[Holder] = field(default_factory=list)

    async def holder(self, stage: Stage = Stage.RECONCILED) -> Holder:
        """Build a process that holds the lease; the one before it has ended."""
        metrics, plug = Metrics(), Plug()
        options = LedgerOptions(self.world.database.engine_url, pool_size=2, role=None, call_timeout_s=10.0)
        ledger = await Ledger.connect(options, metrics, self.clock)
        ledger.fault = plug.sql
        gateway = self.server.gateway(self.clock, faults=plug)
        await gateway.open()
        one = self.world.one
        lease = Lease(
            one.id, one.account, self.passes.token, self.clock, began=self.clock.monotonic(), ttl_s=_TTL_S
        )
        lease.stage = stage
        session = AccountSession(one.id, one.account, gateway, {}, lease=lease)
        context = FlowContext(ledger, Accounts(ledger), self.clock, metrics, TAG, uuid4(), PATIENT)
        notices = Notices(NoticeOptions(self.receiver.url, throttle_s=0.0), metrics, self.clock)
        asked: list[str] = []
        timer = ExchangeTimer("main", session, lease, context, notices, ask_pass=asked.append, look_s=0.01)
        supervisor = Supervisor(metrics, self.clock)
        supervisor.start("notices", notices.run)
        made = Holder(ledger, gateway, lease, timer, plug, metrics, supervisor, asked)
        self.holders.append(made)
        return made

    async def armed(self, seconds: int = 60) -> Holder:
        """Turn it on, and let a holder arm it after a pass."""
        await turn_on(self.world, seconds)
        await whole_pass(self.passes)
        holder = await self.holder()
        holder.start()
        await self.arrived(seconds)
        await self.shown(armed=True)
        return holder

    async def arrived(self, *seconds: int) -> None:
        """Wait until the exchange was asked exactly so, in order, since it was last looked at."""
        await until(lambda: len(self.server.seconds) >= len(seconds), 10.0)
        assert list(seconds) == self.server.seconds
        self.server.seconds.clear()

    async def shown(self, *, armed: bool) -> Any:
        """Wait until the database knows by the exchange's answer whether it is armed; its row."""
        while True:
            row = await self.world.call("fn_list_accounts", self.world.one.id)
            timer = row[0]["exchange_timer"]
            if (timer["armed_until"] is not None) is armed:
                return timer

    async def advance(self, seconds: float) -> None:
        """Let time pass here, in the database and at the exchange."""
        await self.world.database.advance_clock(seconds)
        self.clock.advance(seconds)

    async def look(self) -> Any:
        return await look(self.world)


@asynccontextmanager
async def timer_stage(database: Database, exchange: str = "okx") -> AsyncIterator[TimerStage]:
    """Build it; all processes are stopped at the end."""
    conn, admin = await database.connect(), await database.admin()
    await call(conn, "fn_init_engine", TAG)
    one, other = Tenant("one"), Tenant("other")
    await one.create(conn)
    await other.create(conn)
    await admin.execute("UPDATE engine.exchange_accounts SET exchange = $1", exchange)
    world = World(database, conn, admin, one, other)
    clock = Clock()
    async with timer_server(exchange, lambda: clock.unix_ms() / 1000) as server, receiving() as receiver:
        stage = TimerStage(world, await Passes.of(world), server, clock, receiver)
        try:
            yield stage
        finally:
            for each in stage.holders:
                await each.supervisor.stop(5.0)
                await each.gateway.close()
                await each.ledger.close()
