"""What the holder of an exchange account's lease runs for it: begun with the lease, ended with it."""

from dataclasses import dataclass, field
from typing import Any

from engine.flows.accounts import AccountSession
from engine.flows.desk import Desk
from engine.flows.lease import Lease
from engine.flows.reconcile import Reconciliation
from engine.flows.resolve import Resolver
from engine.loops.exchange_timer import ExchangeTimer
from engine.loops.monitor import Monitor, MonitorTimings
from engine.loops.notices import Notices
from engine.loops.reconciliation import ReconciliationLoop, ReconciliationTimings
from engine.loops.resolver import ResolverLoop
from engine.runtime.log import get_logger
from engine.runtime.tasks import Supervisor

_END_S = 2.0
_KINDS = ("monitor orders", "monitor fills", "monitor poll", "resolver", "reconciliation", "exchange timer")
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Following:
    """Starts and ends the loops that follow an account, settle doubts, reconcile it and keep its timer."""

    desk: Desk
    resolver: Resolver
    reconciliation: Reconciliation
    supervisor: Supervisor
    monitoring: MonitorTimings
    passes: ReconciliationTimings
    notices: Notices
    _timers: dict[str, ExchangeTimer] = field(default_factory=dict)

    def begin(self, name: str, session: AccountSession, lease: Lease) -> None:
        """Start them under a lease."""
        desk, start = self.desk, self.supervisor.start
        resolving = ResolverLoop(name, session, lease, self.resolver, desk.context)
        reconciling = ReconciliationLoop(
            name, session, lease, self.reconciliation, desk.context, timings=self.passes
        )
        timer = self._timers[name] = ExchangeTimer(
            name, session, lease, desk.context, self.notices, ask_pass=reconciling.request
        )
        monitor = Monitor(
            name,
            session,
            desk.context,
            desk.recorder,
            self.monitoring,
            lease=lease,
            doubted=reconciling.request,
            shown=timer.seen,
        )
        silent_s_max = self.monitoring.silent_s * 2
        start(f"monitor orders {name}", monitor.orders, silent_s_max=silent_s_max)
        start(f"monitor fills {name}", monitor.fills, silent_s_max=silent_s_max)
        start(f"monitor poll {name}", monitor.poll)
        start(f"resolver {name}", resolving.run, silent_s_max=60.0)
        start(f"reconciliation {name}", reconciling.run, silent_s_max=180.0)
        start(f"exchange timer {name}", timer.run)

    def timer(self, name: str) -> dict[str, Any] | None:
        """Return what is known of the exchange's timer of an account that is followed here."""
        found = self._timers.get(name)
        return None if found is None else found.report()

    async def end(self, name: str) -> None:
        """End them all; what does not end in time is cancelled."""
        self._timers.pop(name, None)
        late = await self.supervisor.end([f"{kind} {name}" for kind in _KINDS], _END_S)
        if late:
            _log.warning("loops cancelled", loops=late)
