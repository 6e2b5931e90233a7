"""Recording what the exchange said: repeated within its budget, then kept until the database takes it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from engine.domain.errors import HoldfastError
from engine.domain.outcomes import Fill, InDoubt, NotSent, OrderReport, Placed, Refused, SendOutcome
from engine.domain.states import FINAL_ORDER_STATES, OrderState
from engine.flows.accounts import AccountSession, OrderIds, Origin
from engine.flows.context import FlowContext
from engine.flows.inflight import Inflight
from engine.flows.underway import KnownFacts, Underway
from engine.flows.valuation import Valuer
from engine.ledger import entries, exits, fills, intents, orders, reads
from engine.ledger.entries import Confirmation
from engine.ledger.intents import Ended, Ending, Kind, Persisted
from engine.ledger.translation import passing
from engine.ledger.wire import instant
from engine.runtime.log import get_logger

T = TypeVar("T")
STREAM = "stream"  # the source that repeats what answers have said
Write = Callable[[float], Awaitable[T]]  # takes the call's deadline
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """An intent that this process sent, or was about to: what its end is recorded for."""

    kind: Kind
    session: AccountSession
    intent_id: UUID
    fencing_token: int
    client_order_id: str
    symbol: str
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """`done` False: the database has not taken it yet; it is kept and repeated.

    `persisted` for a confirmation, `ended` for everything else.
    """

    done: bool
    persisted: Persisted | None = None
    ended: Ended | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """What a report changed: codes of its fills in order of time, and its order's status (None: unknown)."""

    fills: tuple[str, ...]
    order_status: str | None


