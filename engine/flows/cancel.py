"""Cancels: recorded first, sent whenever the order is known, and never believed without looking."""

import asyncio
from dataclasses import replace

from engine.domain.errors import EXPLANATIONS, ErrorCode, HoldfastError, Outcome
from engine.domain.outcomes import Canceled, NotSent, OrderReport, Refused
from engine.domain.states import FINAL_ORDER_STATES, IntentState
from engine.flows.accounts import OrderIds
from engine.flows.commands import OK, Answer, CancelCommand, refused_by
from engine.flows.context import FlowContext
from engine.flows.inflight import Inflight
from engine.flows.record import Recorder
from engine.ledger import orders
from engine.ledger.orders import CancelRequested
from engine.ledger.translation import passing
from engine.runtime.log import bound, get_logger

_log = get_logger(__name__)
_GONE = frozenset({IntentState.REJECTED, IntentState.NOT_PLACED})


class CancelFlow:
    """Cancels an order; not throttled, not blocked by a mode, not stopped by a database that is away."""

    def __init__(self, context: FlowContext, recorder: Recorder) -> None:
        self._context = context
        self._recorder = recorder
        self._inflight = Inflight()

    async def run(self, command: CancelCommand) -> Answer:
        """Record the wish, send it if the order is known to be open, and say what became of it."""
        with bound(tenant_id=command.tenant_id, intent_id=command.intent_id):
            answer = await self._inflight.finish(self._run(command), f"cancel {command.intent_id}")
        self._context.metrics.cancels_total.labels(str(answer.details.get("cancel", answer.code))).inc()
        return answer

    async def send(self, ids: OrderIds, *, recorded: bool = True) -> Answer:
        """Send the cancel of a confirmed order and book what the exchange says then; loops call it too."""
        session = self._context.accounts.session(ids.tenant_id, ids.account_id)
        outcome = await session.gateway.cancel(ids.symbol, ids.exchange_order_id)
        if isinstance(outcome, Canceled) and outcome.report.status in FINAL_ORDER_STATES:
            return await self._settle(ids, outcome.report, recorded=recorded)
        if isinstance(outcome, NotSent):
            return _answer("recorded" if recorded else "not_sent", recorded=recorded, reason=outcome.reason)
        report = await self._look(ids)
        if report is not None and report.status in FINAL_ORDER_STATES:
            return await self._settle(ids, report, recorded=recorded)
        if isinstance(outcome, Refused):
            return _answer(
                "refused", recorded=recorded, exchange_code=outcome.exchange_code, reason=outcome.message
            )
        reason = getattr(outcome, "reason", "the exchange has no such open order")
        if isinstance(outcome, Canceled):  # some exchanges only take the wish, and tell the end later
            reason = "the exchange has taken the cancel, and shows no end of the order yet"
        return _answer("unknown", recorded=recorded, reason=reason)

    def send_later(self, ids: OrderIds) -> None:
        """Send a cancel that was asked for while the order was still being placed."""
        self._inflight.start(self.send(ids), f"cancel {ids.intent_id}")

    async def close(self, timeout_s: float) -> int:
        """Wait for cancels that are being sent; returns how many were given up."""
        return await self._inflight.drain(timeout_s)

    async def _run(self, command: CancelCommand) -> Answer:
        ledger, timings = self._context.ledger, self._context.timings
        try:
            requested = await orders.request_cancel(
                ledger,
                command.tenant_id,
                command.intent_id,
                command.actor,
                claim=command.claim,
                deadline=ledger.deadline(timings.record_call_timeout_s),
            )
        except HoldfastError as error:
            ids = self._context.accounts.recall(command.tenant_id, command.intent_id)
            if not passing(error) or ids is None:
                return refused_by(error)
            _log.warning("cancel goes out unrecorded", cause=error.code.value)
            self._record_later(command)
            return await self._guarded(ids, recorded=False)
        return await self._follow(command, requested)

    def start(self, command: CancelCommand, requested: CancelRequested) -> asyncio.Task[Answer]:
        """Send a cancel that is recorded already, as one of many; it goes on without its caller."""
        return self._inflight.start(self._follow(command, requested), f"cancel {command.intent_id}")

    def start_unrecorded(self, command: CancelCommand, ids: OrderIds) -> asyncio.Task[Answer]:
        """Send the cancel of a known order while the database is away; the wish is recorded afterwards."""
        self._record_later(command)
        return self._inflight.start(self._guarded(ids, recorded=False), f"cancel {ids.intent_id}")

    async def _follow(self, command: CancelCommand, requested: CancelRequested) -> Answer:
        """Send what is recorded, if there is an open order to send it for."""
        if not requested.send or requested.exchange_order_id is None:
            return waiting(requested)
        ids = OrderIds(
            command.tenant_id,
            requested.account_id,
            command.intent_id,
            requested.symbol,
            requested.exchange_order_id,
            requested.client_order_id,
        )
        self._context.accounts.remember(ids)
        answer = await self._guarded(ids, recorded=True)
        return replace(answer, replay=requested.replay)

    async def _guarded(self, ids: OrderIds, *, recorded: bool) -> Answer:
        try:
            return await self.send(ids, recorded=recorded)
        except HoldfastError as error:  # no session, or a gateway that is closed: it goes out later
            return _answer("recorded" if recorded else "not_sent", recorded=recorded, reason=str(error))

    def _record_later(self, command: CancelCommand) -> None:
        ledger = self._context.ledger
        self._inflight.start(
            self._recorder.within_budget(
                f"cancel request {command.intent_id}",
                lambda deadline: orders.request_cancel(
                    ledger,
                    command.tenant_id,
                    command.intent_id,
                    command.actor,
                    claim=command.claim,
                    deadline=deadline,
                ),
            ),
            f"record cancel {command.intent_id}",
        )

    async def _look(self, ids: OrderIds) -> OrderReport | None:
        session = self._context.accounts.session(ids.tenant_id, ids.account_id)
        try:
            return await session.gateway.find_order(
                ids.symbol,
                client_order_id=ids.client_order_id,
                exchange_order_id=ids.exchange_order_id,
            )
        except HoldfastError:
            return None

    async def _settle(self, ids: OrderIds, report: OrderReport, *, recorded: bool) -> Answer:
        """Book an ended order, its fills first; what cannot be booked now is found again by the monitor."""
        session = self._context.accounts.session(ids.tenant_id, ids.account_id)
        details: dict[str, object] = {"status": report.status}
        try:
            seen = (
                await session.gateway.fills(ids.symbol, exchange_order_id=ids.exchange_order_id)
                if report.filled_quantity != 0
                else ()
            )
        except HoldfastError:
            seen = ()  # finishing waits for the missing fills
        booked = await self._recorder.within_budget(
            f"end of {ids.intent_id}",
            lambda _deadline: self._recorder.book(session, report, seen, "cancel"),
            None if recorded else 0.0,  # the database is away: the answer need not wait for it again
        )
        if booked is not None:
            details["status"] = booked.order_status or report.status
        done = booked is not None
        result = "done" if recorded else "sent_not_recorded"
        return _answer(result, recorded=recorded and done, **details)


def waiting(requested: CancelRequested) -> Answer:
    """Return the answer of a cancel for which nothing is sent, now or ever."""
    state, replay = IntentState(requested.state), requested.replay
    if state in _GONE:
        outcome = Outcome.NOT_PLACED
    else:
        outcome = Outcome.PLACED if requested.final or state is IntentState.CONFIRMED else Outcome.UNKNOWN
    known = "final" if requested.final or state in _GONE else "recorded"
    return Answer(OK, outcome, replay=replay, details={"cancel": known, "state": state.value})


def _answer(result: str, *, recorded: bool, **details: object) -> Answer:
    code = ErrorCode.DATABASE_UNAVAILABLE.value if result == "not_sent" else OK
    message = {} if code == OK else {"message": EXPLANATIONS[ErrorCode.DATABASE_UNAVAILABLE].text}
    return Answer(code, Outcome.PLACED, recorded=recorded, details={"cancel": result, **message, **details})
