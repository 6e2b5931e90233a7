"""One engine process in this one: its flows, driven step by step, and how it dies."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar
from uuid import uuid4

from engine.domain.errors import HoldfastError
from engine.domain.outcomes import Quote
from engine.flows.accounts import Accounts, AccountSession, OrderIds, QuoteBook
from engine.flows.commands import Answer, CancelCommand, EntryCommand
from engine.flows.context import FlowContext, Timings
from engine.flows.desk import Desk, open_desk
from engine.flows.lease import Lease
from engine.flows.reconcile import PassReport, Reconciliation
from engine.flows.resolve import Resolved, Resolver
from engine.ledger import leases, reads, work
from engine.ledger.seam import Ledger
from engine.loops.polling import OpenOrders
from engine.runtime.clock import Clock
from tests.torture.scene import Command, Scene
from tests.torture.seams import CrashError, Kind, Plug
from tests.torture.world import MARKETS, TAG

T = TypeVar("T")
LOOKS_MAX = 25
CLOSE_S = 1.0
LEASE_S = 20.0
TIMINGS = Timings(
    valid_for_ms=5_000,
    exchange_timeout_s=10.0,
    open_timeout_s=3.0,
    record_budget_s=3.0,
    record_call_timeout_s=3.0,
    retry_delay_s=0.002,
    retry_delay_s_max=0.02,
)
# Real time passes only where a connection stays lost: then a call is repeated for this long.
SHORT = replace(TIMINGS, open_timeout_s=0.25, record_budget_s=0.2)
STICKY = {Kind.STICKY_BEFORE, Kind.STICKY_AFTER}


@dataclass(slots=True)
class Instance:
    """An engine process on a scene's account."""

    scene: Scene
    plug: Plug
    clock: Clock
    ledger: Ledger
    session: AccountSession
    desk: Desk
    polling: OpenOrders
    resolver: Resolver
    reconciliation: Reconciliation
    lease: Lease | None = None
    report: PassReport | None = None
    problem: str | None = None  # why the last step that could not be done was not

    @classmethod
    def start(cls, scene: Scene, plug: Plug | None = None, *, skew_s: float = 0.0) -> "Instance":
        """Start a process; nothing is called yet."""
        world, plug, owner = scene.world, plug or Plug(), uuid4()
        plug.order_late = scene.late
        clock = world.clock(skew_s)
        ledger = world.ledger(plug, clock)
        gateway = world.gateway(scene.key, scene.account_id, plug, clock)
        instruments = {each.symbol: each for each in world.instruments}
        session = AccountSession(scene.tenant_id, scene.account_id, gateway, instruments, QuoteBook())
        timings = TIMINGS if STICKY.isdisjoint(plug.plan.values()) else SHORT
        accounts = Accounts(ledger)
        accounts.add(session)
        context = FlowContext(ledger, accounts, clock, world.metrics, TAG, owner, timings)
        desk = open_desk(context)
        polling = OpenOrders("paper", session, context, desk.recorder, LOOKS_MAX)
        resolver = Resolver(context, desk.recorder, desk.cancels)
        reconciliation = Reconciliation(context, desk.recorder, resolver)
        return cls(scene, plug, clock, ledger, session, desk, polling, resolver, reconciliation)

    # -- what robots do -----------------------------------------------------------------------------

    async def ask(self, command: Command | CancelCommand) -> Answer | None:
        """Ask for something; None when whoever would answer is gone."""
        if not isinstance(command, CancelCommand):
            answer = await self.step(lambda: self._trade(command))
            asked = self.scene.asked.get(command.idempotency_key)
            if asked is not None and answer is not None:
                asked.answer = answer
                asked.told.append(answer)
            return answer
        return await self.step(lambda: self.desk.cancels.run(command))

    async def _trade(self, command: Command) -> Answer:
        if command.limit_price is None:
            self.quote()
        flow = self.desk.entries if isinstance(command, EntryCommand) else self.desk.exits
        return await flow.run(command)  # type: ignore[arg-type]  # each flow gets its own commands

    def quote(self) -> None:
        """Put fresh quotes where the monitor's stream would put them."""
        now = self.session.gateway.exchange_now_ms()
        for symbol, (bid, ask) in MARKETS.items():
            name = f"{symbol.removesuffix('USDT')}/USDT"
            self.session.quotes.put(Quote(name, Decimal(bid), Decimal(ask), now))

    # -- what loops do ------------------------------------------------------------------------------

    async def poll(self) -> Any:
        """Do one turn of the monitor's poll."""
        return await self.step(lambda: self.polling.poll(asyncio.Event()))

    async def cancels(self) -> Any:
        """Do one turn of the trading loop: cancels that are due."""
        return await self.step(self._due_cancels)

    async def _due_cancels(self) -> None:
        for due in await work.due_cancels(self.ledger):
            if due.account_id != self.scene.account_id:
                continue
            view = await reads.get_order(self.ledger, due.tenant_id, due.intent_id)
            if view is None or view["exchange_order_id"] is None:
                continue
            names = (view["symbol"], view["exchange_order_id"], view["client_order_id"])
            await self.desk.cancels.send(OrderIds(due.tenant_id, due.account_id, due.intent_id, *names))

    # -- what the holder of the lease does ----------------------------------------------------------

    async def take_lease(self, ttl_s: float = LEASE_S) -> Lease | None:
        """Take the account's lease; None if another has it."""
        return await self.step(lambda: self._take(ttl_s))

    async def _take(self, ttl_s: float) -> Lease | None:
        scene, began = self.scene, self.clock.monotonic()
        owner = self.desk.context.owner
        taking = await leases.take(self.ledger, scene.tenant_id, scene.account_id, owner, round(ttl_s * 1000))
        if not taking.taken:
            return None
        token = taking.row.fencing_token
        lease = Lease(scene.tenant_id, scene.account_id, token, self.clock, began=began, ttl_s=ttl_s)
        self.lease = self.session.lease = lease
        return lease

    async def renew_lease(self, ttl_s: float = LEASE_S) -> bool | None:
        """Renew the lease; a holder that is told no has lost it."""
        return await self.step(lambda: self._renew(ttl_s))

    async def _renew(self, ttl_s: float) -> bool:
        scene, lease = self.scene, self.lease
        if lease is None:
            return False
        began, owner = self.clock.monotonic(), self.desk.context.owner
        renewed = await leases.renew(
            self.ledger, scene.tenant_id, scene.account_id, owner, lease.token, ttl_ms=round(ttl_s * 1000)
        )
        if renewed:
            lease.renewed(began, ttl_s)
        else:
            lease.lose("the database says so")
        return renewed

    async def resolve(self) -> Resolved | None:
        """Do one turn of the resolver."""
        lease = self.lease
        if lease is None:
            return None
        return await self.step(lambda: self.resolver.once(self.session, lease))

    async def reconcile(self) -> PassReport | None:
        """Do one reconciliation pass."""
        lease = self.lease
        if lease is None:
            return None
        self.report = await self.step(lambda: self.reconciliation.run_pass(self.session, lease, "interval"))
        return self.report

    # -- life and death -----------------------------------------------------------------------------

    async def step(self, work_: Callable[[], Awaitable[T]]) -> T | None:
        """Do something in a task of its own; None if it could not be done, or the process is gone."""
        task = asyncio.ensure_future(work_())
        if self.plug.caller is None or self.plug.caller.done():
            self.plug.caller = task
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.cancelled():
            return None
        error = task.exception()
        if error is None:
            return task.result()
        if isinstance(error, CrashError | HoldfastError | OSError):
            self.problem = repr(error)
            return None
        raise error

    @property
    def dead(self) -> bool:
        """Whether the process is gone."""
        return self.plug.dead

    def kill(self) -> None:
        """Let it act no more, from now on."""
        self.plug.dead = True

    async def end(self) -> None:
        """Stop in order, or sweep up what is left of a process that died."""
        self.plug.heal()
        self.plug.resume.set()
        await self.desk.close(0 if self.dead else CLOSE_S)
        await self.scene.world.give_back(self.session.gateway)
