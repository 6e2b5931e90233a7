"""What the holder of an exchange account's lease runs for it: begun with the lease, ended with it."""

from dataclasses import dataclass

from engine.flows.accounts import AccountSession
from engine.flows.desk import Desk
from engine.flows.lease import Lease, advance
from engine.flows.resolve import Resolver
from engine.ledger.leases import Stage
from engine.loops.monitor import Monitor, MonitorTimings
from engine.loops.resolver import ResolverLoop
from engine.runtime.log import get_logger
from engine.runtime.tasks import Heartbeat, Supervisor

_END_S = 2.0
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Following:
    """Starts and ends the loops that follow an account's orders and fills."""

    desk: Desk
    resolver: Resolver
    supervisor: Supervisor
    timings: MonitorTimings

    def begin(self, name: str, session: AccountSession, lease: Lease) -> None:
        """Start them under a lease."""
        desk, start = self.desk, self.supervisor.start
        monitor = Monitor(name, session, desk.context, desk.recorder, self.timings, lease=lease)
        silent_s_max = self.timings.silent_s * 2

        async def reach(heartbeat: Heartbeat) -> None:
            heartbeat.beat()
            for stage in (Stage.READ, Stage.RECONCILED):
                await advance(desk.context.ledger, lease, stage)
            await heartbeat.stopping.wait()

        start(f"monitor orders {name}", monitor.orders, silent_s_max=silent_s_max)
        start(f"monitor fills {name}", monitor.fills, silent_s_max=silent_s_max)
        start(f"monitor poll {name}", monitor.poll)
        resolving = ResolverLoop(name, session, lease, self.resolver, desk.context)
        start(f"resolver {name}", resolving.run, silent_s_max=60.0)
        start(f"stages {name}", reach, silent_s_max=86_400.0)

    async def end(self, name: str) -> None:
        """End them all; what does not end in time is cancelled."""
        kinds = ("monitor orders", "monitor fills", "monitor poll", "resolver", "stages")
        late = await self.supervisor.end([f"{kind} {name}" for kind in kinds], _END_S)
        if late:
            _log.warning("loops cancelled", loops=late)
