"""Planted bugs in Python callables."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from engine.domain.errors import Outcome
from engine.domain.money import ZERO
from engine.domain.outcomes import Canceled, InDoubt, NotFound, NotSent, OrderReport, Refused
from engine.exchange import sending, wire
from engine.exchange.gateway import Gateway
from engine.exchange.outcome_table import Answer, Verdict
from engine.exchange.sending import Sender
from engine.exchange.tiers import Tier
from engine.flows import evidence, healing, resolve
from engine.flows.placing import Placer, Ready
from engine.flows.reconcile import Reconciliation
from engine.ledger import entries
from engine.ledger.fills import BookableFill
from engine.ledger.intents import Opened
from engine.ledger.reconciliation import Found, ProfileComparison
from tests.planted.planting import Bug, both, python, sql

Callable_ = Callable[..., Any]
_later: list[Any] = []  # what the bug "sends before it commits" has put off


def _open_later(whole: Callable_) -> Callable_:
    async def open_entry(ledger: Any, tenant_id: Any, entry: Any, *, deadline: float | None = None) -> Any:
        _later.append(lambda: whole(ledger, tenant_id, entry, deadline=deadline))
        item = entry.item()
        at = entry.exchange_deadline
        quantity = entry.quantity
        return Opened(item["intent_id"], item["client_order_id"], 1, at, at, quantity, quantity, None, 1)

    return open_entry


def _submit_then_open(whole: Callable_) -> Callable_:
    async def submit(self: Any, ready: Any) -> Any:
        outcome = await whole(self, ready)
        while _later:
            await _later.pop()()
        return outcome

    return submit


def _outcome(wrong: Callable[[Any], Any]) -> Callable[[Callable_], Callable_]:
    """Make a send's outcome something else."""

    def made(whole: Callable_) -> Callable_:
        async def submit(self: Any, ready: Any) -> Any:
            return wrong(await whole(self, ready))

        return submit

    return made


def _unknown_is_not_sent(word: str) -> Callable[[Any], Any]:
    def wrong(outcome: Any) -> Any:
        return NotSent(outcome.reason) if isinstance(outcome, InDoubt) and word in outcome.reason else outcome

    return wrong


def _send_again(whole: Callable_) -> Callable_:
    async def submit(self: Any, ready: Any) -> Any:
        outcome = await whole(self, ready)
        if isinstance(outcome, InDoubt):
            ready.session.gateway._sender._used.clear()
            return await whole(self, ready)
        return outcome

    return submit


def _signed_when_sent(whole: Callable_) -> Callable_:
    async def create(self: Any, request: Any) -> Any:
        now_ms = self._client.torture_gateway.exchange_now_ms()
        return await whole(self, replace(request, signed_at_ms=now_ms))

    return create


def _errors_refuse(whole: Callable_) -> Callable_:
    def judge(exchange: str, status: int | None, body: str | None) -> Answer:
        answer = whole(exchange, status, body)
        if status is not None and status >= 400 and answer.verdict is Verdict.UNKNOWN:
            return Answer(Verdict.REFUSED, answer.code, answer.message)
        return Answer(answer.verdict, answer.code, answer.message)

    return judge


def _gone_is_canceled(whole: Callable_) -> Callable_:
    async def cancel(self: Any, symbol: str, exchange_order_id: str) -> Any:
        outcome = await whole(self, symbol, exchange_order_id)
        if isinstance(outcome, NotFound):
            return Canceled(_canceled(symbol, exchange_order_id))
        return outcome

    return cancel


def _canceled(symbol: str, exchange_order_id: str) -> OrderReport:
    fields = dict.fromkeys(OrderReport.__dataclass_fields__)
    fields |= {"symbol": symbol, "exchange_order_id": exchange_order_id, "status": "canceled"}
    fields |= {"fills": (), "raw": {}, "filled_quantity": ZERO}
    return OrderReport(**fields)  # type: ignore[arg-type]  # a report that knows next to nothing


def _own_trade_ids(whole: Callable_) -> Callable_:
    def item(self: Any) -> dict[str, Any]:
        made: dict[str, Any] = whole(self)
        return made | {"exchange_trade_id": f"{self.source}:{made['exchange_trade_id']}"}

    return item


def _other_client_id(_whole: Any) -> Any:
    whole = Ready.request.fget

    def request(self: Any) -> Any:
        made = whole(self)  # type: ignore[misc]  # a property has its getter
        return replace(made, client_order_id=made.client_order_id[:-4] + "zzzz")

    return property(request)


def _told_not_placed(whole: Callable_) -> Callable_:
    def answer(self: Any, ready: Any, outcome: Any, recorded: Any) -> Any:
        given = whole(self, ready, outcome, recorded)
        return replace(given, outcome=Outcome.NOT_PLACED) if given.outcome is Outcome.UNKNOWN else given

    return answer


def _failures_forgotten(whole: Callable_) -> Callable_:
    def found(self: Any, failed: str | None) -> Any:
        self.failed = None
        return whole(self, failed)

    return found


