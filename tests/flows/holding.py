"""Instances that compete for the lease of a rig's account, each with a clock and a ledger of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from engine.exchange.gateway import Gateway
from engine.flows.accounts import Accounts, AccountSession
from engine.flows.context import FlowContext
from engine.flows.lease import Lease
from engine.ledger.leases import Stage
from engine.ledger.seam import Ledger, LedgerOptions
from engine.loops.leases import Leases, LeaseTimings
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.tasks import Supervisor
from tests.flows.rig import QUICK, TAG, Plug, Rig, until

TTL_S = 60.0  # moved by the tests' clocks alone


@dataclass(slots=True)
class Instance:
    """One engine process, as far as leases go. `gates` has the reason of each closed gate."""

    context: FlowContext
    clock: Clock
    plug: Plug
    session: AccountSession
    supervisor: Supervisor
    leases: Leases = field(init=False)
    gates: dict[str, str | None] = field(default_factory=dict)
    begun: list[Lease] = field(default_factory=list)
    ended: int = 0
    stumbles: int = 0  # how often its loops shall fail to start
    outdated: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leases = Leases(self.context, self, self, LeaseTimings(TTL_S, look_s=0.01))

    @property
    def lease(self) -> Lease:
        assert self.session.lease is not None
        return self.session.lease

    def open(self, gate: str, account: str) -> None:
        assert "paper" == account
        self.gates[gate] = None

    def close(self, gate: str, reason: str, account: str) -> None:
        assert "paper" == account
        self.gates[gate] = reason

    def begin(self, name: str, session: AccountSession, lease: Lease) -> None:
        assert ("paper", lease) == (name, session.lease)
        if self.stumbles:
            self.stumbles -= 1
            raise RuntimeError("a loop does not start")
        self.begun.append(lease)

    async def end(self, name: str) -> None:
        assert "paper" == name
        self.ended += 1

    def start(self) -> None:
        """Begin to ask for the lease, and to tell that it lives."""
        self.supervisor.start("account", self.leases.keep("paper", self.session))
        self.supervisor.start(
            "instance", lambda beat: self.leases.beat(beat, "test", "hash", self.outdated.append)
        )

    async def freeze(self) -> None:
        """Stop all it does, as a SIGSTOP or a kill does: nothing is released."""
        await self.supervisor.stop(0.5)

    async def holds(self) -> None:
        """Wait until it holds the lease."""
        await until(lambda: self.session.lease is not None)

    async def sees(self, closed: str | None, reason: str | None = None) -> None:
        """Wait until this gate is the first closed one; None: until all are open."""

        def look() -> bool:
            gate, why = self.first_closed()
            return gate == closed and (reason is None or reason in str(why))

        await until(look)

    def first_closed(self) -> tuple[str | None, str | None]:
        return next(((gate, why) for gate, why in self.gates.items() if why is not None), (None, None))


@asynccontextmanager
async def instances(rig: Rig, count: int = 2) -> AsyncIterator[list[Instance]]:
    """Build some; none of them does anything before its `start`."""
    made: list[Instance] = []
    try:
        for _ in range(count):
            clock, metrics, plug = Clock(), Metrics(), Plug()
            options = LedgerOptions(rig.database.engine_url, pool_size=3, role=None, call_timeout_s=2.0)
            ledger = await Ledger.connect(options, metrics, clock)
            ledger.fault = plug.sql
            gateway = Gateway(rig.gateway.config, clock=clock)
            session = AccountSession(rig.tenant_id, rig.account_id, gateway, rig.session.instruments)
            accounts = Accounts(ledger)
            accounts.add(session)
            context = FlowContext(ledger, accounts, clock, metrics, TAG, uuid4(), QUICK)
            made.append(Instance(context, clock, plug, session, Supervisor(metrics, clock)))
        yield made
    finally:
        await asyncio.gather(*(each.supervisor.stop(2.0) for each in made))
        for each in made:
            await each.session.gateway.close()
            await each.context.ledger.close()


STAGES = (Stage.READ, Stage.RESOLVED, Stage.RECONCILED)
