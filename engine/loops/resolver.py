"""Looks at an account's intents in doubt until each is settled, as long as this process holds its lease."""

from engine.domain.errors import ErrorCode, HoldfastError
from engine.flows.accounts import AccountSession
from engine.flows.context import FlowContext
from engine.flows.lease import Lease, advance
from engine.flows.resolve import Resolved, Resolver
from engine.ledger.leases import Stage
from engine.loops.stopping import unless_stopped
from engine.runtime.log import get_logger
from engine.runtime.tasks import Heartbeat

_LOOK_S = 1.0  # between two questions to the database what is due
_LEAST_S = 0.05
_log = get_logger(__name__)


class ResolverLoop:
    """Runs the resolver of one account, and says when the intents found at its start are in hand."""

    def __init__(
        self, name: str, session: AccountSession, lease: Lease, resolver: Resolver, context: FlowContext
    ) -> None:
        self._name = name
        self._session = session
        self._lease = lease
        self._resolver = resolver
        self._context = context
        self.problem: str | None = None

    async def run(self, heartbeat: Heartbeat) -> None:
        """Look, then rest until the next intent is due; ends when the lease is lost."""

        def going() -> bool:
            heartbeat.beat()
            return not heartbeat.stopping.is_set()

        while going():
            rest_s = _LOOK_S
            try:
                # cut off anywhere it loses nothing: what it found is proven again, what it wrote stays
                found = await unless_stopped(
                    heartbeat.stopping, self._resolver.once(self._session, self._lease, going)
                )
                if found is None:
                    return
                if found.left == 0 and Stage.RESOLVED not in self._lease.reached:
                    # settled, or owned: what waits or is unclear keeps its capital and has its next look
                    await advance(self._context.ledger, self._lease, Stage.RESOLVED)
            except HoldfastError as error:
                if self._lost(error):
                    return
                self._say(f"{error.code.value}: {error}")
            else:
                self._say(None)
                rest_s = self._rest_s(found)
            if not await heartbeat.pause(rest_s):
                return

    def _rest_s(self, found: Resolved) -> float:
        if found.left:
            return _LEAST_S if found.looks else _LOOK_S
        if found.again_at_ms is None:
            return _LOOK_S
        due_s = (found.again_at_ms - self._session.gateway.exchange_now_ms()) / 1000
        return min(_LOOK_S, max(_LEAST_S, due_s))

    def _lost(self, error: HoldfastError) -> bool:
        """Tell whether the lease is another's; the database may know it before its holder does."""
        if error.code is ErrorCode.STALE_TOKEN:
            self._lease.lose("the database knows a newer holder")
        return error.code in {ErrorCode.LEASE_LOST, ErrorCode.STALE_TOKEN}

    def _say(self, problem: str | None) -> None:
        if problem is not None and problem != self.problem:
            _log.warning("intents in doubt cannot be looked at", account=self._name, reason=problem)
        self.problem = problem