def _healed_unbooked(_whole: Callable_) -> Callable_:
    async def fill(_self: Any, _case: Any, missing: Any) -> Any:
        return [Found(each, healing.HEALED, "forgotten") for each in missing]

    return fill


def _unlisted_is_canceled(whole: Callable_) -> Callable_:
    async def settle(self: Any, case: Any, differing: Any, to_query: Any) -> Any:
        for each in differing:
            if each.kind == "order_not_listed":
                report = _canceled(each.symbol, each.exchange_order_id)
                await self._recorder.book(case.session, report, (), healing.SOURCE)
        return await whole(self, case, differing, to_query)

    return settle


def _nothing(_whole: Callable_) -> Callable_:
    async def transfers(_self: Any, _since_ms: int) -> tuple[()]:
        return ()

    return transfers


def _no_comparison(_whole: Callable_) -> Callable_:
    async def compare(_self: Any, run: Any, *_: Any) -> ProfileComparison:
        run.compared["profiles"] += 1
        return ProfileComparison(0, (), (), ())

    return compare


def _trusted_refusal(outcome: Any) -> Any:
    return Refused("-1", outcome.reason, None) if isinstance(outcome, InDoubt) else outcome


PYTHON_BUGS = (
    Bug(
        "sent_before_committed",
        "the order goes out before its intent is durable",
        "entry_limit crash_after@1",
        both(
            python(entries, "open_entry", _open_later),
            python(Placer, "_submit", _submit_then_open),
        ),
    ),
    Bug(
        "signed_when_sent",
        "a process that was stopped sends, because it signs and checks the time only then",
        "entry_limit zombie@2 frozen=False skew=0",
        both(
            python(Sender, "_create", _signed_when_sent),
            python(wire, "_may_write", lambda _whole: lambda _record: None),
        ),
    ),
    Bug(
        "timeout_releases",
        "a timeout of the exchange counts as not sent",
        "entry_limit timeout_after@2",
        python(Placer, "_submit", _outcome(_unknown_is_not_sent("TimeoutError"))),
    ),
    Bug(
        "lost_connection_releases",
        "a connection that broke after the write counts as not sent",
        "entry_limit lost_after@2",
        python(Placer, "_submit", _outcome(_unknown_is_not_sent("Connection"))),
    ),
    Bug(
        "unknown_is_refused",
        "whatever is unknown counts as refused",
        "exit_market lost_after@2",
        python(Placer, "_submit", _outcome(_trusted_refusal)),
    ),
    Bug(
        "cancelled_task_releases",
        "a task that is cancelled in its send counts as not sent",
        "entry_limit cancelled_after@2",
        python(Placer, "_submit", _outcome(_unknown_is_not_sent("stopped"))),
    ),
    Bug(
        "retried_on_unknown",
        "what has no answer is sent again",
        "entry_limit lost_after@2",
        python(Placer, "_submit", _send_again),
    ),
    Bug(
        "errors_refuse",
        "every HTTP error counts as a refusal",
        "doubt_present",
        python(sending, "judge", _errors_refuse),
    ),
    Bug(
        "gone_is_canceled",
        "a cancel that finds no open order ends it without looking",
        "cancel_filled",
        python(Sender, "cancel", _gone_is_canceled),
    ),
    Bug(
        "trade_ids_by_source",
        "a fill has another identity for each way it is seen",
        "bid_and_fill",
        python(BookableFill, "item", _own_trade_ids),
    ),
    Bug(
        "other_client_id",
        "the order is sent under another client order id than its intent's",
        "entry_resting lost_after@2",
        python(Ready, "request", _other_client_id),
    ),
    Bug(
        "told_not_placed",
        "a robot is told that nothing was placed when nobody knows",
        "entry_limit lost_after@2",
        python(Placer, "_answer", _told_not_placed),
    ),
    Bug(
        "absent_before_deadline",
        "reads prove absence while the request may still arrive",
        "doubt_late",
        both(
            python(resolve, "MARGINS", lambda _: dict.fromkeys(Tier, timedelta(seconds=-14.9))),
            sql(
                "resolve/judge_absence.sql",
                (
                    "(v_gap > interval '0' AND v_counts_from > p_intent.exchange_deadline)",
                    "(v_gap > interval '0')",
                ),
            ),
        ),
    ),
    Bug(
        "failed_reads_are_evidence",
        "a read that failed counts as one that showed nothing",
        "doubt_unreadable",
        python(evidence._Asking, "evidence", _failures_forgotten),
    ),
    Bug(
        "healed_unbooked",
        "a missing fill is called healed and not booked",
        "fill_after_cancel",
        python(healing.Healer, "_fill", _healed_unbooked),
    ),
    Bug(
        "unlisted_is_canceled",
        "an order that a list does not show is ended",
        "heal_not_listed",
        python(healing.Healer, "_settle", _unlisted_is_canceled),
    ),
    Bug(
        "transfers_unread",
        "deposits and withdrawals are not read",
        "transfers",
        python(Gateway, "transfers", _nothing),
    ),
    Bug(
        "profiles_not_compared",
        "a pass compares no profile",
        "fill_after_cancel",
        python(Reconciliation, "_compare_profile", _no_comparison),
    ),
)