class Recorder:
    """Writes outcomes, reports and fills into the ledger; the same for flows and loops."""

    def __init__(self, context: FlowContext) -> None:
        self._context = context
        self._valuer = Valuer(context.clock)
        self._inflight = Inflight()
        self._pending = 0
        self._looked: set[UUID] = set()
        self._known = KnownFacts()
        self.underway = Underway()

    @property
    def pending(self) -> int:
        """How many facts wait for the database in memory."""
        return self._pending

    async def close(self, timeout_s: float) -> int:
        """Wait for the facts that are kept; returns how many were given up (the exchange still has them)."""
        return await self._inflight.drain(timeout_s)

    def knows(self, account_id: UUID, report: OrderReport) -> bool:
        """Tell whether this process has recorded the order of a report as that of its intent."""
        return self._known.has_order(account_id, report)

    async def outcome(self, sent: Sent, outcome: SendOutcome) -> Recorded:
        """Record how a send ended. Never raises for a database that is away."""
        if isinstance(outcome, Placed):
            return await self.confirmation(sent, outcome.report, "answer")
        ended = await self.within_budget(
            f"{sent.kind} {type(outcome).__name__}", lambda deadline: self._end(sent, outcome, deadline)
        )
        return Recorded(done=ended is not None, ended=ended)

    async def confirmation(self, sent: Sent, report: OrderReport, source: str) -> Recorded:
        """Record that the exchange has the order of an intent."""
        self._context.accounts.remember(
            OrderIds(
                sent.session.tenant_id,
                sent.session.account_id,
                sent.intent_id,
                sent.symbol,
                report.exchange_order_id,
                sent.client_order_id,
                sent.origin,
            )
        )
        confirmation = Confirmation(
            sent.intent_id,
            report.exchange_order_id,
            report.status,
            report.filled_quantity,
            report.exchange_time,
            [await self._valuer.bookable(sent.session, fill, source) for fill in report.fills],
            report.raw or None,
        )
        persist = entries.persist_entry if sent.kind == "entry" else exits.persist_exit
        persisted = await self.within_budget(
            f"{sent.kind} confirmation",
            lambda deadline: persist(
                self._context.ledger, sent.session.tenant_id, confirmation, deadline=deadline
            ),
        )
        if persisted is not None:
            self._note(sent, persisted, report)
            self._remember(sent, persisted, report)
        return Recorded(done=persisted is not None, persisted=persisted)

    async def book(
        self, session: AccountSession, report: OrderReport | None, seen: Sequence[Fill], source: str
    ) -> Booked:
        """Book fills, then the terminal status of a report; whoever saw them, and however often.

        Raises BUSY or DATABASE_UNAVAILABLE: then it is not booked, and to be done again. What this process
        has recorded itself is not sent again if only the stream repeats it; polling always asks.
        """
        ledger = self._context.ledger
        known, repeats = self._known, source == STREAM
        whole = [*seen, *(report.fills if report is not None else ())]
        unique = {(fill.symbol, fill.exchange_order_id, fill.exchange_trade_id): fill for fill in whole}
        news = [
            fill for fill in unique.values() if not (repeats and known.has_fill(session.account_id, fill))
        ]
        news.sort(key=lambda fill: fill.exchange_time)  # whatever order they were told in
        bookable = [await self._valuer.bookable(session, fill, source) for fill in news]
        applied = await asyncio.gather(
            *(fills.apply_fill(ledger, session.tenant_id, each) for each in bookable)
        )
        known.add_fills(
            session.account_id,
            (fill for fill, each in zip(news, applied, strict=True) if each.code != "PARKED"),
        )
        status = next((each.order_status for each in reversed(applied) if each.order_status), None)
        if report is None or report.status not in FINAL_ORDER_STATES:
            return Booked(tuple(each.code for each in applied), status)
        if not (repeats and known.has_end(session.account_id, report)):
            finished = await orders.finish_order(
                ledger,
                session.tenant_id,
                orders.Finish(
                    OrderState(report.status).value,
                    report.filled_quantity,
                    report.exchange_time,
                    account_id=session.account_id,
                    symbol=report.symbol,
                    exchange_order_id=report.exchange_order_id,
                    evidence=report.raw or None,
                ),
            )
            status = finished.order_status or status
        return Booked(tuple(each.code for each in applied), status)

    async def infer(self, session: AccountSession, fill: Fill, average_price: Decimal | None) -> Booked:
        """Book what an exchange says was filled without showing it; see engine.flows.inferring.

        Raises what `book` raises. If nothing is missing any more, nothing is booked.
        """
        inferred = fills.BookableFill(
            session.account_id, fill, "inferred", inferred=True, average_price=average_price
        )
        applied = await fills.apply_fill(self._context.ledger, session.tenant_id, inferred)
        return Booked((applied.code,), applied.order_status)

    async def drain(self, session: AccountSession) -> int:
        """Book the fills that wait for their order, where it is known by now; returns how many there were."""
        return await fills.drain_unmatched(self._context.ledger, session.tenant_id, session.account_id)

    async def value_late(self, session: AccountSession) -> int:
        """Value fees that were booked without a rate, at the rate of their time; returns how many were.

        Cheap where nothing waits: the ledger is asked once, then only after a fill that found no rate.
        """
        ledger, valued = self._context.ledger, 0
        if session.account_id in self._looked and session.account_id not in self._valuer.unvalued:
            return 0
        self._valuer.unvalued.discard(session.account_id)
        wanted = {"account_id": str(session.account_id), "unvalued": True}
        for row in reversed(await reads.list_fills(ledger, session.tenant_id, wanted)):  # the earliest first
            bookable = await self._valuer.bookable(session, _fill(row), "late", past=True)
            if bookable.fee_rate is not None:
                valued += await fills.value_fee(ledger, session.tenant_id, bookable) == "OK"
        self._looked.add(session.account_id)
        return valued

    async def within_budget(self, name: str, write: Write[T], budget_s: float | None = None) -> T | None:
        """Repeat a write until it commits or its budget is over; then keep repeating it behind the scenes.

        `budget_s`: how long the caller waits for it, where that is less than usual.
        Returns None if the database has not taken it in time, or refuses it: the intent stays visible as
        it was, and the resolver's proof is the net. Every write here is idempotent.
        """
        clock, timings = self._context.clock, self._context.timings
        task = self._inflight.start(self._until_taken(name, write), name)
        budget_s = timings.record_budget_s if budget_s is None else budget_s
        started = clock.monotonic()
        _done, late = await asyncio.wait({task}, timeout=budget_s)
        if late:
            _log.warning("not recorded yet", fact=name, waited_s=round(clock.monotonic() - started, 3))
            return None
        try:
            return task.result()
        except HoldfastError:  # logged where it happened
            return None

    async def _until_taken(self, name: str, write: Write[T]) -> T:
        timings = self._context.timings
        delay_s = timings.retry_delay_s
        self._count(1)
        try:
            while True:
                try:
                    return await write(self._context.ledger.deadline(timings.record_call_timeout_s))
                except HoldfastError as error:
                    if not passing(error):
                        _log.exception("the database refuses a fact", fact=name)
                        raise
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, timings.retry_delay_s_max)
        finally:
            self._count(-1)

    async def _end(self, sent: Sent, outcome: Refused | NotSent | InDoubt, deadline: float) -> Ended:
        ledger, tenant_id = self._context.ledger, sent.session.tenant_id
        if isinstance(outcome, Refused):
            reject = entries.reject_entry if sent.kind == "entry" else exits.reject_exit
            ending = Ending(
                sent.intent_id,
                sent.fencing_token,
                outcome.message,
                outcome.exchange_code,
                outcome.raw or None,
            )
            return await reject(ledger, tenant_id, ending, deadline=deadline)
        if isinstance(outcome, NotSent):
            ending = Ending(sent.intent_id, sent.fencing_token, outcome.reason)
            return await intents.not_placed(ledger, tenant_id, ending, deadline=deadline)
        ending = Ending(sent.intent_id, sent.fencing_token, outcome.reason, evidence=outcome.raw or None)
        return await intents.mark_in_doubt(ledger, tenant_id, ending, deadline=deadline)

    def _note(self, sent: Sent, persisted: Persisted, report: OrderReport) -> None:
        metrics = self._context.metrics
        if persisted.false_absence:
            metrics.false_absence_total.inc()
        if persisted.conflict:
            metrics.duplicate_order_conflicts_total.inc()
            _log.error(
                "a second order of one intent",
                intent_id=str(sent.intent_id),
                exchange_order_id=report.exchange_order_id,
            )

    def _remember(self, sent: Sent, persisted: Persisted, report: OrderReport) -> None:
        """Keep in mind what a confirmation has committed, so that the stream's copy costs no call."""
        if persisted.conflict:
            return  # nothing of this order was booked
        account_id = sent.session.account_id
        self._known.add_order(account_id, report, sent.client_order_id)
        self._known.add_fills(account_id, report.fills)
        if report.status in FINAL_ORDER_STATES and persisted.order_status == report.status:
            self._known.add_end(account_id, report)

    def _count(self, step: int) -> None:
        self._pending += step
        self._context.metrics.facts_pending.set(self._pending)


def _fill(row: Mapping[str, Any]) -> Fill:
    """Return a recorded fill as the exchange reported it."""
    return Fill(
        row["symbol"],
        row["exchange_order_id"],
        row["exchange_trade_id"],
        row["side"],
        Decimal(row["price"]),
        Decimal(row["quantity"]),
        Decimal(row["fee_quantity"]),
        row["fee_asset"],
        instant(row["exchange_time"]),
    )
