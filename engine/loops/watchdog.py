"""Checks in production what the tests check: books, locks and loops; what is wrong is stopped and named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.domain.errors import HoldfastError
from engine.domain.states import Mode
from engine.flows.context import FlowContext
from engine.ledger import reads, watch, work
from engine.ledger.watch import Checked
from engine.runtime.log import get_logger
from engine.runtime.tasks import Heartbeat, LoopHealth

ACTOR = "engine:watchdog"
CHECKS = ("rebuild_equals_stored", "invariant", "reservations", "orders", "entry_locks", "unassigned")
LOCKS = ("entry", "reconciliation", "lease")
_WHOLE_S = 600.0  # the whole journal of a profile is rebuilt again after that; between, what is new
_log = get_logger(__name__)


@dataclass(slots=True)
class Findings:
    """What the last pass saw. `capital` has a row per profile, `violations` what does not add up.

    `locks` are those past their TTL, `loops` those that are down or silent for too long.
    """

    checked_at: datetime | None = None
    profiles: int = 0
    violations: list[dict[str, Any]] = field(default_factory=list)
    capital: list[dict[str, Any]] = field(default_factory=list)
    locks: list[dict[str, Any]] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)
    in_doubt: int = 0
    sending_expired: int = 0
    error: str | None = None


class Watchdog:
    """Looks at every profile, account, lock and loop; a profile whose books are wrong is halted.

    `loops` gives the state of this process' loops.
    """

    def __init__(self, context: FlowContext, loops: Callable[[], Sequence[LoopHealth]] = lambda: ()) -> None:
        self._context = context
        self._loops = loops
        self.findings = Findings()
        self._checkpoints: dict[UUID, Mapping[str, Any]] = {}  # where the books of a profile were right
        self._whole_at: dict[UUID, float] = {}

    async def run(
        self, heartbeat: Heartbeat, interval_s: float, seen: Callable[[Findings], None] = lambda _: None
    ) -> None:
        """Look again and again; `seen` is given what each pass found."""
        heartbeat.beat()
        while await heartbeat.pause(interval_s):
            heartbeat.beat()
            try:
                seen(await self.look(heartbeat.beat))
            except HoldfastError as error:
                _log.warning("the watchdog could not look", reason=f"{error.code.value}: {error}")

    async def look(self, alive: Callable[[], None] = lambda: None) -> Findings:
        """Do one pass. Raises DATABASE_UNAVAILABLE; then the last findings stand, marked with the error."""
        try:
            found = await self._pass(alive)
        except HoldfastError as error:
            self.findings.error = f"{error.code.value}: {error}"
            self._look_at_loops(self.findings)
            raise
        self.findings = found
        return found

    async def capital(self) -> list[dict[str, Any]]:
        """Read every profile's capital as it is now, and show it in the metrics."""
        ledger = self._context.ledger
        tenants = sorted({each.tenant_id for each in await work.due_profiles(ledger)})
        rows = [
            dict(row, tenant_id=str(tenant_id))
            for tenant_id in tenants
            for row in await reads.get_capital(ledger, tenant_id, None)
        ]
        self._show_capital(rows)
        return rows

    async def _pass(self, alive: Callable[[], None]) -> Findings:
        ledger, metrics = self._context.ledger, self._context.metrics
        found = Findings()
        wrong = dict.fromkeys(CHECKS, 0)
        profiles = await work.due_profiles(ledger)
        for profile in profiles:
            checked = await self._check(profile.tenant_id, profile.profile_id)
            self._note(found, wrong, checked, profile.tenant_id, profile_id=str(profile.profile_id))
            alive()
        for account in await work.due_accounts(ledger):
            checked = await watch.check_account(ledger, account.tenant_id, account.account_id, ACTOR)
            self._note(found, wrong, checked, account.tenant_id, account_id=str(account.account_id))
            alive()
        for check, count in wrong.items():
            metrics.invariant_violations.labels(check).set(count)
        found.capital = await self.capital()  # after the checks: it shows who was halted by them
        await self._look_at_intents(found)
        await self._look_at_locks(found)
        self._look_at_loops(found)
        found.profiles = len(profiles)
        found.checked_at = self._context.clock.now()
        return found

    async def _check(self, tenant_id: UUID, profile_id: UUID) -> Checked:
        """Check a profile from its checkpoint on; now and then, and at first, from its first event on."""
        now = self._context.clock.monotonic()
        if now - self._whole_at.get(profile_id, float("-inf")) >= _WHOLE_S:
            self._checkpoints.pop(profile_id, None)
        since = self._checkpoints.pop(profile_id, None)
        if since is None:
            self._whole_at[profile_id] = now
        checked = await watch.check_profile(self._context.ledger, tenant_id, profile_id, ACTOR, since)
        if checked.checkpoint is not None:
            self._checkpoints[profile_id] = checked.checkpoint
        return checked

    def _note(
        self, found: Findings, wrong: dict[str, int], checked: Checked, tenant_id: UUID, **named: str
    ) -> None:
        metrics = self._context.metrics
        for check, faults in checked.checks.items():
            metrics.invariant_checks_total.labels(check).inc()
            wrong[check] += bool(faults)
        found.violations += [{**named, **violation} for violation in checked.violations]
        if checked.stopped:
            metrics.financial_invariant_failures_total.labels(str(tenant_id), "watchdog").inc()
            _log.error("books do not add up", **named, violations=list(checked.violations))

    async def _look_at_intents(self, found: Findings) -> None:
        metrics = self._context.metrics
        by_account: dict[tuple[UUID, str], int] = {}
        for intent in await work.due_intents(self._context.ledger):
            key = (intent.account_id, intent.state)
            by_account[key] = by_account.get(key, 0) + 1
        accounts = {each.account_id for each in await work.due_accounts(self._context.ledger)}
        for account_id in accounts:
            sending = by_account.get((account_id, "sending"), 0)
            doubt = by_account.get((account_id, "in_doubt"), 0)
            metrics.sending_expired_intents.labels(str(account_id)).set(sending)
            metrics.in_doubt_intents.labels(str(account_id)).set(doubt)
            found.sending_expired += sending
            found.in_doubt += doubt

    async def _look_at_locks(self, found: Findings) -> None:
        """See which locks nobody gave back or renewed in time; they free nothing, and somebody should."""
        metrics = self._context.metrics
        due = await watch.due_locks(self._context.ledger)
        for kind in LOCKS:
            ages = [lock.overdue_s for lock in due if lock.kind == kind]
            metrics.lock_overdue_seconds.labels(kind).set(max(ages, default=0))
            if kind == "entry":
                metrics.entry_lock_expired.set(len(ages))
        found.locks = [
            {"kind": lock.kind, "held_for": lock.held_for, "overdue_s": round(lock.overdue_s, 3)}
            for lock in due
        ]

    def _look_at_loops(self, found: Findings) -> None:
        found.loops = [loop.name for loop in self._loops() if not loop.ok]
        self._context.metrics.loops_silent.set(len(found.loops))

    def _show_capital(self, rows: list[dict[str, Any]]) -> None:
        metrics = self._context.metrics
        for row in rows:
            labels = (row["tenant_id"], row["name"])
            for figure, value in row.items():
                if figure in _FIGURES:
                    # A gauge is a float by its format; no decision is made on it.
                    metrics.capital_quote_units.labels(*labels, row["quote_asset"], figure).set(value)
            for mode in Mode:
                metrics.profile_mode.labels(*labels, mode.value).set(mode.value == row["mode"])


_FIGURES = frozenset(
    {"allocated", "available", "reserved_for_orders", "reserved_for_positions", "realized_pnl"}
)
