"""Compares what an exchange account shows with the ledger, hands over differences, and records the pass."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.flows.accounts import AccountSession
from engine.flows.attribution import Attributor, Shares, divide
from engine.flows.context import FlowContext
from engine.flows.healing import EXPLAINED, HEALED, OPEN, Case, Healer
from engine.flows.lease import Lease, advance
from engine.flows.record import Recorder
from engine.flows.resolve import Resolver
from engine.flows.snapshot import Snapshot, Wanted, read_ended, read_snapshot, read_trades
from engine.ledger import reconciliation
from engine.ledger.leases import Stage
from engine.ledger.reconciliation import (
    AccountComparison,
    Cursor,
    Found,
    Mismatch,
    PassEnd,
    PassPlan,
    PlanProfile,
    ProfileComparison,
)
from engine.runtime.log import get_logger

LOOKS_MAX = 25  # single queries of one pass
_COLD_MAX = 5  # symbols of which only history is known, in one pass
_SUSPECTS_MAX = 10
_LOCK_TTL_S = 30.0
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PassReport:
    """What a pass found. `open`: mismatches that stand, by kind; `equations`: "compared", or why not.

    `skipped`: orders that moved while the exchange was read; a later pass compares them. `unlisted`: symbols
    in use here that the exchange does not list: nothing of them was read.
    """

    pass_id: int
    outcome: str
    whole: bool  # of the account, and not only for show
    dry_run: bool
    found: tuple[Found, ...] = ()
    skipped: int = 0
    compared: dict[str, Any] = field(default_factory=dict)
    equations: str = ""
    open: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    unlisted: tuple[str, ...] = ()

    @property
    def mismatches(self) -> int:
        """How many differences it found that nothing explains."""
        return sum(each.outcome != EXPLAINED for each in self.found)

    @property
    def explained(self) -> int:
        """How many differences have a cause that stands."""
        return sum(each.outcome == EXPLAINED for each in self.found)

    @property
    def settled(self) -> bool:
        """Whether ledger and exchange are known to agree, or why they do not."""
        return self.outcome in _GOOD and self.equations in _CONCLUSIVE

    @property
    def quiet(self) -> bool:
        """Whether nothing of it asks for another pass before its time."""
        return self.outcome in {"clean", EXPLAINED} and self.equations in _CONCLUSIVE and not self.skipped

    @property
    def why(self) -> str:
        """Why it does not settle the account."""
        kinds = sorted({each.mismatch.kind for each in self.found if each.outcome == OPEN})
        return f"differences stand: {', '.join(kinds)}" if kinds else f"balances: {self.equations}"


_BALANCES = frozenset({"balance_surplus", "balance_shortfall"})
_EQUATIONS = _BALANCES | {"holdings_shortfall"}
_GOOD = frozenset({"clean", HEALED, EXPLAINED})
# Intents in doubt are the resolver's; where balances or transfers cannot be read, nothing more comes.
_CONCLUSIVE = frozenset({"compared", "partly", "unresolved_intents", "no_balances"})


@dataclass(slots=True)
class _Pass:
    """One pass on its way."""

    session: AccountSession
    lease: Lease
    plan: PassPlan
    began: datetime  # by the exchange's clock
    only: UUID | None
    found: list[Found] = field(default_factory=list)
    skipped: list[UUID] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)
    complete: bool = True
    equations: str = "not asked for"
    unlisted: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        outcomes = {each.outcome for each in self.found}
        return next((each for each in (OPEN, HEALED, EXPLAINED) if each in outcomes), "clean")


class Reconciliation:
    """The passes of a process; one at a time for each account."""

    def __init__(
        self,
        context: FlowContext,
        recorder: Recorder,
        resolver: Resolver,
        *,
        looks_max: int = LOOKS_MAX,
    ) -> None:
        self._context = context
        self._recorder = recorder
        self._resolver = resolver
        self._attributor = Attributor(context.ledger, looks_max)
        self._healer = Healer(context, recorder, looks_max)
        self._turns: dict[UUID, asyncio.Lock] = {}
        self._cold: dict[UUID, int] = {}

    async def run_pass(
        self,
        session: AccountSession,
        lease: Lease,
        cause: str,
        *,
        profile_id: UUID | None = None,
        dry_run: bool = False,
    ) -> PassReport:
        """Do one pass, of the whole account or of one profile; a dry run only says what differs.

        Raises LEASE_LOST, STALE_TOKEN, EXCHANGE_UNAVAILABLE (a part could not be read: nothing is concluded),
        DATABASE_UNAVAILABLE; a pass that had begun is recorded as failed then.
        """
        clock = self._context.clock
        async with self._turns.setdefault(session.account_id, asyncio.Lock()):
            started = clock.monotonic()
            lease.check()
            plan = await reconciliation.begin_pass(
                self._context.ledger,
                session.tenant_id,
                session.account_id,
                lease.token,
                cause,
                profile_id=profile_id,
                dry_run=dry_run,
            )
            began = _at(session.gateway.exchange_now_ms())
            run = _Pass(session, lease, plan, began, profile_id)
            try:
                shares, snapshot = await self._read(run)
                shares = await self._compare(run, shares, snapshot)
            except HoldfastError as error:
                await self._failed(run, error)
                raise
            stands = await self._finish(run, shares, snapshot)
            return PassReport(
                plan.pass_id,
                run.outcome,
                profile_id is None and not dry_run,
                dry_run,
                tuple(run.found),
                len(run.skipped),
                dict(run.compared),
                run.equations,
                stands,
                clock.monotonic() - started,
                run.unlisted,
            )

    # -- reading --------------------------------------------------------------------------------------

    async def _read(self, run: _Pass) -> tuple[Shares, Snapshot]:
        plan, session = run.plan, run.session
        snapshot = await read_snapshot(session, run.lease, self._wanted(run))
        if not plan.dry_run:
            await advance(self._context.ledger, run.lease, Stage.READ)
        run.unlisted = tuple(sorted({*run.unlisted, *snapshot.unlisted}))
        if run.unlisted:
            _log.warning("symbols that the exchange does not list", symbols=run.unlisted)
        shares = await self._divide(run, snapshot)
        run.compared.update(
            orders=len(snapshot.orders), fills=len(snapshot.fills), symbols=len(snapshot.since)
        )
        return shares, snapshot

    async def _divide(self, run: _Pass, snapshot: Snapshot) -> Shares:
        owners = await self._attributor.attribute(run.session, run.lease, snapshot)
        exchange = run.session.gateway.config.exchange
        return divide(snapshot, owners, tag=run.plan.tag, exchange=exchange, began=run.began)

    def _wanted(self, run: _Pass) -> Wanted:
        """Return what to read: every symbol that is in use, and in turns those that were.

        One that the exchange does not list cannot be asked for; it must not keep the others from being read.
        """
        session, plan = run.session, run.plan
        since = {each.symbol: each.since for each in plan.symbols if each.hot}
        cold = [each for each in plan.symbols if not each.hot]
        begin = self._cold.get(session.account_id, 0)
        turn = [cold[(begin + step) % len(cold)] for step in range(min(_COLD_MAX, len(cold)))]
        self._cold[session.account_id] = (begin + len(turn)) % max(1, len(cold))
        since.update((each.symbol, each.since) for each in turn)
        listed = session.instruments
        known = {symbol: moment for symbol, moment in since.items() if symbol in listed}
        run.unlisted = tuple(
            sorted(each.symbol for each in plan.symbols if each.hot and each.symbol not in listed)
        )
        return Wanted(known, plan.transfers_since)

    # -- comparing ------------------------------------------------------------------------------------

    async def _compare(self, run: _Pass, shares: Shares, snapshot: Snapshot) -> Shares:
        """Profile by profile, then the account: what profiles heal is no difference of the account.

        Returns the shares with what was read beside the plan.
        """
        if not run.plan.dry_run:
            run.lease.check()
            run.compared["drained"] += await self._recorder.drain(run.session)
        await self._compare_profiles(run, shares, snapshot)
        if run.only is not None:
            return shares
        expected = await self._compare_account(run, shares, snapshot, dry_run=True)
        suspects = self._suspects(run, expected, snapshot)
        if suspects:
            begin = run.plan.read_from
            for symbol in suspects:
                snapshot.since[symbol] = begin
                snapshot.add_orders(await read_ended(run.session, run.lease, symbol, begin))
                snapshot.add_fills(await read_trades(run.session, run.lease, symbol, begin))
            known = {intent_id for rows in shares.orders.values() for intent_id, _ in rows}
            shares = await self._divide(run, snapshot)
            if {intent_id for rows in shares.orders.values() for intent_id, _ in rows} - known:
                await self._compare_profiles(run, shares, snapshot)
        compared = expected
        if suspects or not run.plan.dry_run:
            compared = await self._compare_account(run, shares, snapshot, dry_run=run.plan.dry_run)
        self._conclude(run, compared)
        return shares

    def _conclude(self, run: _Pass, compared: AccountComparison) -> None:
        mismatches = compared.mismatches
        run.equations = compared.equations
        if run.plan.dry_run and any(each.outcome == OPEN for each in run.found):
            # what a real pass would have booked before differs in the balances, too
            mismatches = tuple(each for each in mismatches if each.kind not in _EQUATIONS)
            run.equations = "fills_missing"
        run.found += [Found(each, OPEN) for each in mismatches]
        run.found += [Found(each, EXPLAINED) for each in compared.explained]
        if not run.plan.dry_run:
            _tell(run, compared)

    async def _compare_account(
        self, run: _Pass, shares: Shares, snapshot: Snapshot, *, dry_run: bool
    ) -> AccountComparison:
        run.lease.check()
        return await reconciliation.compare_account(
            self._context.ledger,
            run.session.tenant_id,
            run.session.account_id,
            run.lease.token,
            shares.of_account(snapshot, run.plan.began_at),
            dry_run=dry_run,
        )

    def _suspects(self, run: _Pass, compared: AccountComparison, snapshot: Snapshot) -> list[str]:
        """Return symbols beside the plan both assets of which differ: somebody traded there."""
        assets = {each.key for each in compared.mismatches if each.kind in _BALANCES}
        return [
            symbol
            for symbol, each in sorted(run.session.instruments.items())
            if {each.base, each.quote} <= assets and symbol not in snapshot.since
        ][:_SUSPECTS_MAX]

    async def _compare_profiles(self, run: _Pass, shares: Shares, snapshot: Snapshot) -> None:
        """Compare every profile, then handle all that differs at once: what is booked together costs less."""
        case = Case(run.session, run.lease, snapshot, run.began)
        mismatches: list[Mismatch] = []
        to_query: list[UUID] = []
        locks = {} if run.plan.dry_run else await self._lock(run)
        try:
            for profile in run.plan.profiles:
                lock = locks.get(profile.profile_id)
                if lock is None and not run.plan.dry_run:
                    run.complete = False  # what another compares now is not known here
                    run.compared["profiles locked"] += 1
                    continue
                compared = await self._compare_profile(run, profile, shares, snapshot, lock)
                mismatches += compared.mismatches
                to_query += compared.to_query
            if run.plan.dry_run:
                run.found += [Found(each, OPEN) for each in mismatches]
            else:
                run.found += await self._healer.heal(case, mismatches, to_query)
        finally:
            await self._unlock(run.session.tenant_id, locks)

    async def _compare_profile(
        self, run: _Pass, profile: PlanProfile, shares: Shares, snapshot: Snapshot, lock: int | None
    ) -> ProfileComparison:
        """Compare one profile under its lock; a dry run has none."""
        if lock is not None:
            run.lease.check()
        compared = await reconciliation.compare_profile(
            self._context.ledger,
            run.session.tenant_id,
            profile.profile_id,
            lock,
            shares.of_profile(profile.profile_id, snapshot, run.plan.began_at),
        )
        run.compared["rows"] += compared.compared
        run.compared["profiles"] += 1
        run.skipped += compared.skipped
        return compared

    async def _lock(self, run: _Pass) -> dict[UUID, int]:
        """Lock the profiles of a pass, all in one call; those that another pass compares are left out."""
        run.lease.check()
        return await reconciliation.lock_profiles(
            self._context.ledger,
            run.session.tenant_id,
            run.session.account_id,
            [profile.profile_id for profile in run.plan.profiles],
            holder=self._context.owner,
            token=run.lease.token,
            ttl_s=_LOCK_TTL_S,
        )

    async def _unlock(self, tenant_id: UUID, locks: dict[UUID, int]) -> None:
        if not locks:
            return
        try:
            await reconciliation.unlock_profiles(self._context.ledger, tenant_id, locks)
        except HoldfastError as error:  # they end by their lifetime
            _log.warning("reconciliation locks not given back", reason=str(error))

    # -- recording ------------------------------------------------------------------------------------

    async def _finish(self, run: _Pass, shares: Shares, snapshot: Snapshot) -> dict[str, int]:
        last = {symbol: fill.exchange_trade_id for symbol, fill in snapshot.last_trades().items()}
        end = PassEnd(
            run.outcome,
            run.complete,
            {**run.compared, "equations": run.equations},
            run.skipped,
            run.found,
            [Cursor(symbol, last.get(symbol), until) for symbol, until in shares.read_until.items()],
        )
        run.lease.check()
        return await reconciliation.finish_pass(
            self._context.ledger, run.session.tenant_id, run.plan.pass_id, run.lease.token, end
        )

    async def _failed(self, run: _Pass, error: HoldfastError) -> None:
        if not run.lease.live or error.code in {ErrorCode.LEASE_LOST, ErrorCode.STALE_TOKEN}:
            return
        reason = f"{error.code.value}: {error}"
        end = PassEnd("failed", False, dict(run.compared), error=reason)
        try:
            await reconciliation.finish_pass(
                self._context.ledger, run.session.tenant_id, run.plan.pass_id, run.lease.token, end
            )
        except HoldfastError as second:
            _log.warning("failed pass not recorded", reason=str(second))


def _tell(run: _Pass, compared: AccountComparison) -> None:
    """Say aloud what stops trading."""
    if compared.mode_after != compared.mode_before:
        _log.error(
            "account mode changed",
            account_id=str(run.session.account_id),
            before=compared.mode_before,
            after=compared.mode_after,
        )
    for profile_id in compared.halted:
        _log.error("profile halted: a foreign order sold what it holds", profile_id=str(profile_id))


def report_view(report: PassReport) -> dict[str, Any]:
    """Return a pass as JSON: what `holdfast reconcile` prints."""
    return {
        "pass_id": report.pass_id,
        "outcome": report.outcome,
        "dry_run": report.dry_run,
        "differences": [mismatch_view(each) for each in report.found],
        "skipped": report.skipped,
        "unlisted": list(report.unlisted),
        "compared": report.compared,
        "equations": report.equations,
        "open": report.open,
        "milliseconds": round(report.seconds * 1000),
    }


def mismatch_view(found: Found) -> dict[str, Any]:
    """Return a difference as JSON."""
    each: Mismatch = found.mismatch
    return {
        "kind": each.kind,
        "key": each.key,
        "outcome": found.outcome,
        "cause": found.cause,
        "profile_id": None if each.profile_id is None else str(each.profile_id),
        "intent_id": None if each.intent_id is None else str(each.intent_id),
        "symbol": each.symbol,
        "exchange_order_id": each.exchange_order_id,
        "detail": dict(each.detail),
    }


def _at(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)
