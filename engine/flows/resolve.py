"""Settles intents whose outcome is unknown: by what the exchange shows, twice if it shows nothing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.outcomes import OrderReport
from engine.exchange.tiers import Tier
from engine.flows.accounts import AccountSession, OrderIds, origin_of
from engine.flows.cancel import CancelFlow
from engine.flows.context import FlowContext
from engine.flows.evidence import Evidence, Owners, Round
from engine.flows.lease import Lease
from engine.flows.record import Recorder, Sent
from engine.ledger import proofs
from engine.ledger.intents import IntentView
from engine.ledger.proofs import Due, Proof, Verdict
from engine.ledger.translation import passing
from engine.ledger.wire import instant
from engine.runtime.log import bound, get_logger

State = Literal["present", "absent", "waiting", "needs_operator", "unclear"]
SOURCE = "proof"
# Over exchange_deadline + exchange timeout: for clocks inside the exchange, and where requests do not expire
# for one that is held up on the way. What remains on B and C is told in docs/exchanges.md.
MARGINS = {Tier.A: timedelta(seconds=1), Tier.B: timedelta(seconds=60), Tier.C: timedelta(seconds=60)}
_EARLY_S = (1.0, 2.0, 4.0, 8.0)  # between looks that can show presence only
_RETRY_S = 2.0  # after a look that was no evidence
_RETRY_S_MAX = 60.0
_PAGE = 500
_LOOKS_MAX = 50  # of one turn
_OURS = frozenset({"sending", "in_doubt"})
_LOST = frozenset({ErrorCode.LEASE_LOST, ErrorCode.STALE_TOKEN, ErrorCode.EXCHANGE_UNAVAILABLE})
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What one look has settled; `again_at_ms`: when to look again, by the exchange's clock."""

    state: State
    again_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What came of one turn over an account's due intents.

    `again_at_ms`: the next moment to look at one; `looks`: how many there were; `left`: due, and not looked
    at in this turn (a page that was not read counts one).
    """

    present: int = 0
    absent: int = 0
    waiting: int = 0
    needs_operator: int = 0
    unclear: int = 0
    again_at_ms: int | None = None
    looks: int = 0
    left: int = 0

    @property
    def open(self) -> int:
        """How many are still to be settled by looking."""
        return self.waiting + self.unclear


@dataclass(slots=True)
class _Memory:
    """When to look at an intent again; lost with the process, which only costs a look."""

    again_at_ms: int = 0
    failures: int = 0
    kept: str | None = None  # what the last proof said that was kept: the same is not kept again


@dataclass(slots=True)
class _Account:
    """What is remembered of an account: its unsettled intents, and whose orders its trades belong to."""

    intents: dict[str, _Memory] = field(default_factory=dict)
    owners: Owners = field(default_factory=Owners)
    after: UUID | None = None  # the page of due intents that comes next begins behind this one
    seen: set[str] = field(default_factory=set)  # on the pages before it

    def of(self, intent: IntentView) -> _Memory:
        return self.intents.setdefault(intent["id"], _Memory())


@dataclass(frozen=True, slots=True)
class _Case:
    """One intent that is looked at now, by whom, and from when on a look can count."""

    session: AccountSession
    lease: Lease
    intent: IntentView
    memory: _Memory
    turn: Round
    counts_from: datetime

    @property
    def intent_id(self) -> UUID:
        return UUID(self.intent["id"])

    @property
    def early(self) -> bool:
        """Whether the request may still arrive: then a look shows presence, or nothing at all."""
        return _at(self.turn.began_ms) < self.counts_from


class Resolver:
    """Looks at intents in doubt; nothing it releases is released without proof.

    All that counts between two looks lies in the database: another process goes on from there.
    """

    def __init__(self, context: FlowContext, recorder: Recorder, cancels: CancelFlow) -> None:
        self._context = context
        self._recorder = recorder
        self._cancels = cancels
        self.page = _PAGE  # due intents of one turn
        self._accounts: dict[UUID, _Account] = {}

    async def resolve(self, session: AccountSession, lease: Lease, intent: IntentView) -> Resolution:
        """Look once at one intent, with at most one set of reads; never waits.

        Raises LEASE_LOST, STALE_TOKEN (the lease is another's), EXCHANGE_UNAVAILABLE (it does not even tell
        its time), DATABASE_UNAVAILABLE, BUSY: nothing is concluded then.
        """
        turn = await Round.begin(session, lease, self._window)
        return await self._look(session, lease, intent, turn)

    async def once(
        self, session: AccountSession, lease: Lease, going: Callable[[], bool] = lambda: True
    ) -> Resolved:
        """Look at what is due on the account, a bounded number of intents, the longest waiting first.

        `going` is asked before each look whether to go on. Raises what `resolve` raises.
        """
        lease.check()
        account = self._account(session)
        due = await self._due(session, account)
        self._context.metrics.needs_operator_intents.labels(str(session.account_id)).set(due.needs_operator)
        if not due.intents:
            return Resolved()
        turn = await Round.begin(session, lease, self._window)
        ready = [view for view in due.intents if account.of(view).again_at_ms <= turn.began_ms]
        ready.sort(key=lambda view: account.of(view).again_at_ms)
        turn.expect(ready)
        counts: Counter[State] = Counter()
        for view in ready[:_LOOKS_MAX]:
            if not going():
                break
            counts[(await self._guarded(session, lease, view, turn)).state] += 1
        looks = counts.total()
        left = len(ready) - looks + (account.after is not None)
        counts["waiting"] += len(due.intents) - looks
        return Resolved(
            counts["present"],
            counts["absent"],
            counts["waiting"],
            counts["needs_operator"],
            counts["unclear"],
            min((memory.again_at_ms for memory in account.intents.values()), default=None),
            looks,
            left,
        )

    async def _due(self, session: AccountSession, account: _Account) -> Due:
        """Read what is due: one page a turn, so that intents which stay in doubt hold up no others."""
        ledger, tenant_id = self._context.ledger, session.tenant_id
        due = await proofs.list_due(ledger, tenant_id, session.account_id, self.page, after=account.after)
        account.seen.update(view["id"] for view in due.intents)
        account.after = UUID(due.intents[-1]["id"]) if len(due.intents) == self.page else None
        if account.after is None:  # the last page: what stood on none is settled
            account.intents = {key: memory for key, memory in account.intents.items() if key in account.seen}
            account.seen.clear()
        return due

    @property
    def _window(self) -> timedelta:
        return timedelta(milliseconds=self._context.timings.valid_for_ms)

    def _account(self, session: AccountSession) -> _Account:
        return self._accounts.setdefault(session.account_id, _Account())

    async def _guarded(
        self, session: AccountSession, lease: Lease, intent: IntentView, turn: Round
    ) -> Resolution:
        """Look at one of many: what the database refuses of one must not keep the others waiting."""
        try:
            return await self._look(session, lease, intent, turn)
        except HoldfastError as error:
            if passing(error) or error.code in _LOST:
                raise
            _log.error("a look failed", intent_id=intent["id"], reason=f"{error.code.value}: {error}")
            memory = self._account(session).of(intent)
            memory.again_at_ms = turn.now_ms + round(_RETRY_S_MAX * 1000)
            return Resolution("unclear", memory.again_at_ms)

    async def _look(
        self, session: AccountSession, lease: Lease, intent: IntentView, turn: Round
    ) -> Resolution:
        account, facts = self._account(session), session.gateway.facts
        memory = account.of(intent)
        waited = timedelta(seconds=self._context.timings.exchange_timeout_s) + MARGINS[facts.tier]
        counts_from = instant(intent["exchange_deadline"]) + waited
        case = _Case(session, lease, intent, memory, turn, counts_from)
        with bound(intent_id=intent["id"], client_order_id=intent["client_order_id"]):
            if case.early and facts.query_param is not None:
                evidence = await turn.by_id(intent)
            else:
                evidence = await turn.whole(intent, account.owners)
            resolution = await self._conclude(case, evidence)
        self._context.metrics.resolutions_total.labels(resolution.state).inc()
        if resolution.again_at_ms is None:
            account.intents.pop(intent["id"], None)
        else:
            memory.again_at_ms = resolution.again_at_ms
        return resolution

    async def _conclude(self, case: _Case, evidence: Evidence) -> Resolution:
        if evidence.found:
            shown = "shown: " + ", ".join(report.exchange_order_id for report in evidence.found)
            if shown != case.memory.kept:
                await self._keep(case, self._proof("present", case, evidence))
                case.memory.kept = shown
            return await self._present(case, evidence)
        if evidence.failed is not None or case.early:
            return await self._unproven(case, evidence)
        proof = self._proof("nothing_shown", case, evidence)
        if case.intent["state"] not in _OURS:  # reconciliation asked for a look at what is settled
            await self._keep(case, proof)
            return Resolution("needs_operator" if case.intent["state"] == "needs_operator" else "absent")
        facts = case.session.gateway.facts
        if facts.tier is Tier.C or facts.query_param is None:
            reason = "the exchange shows no such order, and cannot be asked by our id"
            return await self._needs_operator(case, reason, proof)
        return await self._absent(case, proof, evidence.ended_ms)

    async def _unproven(self, case: _Case, evidence: Evidence) -> Resolution:
        """Keep a look that proves nothing, once for each reason, and say when the next one is."""
        memory = case.memory
        if evidence.failed is not None and evidence.failed != memory.kept:
            await self._keep(case, self._proof("no_evidence", case, evidence))
            memory.kept = evidence.failed
        if not case.early:
            return self._unclear(case, evidence)
        memory.failures += 1
        delay_s = _EARLY_S[min(memory.failures, len(_EARLY_S)) - 1]
        return Resolution("waiting", min(_ms(case.counts_from), evidence.began_ms + round(delay_s * 1000)))

    def _unclear(self, case: _Case, evidence: Evidence) -> Resolution:
        """Look again, ever more slowly."""
        case.memory.failures += 1
        delay_s = min(_RETRY_S_MAX, _RETRY_S * 2 ** min(case.memory.failures, 6))
        return Resolution("unclear", evidence.ended_ms + round(delay_s * 1000))

    async def _present(self, case: _Case, evidence: Evidence) -> Resolution:
        """Record every order that was found; a second one of the same intent is a conflict, and counted."""
        done, conflicts = True, 0
        for report in evidence.found:
            whole = await case.turn.executions(report)
            case.lease.check()
            recorded = await self._recorder.confirmation(_sent(case), whole, SOURCE)
            done = done and recorded.done
            persisted = recorded.persisted
            conflicts += persisted is not None and persisted.conflict
            if persisted is not None and persisted.cancel_requested and persisted.order_status == "open":
                await self._cancel(case, report)
        if not done:
            return self._unclear(case, evidence)
        if conflicts == len(evidence.found) and case.intent["state"] in _OURS:
            return await self._needs_operator(case, "its order is recorded as another intent's", None)
        _log.info("proven present", exchange_order_id=evidence.found[0].exchange_order_id)
        return Resolution("present")

    async def _cancel(self, case: _Case, report: OrderReport) -> None:
        """Send the cancel that was asked for while nobody knew whether there is an order."""
        case.lease.check()
        session, intent = case.session, case.intent
        try:
            await self._cancels.send(
                OrderIds(
                    session.tenant_id,
                    session.account_id,
                    case.intent_id,
                    intent["symbol"],
                    report.exchange_order_id,
                    intent["client_order_id"],
                )
            )
        except HoldfastError as error:  # it stays due, and goes out again
            _log.info("cancel waits", reason=str(error))

    async def _absent(self, case: _Case, proof: Proof, ended_ms: int) -> Resolution:
        ledger, tenant_id = self._context.ledger, case.session.tenant_id
        gap_ms = round(self._context.timings.read_gap_s * 1000)
        case.lease.check()
        code = await proofs.resolve_absent(
            ledger, tenant_id, case.intent_id, case.lease.token, proof, read_gap_ms=gap_ms
        )
        if code == "NOT_PROVEN":
            return Resolution("waiting", ended_ms + gap_ms)
        if code == "CONTRADICTED":
            reason = "the exchange has shown the order, and does not show it any more"
            return await self._needs_operator(case, reason, None)
        if code == "OK":
            _log.warning("proven absent")
            return Resolution("absent")
        return Resolution("present")  # it was confirmed meanwhile: a fact comes before a conclusion

    async def _needs_operator(self, case: _Case, reason: str, proof: Proof | None) -> Resolution:
        ledger, tenant_id = self._context.ledger, case.session.tenant_id
        case.lease.check()
        given = await proofs.needs_operator(
            ledger, tenant_id, case.intent_id, case.lease.token, reason, proof=proof
        )
        if not given:
            return Resolution("present")
        _log.error("only an operator can settle this intent", reason=reason)
        return Resolution("needs_operator")

    async def _keep(self, case: _Case, proof: Proof) -> None:
        case.lease.check()
        ledger, tenant_id = self._context.ledger, case.session.tenant_id
        await proofs.record(ledger, tenant_id, case.intent_id, case.lease.token, proof)

    def _proof(self, verdict: Verdict, case: _Case, evidence: Evidence) -> Proof:
        asked = evidence.asked if evidence.failed is None else (*evidence.asked, {"note": evidence.failed})
        actor = f"engine:{self._context.owner}"
        began_at, ended_at = _at(evidence.began_ms), _at(evidence.ended_ms)
        return Proof(verdict, began_at, ended_at, case.counts_from, actor, asked)


def _sent(case: _Case) -> Sent:
    intent = case.intent
    return Sent(
        intent["kind"],
        case.session,
        case.intent_id,
        intent["fencing_token"],
        intent["client_order_id"],
        intent["symbol"],
        origin_of(intent),
    )


def _at(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
