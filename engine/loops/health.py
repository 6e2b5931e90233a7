"""What /internal/health says of the engine's inside: database, capital, accounts, locks, intents."""

from dataclasses import dataclass
from typing import Any

from engine.domain.errors import HoldfastError
from engine.flows.desk import Desk
from engine.ledger import watch
from engine.ledger.translation import Trouble, trouble_of
from engine.loops.connections import Connections
from engine.loops.following import Following
from engine.loops.leases import Leases
from engine.loops.watchdog import Watchdog
from engine.runtime.tasks import LoopHealth

_ANSWERING = {Trouble.READ_ONLY, Trouble.DISK_FULL}
NOT_BUILT: dict[str, Any] = {"capital": [], "invariant": None, "exchange": [], "locks": {}, "intents": {}}


@dataclass(frozen=True, slots=True)
class Health:
    """Reads what the parts of one engine know of themselves."""

    desk: Desk
    connections: Connections
    watchdog: Watchdog
    leases: Leases
    following: Following

    async def engine(self) -> dict[str, Any]:
        """Return capital, invariants, accounts, locks and intents."""
        findings = self.watchdog.findings
        sample = self.desk.context.metrics.registry.get_sample_value
        held = self.leases.report()
        return {
            "capital": await self._capital(),
            "invariant": {
                "checked_at": None if findings.checked_at is None else findings.checked_at.isoformat(),
                "profiles": findings.profiles,
                "holds": not findings.violations,
                "violations": findings.violations,
                "error": findings.error,
            },
            "exchange": [
                {
                    "account": each.name,
                    "tenant_id": str(each.tenant_id),
                    "exchange": each.exchange,
                    "connected": each.session is not None,
                    "problem": each.problem,
                    "circuit": None if each.session is None else each.session.gateway.circuit.state.value,
                    "clock_offset_ms": None
                    if each.session is None
                    else each.session.gateway.clock_offset_ms(),
                    "budget_shared_by": 0
                    if each.session is None
                    else each.session.gateway.scheduler.accounts,
                    "instruments": 0 if each.session is None else len(each.session.instruments),
                    "quotes": 0 if each.session is None else len(each.session.quotes.all()),
                    "lease": held.get(each.name),
                    "exchange_timer": self.following.timer(each.name),
                }
                for each in self.connections.all()
            ],
            "locks": {
                "contention_total": sample("holdfast_entry_lock_contention_total"),
                "acquisitions_total": sample("holdfast_entry_lock_acquisition_seconds_count"),
                "acquisition_seconds_sum": sample("holdfast_entry_lock_acquisition_seconds_sum"),
                "expired": sample("holdfast_entry_lock_expired"),
                "overdue": findings.locks,
            },
            "intents": {
                "in_doubt": findings.in_doubt,
                "sending_expired": findings.sending_expired,
                "facts_pending": self.desk.recorder.pending,
            },
        }

    async def database(self) -> dict[str, Any]:
        """Return whether the database answers and takes writes, and how soon."""
        clock, ledger = self.desk.context.clock, self.desk.context.ledger
        started = clock.monotonic()
        try:
            await watch.prove_writable(ledger)
        except HoldfastError as error:
            trouble = trouble_of(error)
            return {
                "reachable": trouble in _ANSWERING,
                "writable": False,
                "trouble": trouble,
                "error": f"{error.code.value}: {error}",
            }
        return {
            "reachable": True,
            "writable": True,
            "trouble": None,
            "latency_s": round(clock.monotonic() - started, 6),
        }

    async def _capital(self) -> list[dict[str, Any]]:
        try:
            return await self.watchdog.capital()
        except HoldfastError:
            return self.watchdog.findings.capital  # as it was at the last look; `database` says why


def loop_row(health: LoopHealth) -> dict[str, Any]:
    """Return how a loop does, as /internal/health shows it."""
    return {
        "loop": health.name,
        "ok": health.ok,
        "running": health.running,
        "heartbeat_at": None if health.last_at is None else health.last_at.isoformat(),
        "age_s": health.silent_s,
        "age_s_max": health.silent_s_max,
        "iterations": health.iterations,
        "errors": health.errors,
        "last_error": health.last_error,
    }
