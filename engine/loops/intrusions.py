"""Attempts to reach another tenant's things: proven later, counted, audited, told to an operator."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.domain.errors import HoldfastError
from engine.ledger import walls
from engine.ledger.seam import Ledger
from engine.ledger.translation import passing
from engine.loops.notices import Notice, Notices
from engine.runtime.clock import Clock
from engine.runtime.log import get_logger
from engine.runtime.metrics import Metrics
from engine.runtime.tasks import Heartbeat

_log = get_logger(__name__)
_LOOK_S = 0.2
_WAITING_MAX = 1_024
_IDS_MAX = 8
_ID_LENGTH_MAX = 64
_RATE_WINDOW_S = 300.0
_SERIES_MAX = 1_024


@dataclass(frozen=True, slots=True)
class _Suspicion:
    tenant_id: UUID
    actor: str
    module: str
    identity: str


class Intrusions:
    """Asks of every id that was not found whether it is another tenant's.

    After the answer, and in a loop of its own: the answer stays the 404 it is, and takes no longer for an id
    that exists elsewhere than for one that exists nowhere.
    """

    def __init__(self, notices: Notices, metrics: Metrics, clock: Clock) -> None:
        self._notices = notices
        self._metrics = metrics
        self._clock = clock
        self._waiting: deque[_Suspicion] = deque()
        self._seen: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def suspect(self, tenant_id: UUID, actor: str, module: str, ids: Sequence[str]) -> None:
        """Take ids that a tenant asked for and does not have; what the queue cannot take is counted."""
        for identity in list(dict.fromkeys(ids))[:_IDS_MAX]:
            if not identity or len(identity) > _ID_LENGTH_MAX or "\0" in identity:
                continue
            if len(self._waiting) >= _WAITING_MAX:
                self._metrics.cross_tenant_unchecked_total.inc()
                continue
            self._waiting.append(_Suspicion(tenant_id, actor, module, identity))

    def refused(self, tenant_id: UUID, module: str) -> None:
        """Take what the database refused as foreign: the seam has counted and audited it already."""
        self._note(str(tenant_id), module, "The database refused a call that named another tenant.")

    async def run(self, ledger: Ledger, heartbeat: Heartbeat) -> None:
        """Prove what waits; an outage of the database keeps it waiting."""
        while True:
            heartbeat.beat()
            await self.turn(ledger)
            if not await heartbeat.pause(_LOOK_S):
                return

    async def turn(self, ledger: Ledger) -> None:
        """Prove what waits now."""
        try:
            while self._waiting:
                await self._prove(ledger, self._waiting[0])
                self._waiting.popleft()
        except HoldfastError as error:
            if not passing(error):
                self._waiting.popleft()
                raise
        self._show_rates()

    async def _prove(self, ledger: Ledger, one: _Suspicion) -> None:
        if not await walls.is_foreign(ledger, one.tenant_id, one.identity):
            return
        await walls.record_attempt(ledger, one.tenant_id, one.actor, one.module, one.identity)
        self._metrics.cross_tenant_access_attempts_total.labels(str(one.tenant_id), one.module).inc()
        _log.warning("cross-tenant attempt", tenant_id=one.tenant_id, actor=one.actor, at=one.module)
        self._note(
            str(one.tenant_id), one.module, f"{one.actor} asked for an id that belongs to another tenant."
        )

    def _note(self, tenant: str, module: str, text: str) -> None:
        seen = self._seen.setdefault((tenant, module), deque(maxlen=10_000))
        seen.append(self._clock.monotonic())
        while len(self._seen) > _SERIES_MAX:
            self._metrics.tenant_violation_rate.remove(*self._seen.popitem(last=False)[0])
        self._show_rates()
        self._notices.tell(
            Notice("cross_tenant", "critical", "Cross-tenant attempt refused", text, tenant, module)
        )

    def _show_rates(self) -> None:
        """Attempts per minute over five minutes; a series falls to zero by itself."""
        since = self._clock.monotonic() - _RATE_WINDOW_S
        for labels, seen in self._seen.items():
            while seen and seen[0] < since:
                seen.popleft()
            self._metrics.tenant_violation_rate.labels(*labels).set(len(seen) * 60 / _RATE_WINDOW_S)
