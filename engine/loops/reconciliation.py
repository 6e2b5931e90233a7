"""Reconciles an account while this process holds its lease: at start, by interval, when asked or in doubt."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.domain.errors import ErrorCode, HoldfastError
from engine.exchange.scheduler import CallClass
from engine.flows.accounts import AccountSession
from engine.flows.context import FlowContext
from engine.flows.healing import HEALED
from engine.flows.lease import Lease, advance, fall_back
from engine.flows.reconcile import PassReport, Reconciliation, report_view
from engine.ledger import reconciliation_requests
from engine.ledger.leases import Stage
from engine.ledger.reconciliation_requests import Request
from engine.loops.stopping import first, unless_stopped
from engine.runtime.log import get_logger
from engine.runtime.tasks import Heartbeat

_BUDGET_SHARE = 0.2  # of the account's request weight, for passes over a longer time
_BURST_S = 60.0  # so much of it may be used at once: a start needs two passes, a trouble a few
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReconciliationTimings:
    """`interval_s`: between two passes of an account that is in order; `again_s`: after one that was not.

    `look_s`: between two looks for requests; `stale_s`: how long passes may fail until entries are closed.
    """

    interval_s: float = 30.0
    again_s: float = 1.0
    look_s: float = 1.0
    stale_s: float = 300.0


class ReconciliationLoop:
    """The passes of one account, and what its gauges say of them."""

    def __init__(
        self,
        name: str,
        session: AccountSession,
        lease: Lease,
        reconciliation: Reconciliation,
        context: FlowContext,
        *,
        timings: ReconciliationTimings,
    ) -> None:
        self._name = name
        self._session = session
        self._lease = lease
        self._reconciliation = reconciliation
        self._context = context
        self._timings = timings
        self._wanted = asyncio.Event()
        self._cause = "start"
        self._due_at = context.clock.monotonic()
        self._good_at = context.clock.monotonic()
        self._delay_s = timings.again_s
        self._paid_until = context.clock.monotonic()  # when what passes have used is made up for
        self._kinds: set[str] = set()
        self.problem: str | None = None

    def request(self, cause: str) -> None:
        """Ask for a pass soon: a stream was lost, and something may have been missed."""
        self._cause = cause
        self._due_at = min(self._due_at, self._context.clock.monotonic())
        self._wanted.set()

    async def run(self, heartbeat: Heartbeat) -> None:
        """Do what is due, then rest; ends when the lease is lost."""
        try:
            while not heartbeat.stopping.is_set():
                heartbeat.beat()
                # a pass may wait long for the exchange; cut off anywhere it is begun anew by the next holder
                if not await unless_stopped(heartbeat.stopping, self._turn()):
                    return
                self._wanted.clear()
                await first(self._rest_s(), self._wanted.wait(), heartbeat.stopping.wait())
        finally:
            self._show({})
            self._context.metrics.reconciliation_unlisted_symbols.labels(self._name).set(0)

    def _rest_s(self) -> float:
        return min(self._timings.look_s, max(0.0, self._due_at - self._context.clock.monotonic()))

    async def _turn(self) -> bool:
        """Do the pass that is due and those that were asked for; False when the lease is lost."""
        try:
            if self._context.clock.monotonic() >= self._due_at:
                await self._pass(self._cause)
            await self._answer()
        except HoldfastError as error:
            if error.code is ErrorCode.STALE_TOKEN:
                self._lease.lose("the database knows a newer holder")
            if error.code in {ErrorCode.LEASE_LOST, ErrorCode.STALE_TOKEN}:
                return False
            await self._failed(error)
        return True

    async def _answer(self) -> None:
        """Do the passes that somebody asked for, the oldest first."""
        while request := await self._request():
            report = await self._pass(
                f"asked by {request.actor}", profile_id=request.profile_id, dry_run=request.dry_run
            )
            self._lease.check()
            await reconciliation_requests.answer_request(
                self._context.ledger,
                self._session.tenant_id,
                request.request_id,
                report.pass_id,
                report_view(report),
            )

    async def _request(self) -> Request | None:
        self._lease.check()
        session = self._session
        return await reconciliation_requests.take_request(
            self._context.ledger, session.tenant_id, session.account_id, self._lease.token
        )

    async def _pass(self, cause: str, **only: Any) -> PassReport:
        clock, scheduler = self._context.clock, self._session.gateway.scheduler
        spent = scheduler.spent(CallClass.RECONCILIATION)
        self._cause = "interval"
        try:
            report = await self._reconciliation.run_pass(self._session, self._lease, cause, **only)
        finally:
            spent = scheduler.spent(CallClass.RECONCILIATION) - spent
            now = clock.monotonic()
            self._paid_until = max(self._paid_until, now) + scheduler.share_s(spent, _BUDGET_SHARE)
            self._next(self._timings.interval_s)
        self._tell(report)
        if not report.whole:
            return report
        await self._conclude(report)
        if not report.quiet:
            self._next(self._delay_s)
            self._delay_s = min(self._delay_s * 2, self._timings.interval_s)
        else:
            self._delay_s = self._timings.again_s
        return report

    def _next(self, delay_s: float) -> None:
        """Let the next pass be after a delay, and not before the budget allows it: orders need theirs."""
        self._due_at = max(self._context.clock.monotonic() + delay_s, self._paid_until - _BURST_S)

    async def _conclude(self, report: PassReport) -> None:
        """Open the gate when the account is in order, and keep it open while passes succeed."""
        self.problem = None
        self._good_at = self._context.clock.monotonic()
        if report.settled:
            await advance(self._context.ledger, self._lease, Stage.RECONCILED)
        elif Stage.RECONCILED not in self._lease.reached:
            await fall_back(self._context.ledger, self._lease, Stage.RESOLVED, report.why)

    async def _failed(self, error: HoldfastError) -> None:
        """Try again soon; entries close when nothing is known for long."""
        reason = f"{error.code.value}: {error}"
        now = self._context.clock.monotonic()
        if reason != self.problem:
            _log.warning("pass failed", account=self._name, reason=reason)
        self.problem = reason
        self._context.metrics.reconciliation_passes_total.labels(self._name, "failed").inc()
        self._next(self._delay_s)
        self._delay_s = min(self._delay_s * 2, self._timings.interval_s)
        if now - self._good_at < self._timings.stale_s or Stage.RECONCILED not in self._lease.reached:
            return
        try:
            await fall_back(self._context.ledger, self._lease, Stage.RESOLVED, f"passes fail: {reason}")
        except HoldfastError as second:
            _log.warning("stage not told", account=self._name, reason=str(second))

    # -- telling --------------------------------------------------------------------------------------

    def _tell(self, report: PassReport) -> None:
        metrics, name = self._context.metrics, self._name
        metrics.reconciliation_passes_total.labels(name, report.outcome).inc()
        metrics.reconciliation_duration_seconds.labels(name).observe(report.seconds)
        metrics.reconciliation_skipped_orders.labels(name).set(report.skipped)
        metrics.reconciliation_unlisted_symbols.labels(name).set(len(report.unlisted))
        for each in report.found:
            if each.outcome == HEALED:
                metrics.reconciliation_healed_total.labels(name, each.mismatch.kind).inc()
        if report.dry_run:
            return
        self._show(report.open)
        metrics.reconciliation_last_success_timestamp_seconds.labels(name).set(
            self._context.clock.unix_ms() / 1000
        )
        if report.mismatches:
            _log.warning("differences", account=name, outcome=report.outcome, open=report.open)

    def _show(self, standing: Mapping[str, int]) -> None:
        """Set the gauges; a kind that no longer stands falls to zero by itself."""
        gauge = self._context.metrics.reconciliation_mismatches
        for kind in self._kinds | set(standing):
            gauge.labels(self._name, kind).set(standing.get(kind, 0))
        self._kinds = self._kinds | set(standing)
