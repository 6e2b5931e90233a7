"""From an opened intent to its answer, entries and exits alike: send once, record what came of it."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from engine.domain.errors import ErrorCode, HoldfastError, Outcome
from engine.domain.money import ZERO, product, to_text
from engine.domain.outcomes import InDoubt, NotSent, OrderReport, Placed, Refused, SendOutcome
from engine.domain.requests import OrderRequest, Side
from engine.flows.accounts import AccountSession, Origin, Profile
from engine.flows.cancel import CancelFlow
from engine.flows.commands import OK, Answer, EntryCommand, ExitCommand
from engine.flows.context import FlowContext
from engine.flows.record import Recorded, Recorder, Sent
from engine.flows.replay import of_intent
from engine.ledger import reads
from engine.ledger.intents import IntentView, Kind, Opened, OrderView
from engine.runtime.log import get_logger

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Moment:
    """Taken before step 1: what is signed, and when nothing may be sent any more."""

    signed_at_ms: int
    valid_for_ms: int
    send_before: float

    @property
    def exchange_deadline(self) -> datetime:
        """When the exchange stops accepting the request, in its own clock."""
        return datetime.fromtimestamp((self.signed_at_ms + self.valid_for_ms) / 1000, UTC)


C = TypeVar("C", EntryCommand, ExitCommand)


@dataclass(frozen=True, slots=True)
class Wish(Generic[C]):
    """What a robot asked for, with its profile and account; moments are monotonic."""

    command: C
    profile: Profile
    session: AccountSession
    started: float
    expires_at: float | None

    @property
    def key(self) -> tuple[object, ...]:
        """Whose turn it waits for."""
        return (self.command.tenant_id, self.profile.profile_id, self.command.symbol)


async def wish_of(context: FlowContext, command: C, started: float) -> Wish[C]:
    """Find profile and account of a command. Raises NOT_FOUND; NOT_READY while a gate is closed for it."""
    accounts, after_ms = context.accounts, command.expires_after_ms
    profile = await accounts.profile(command.tenant_id, command.profile)
    session = accounts.session(command.tenant_id, profile.account_id)
    session.check_open("entry" if isinstance(command, EntryCommand) else "exit")
    expires_at = None if after_ms is None else started + after_ms / 1000
    return Wish(command, profile, session, started, expires_at)


@dataclass(frozen=True, slots=True)
class Ready:
    """An intent that is durable and 'sending', with everything its send needs."""

    kind: Kind
    wish: Wish[EntryCommand] | Wish[ExitCommand]
    opened: Opened
    moment: Moment
    limit_price: Decimal | None
    time_in_force: str

    @property
    def command(self) -> EntryCommand | ExitCommand:
        """What the robot asked for."""
        return self.wish.command

    @property
    def session(self) -> AccountSession:
        """The account it goes to."""
        return self.wish.session

    @property
    def sent(self) -> Sent:
        """What its end is recorded for."""
        opened = self.opened
        return Sent(
            self.kind,
            self.session,
            opened.intent_id,
            opened.fencing_token,
            opened.client_order_id,
            self.command.symbol,
            Origin(self.wish.profile.profile_id, self.command.robot_id, self.kind),
        )

    @property
    def request(self) -> OrderRequest:
        """What goes to the exchange."""
        side: Side = "buy" if self.kind == "entry" else "sell"
        return OrderRequest(
            self.command.symbol,
            side,
            "market" if self.limit_price is None else "limit",
            self.opened.quantity,
            self.limit_price,
            "IOC" if self.time_in_force == "IOC" else "FOK" if self.time_in_force == "FOK" else "GTC",
            self.command.post_only,
            self.opened.client_order_id,
            self.moment.signed_at_ms,
            self.moment.valid_for_ms,
            self.moment.send_before,
        )


class Placer:
    """Steps 2 to 4 of an intent's life."""

    def __init__(self, context: FlowContext, recorder: Recorder, cancels: CancelFlow) -> None:
        self._context = context
        self._cancels = cancels
        self._recorder = recorder

    def moment(self, session: AccountSession, expires_at: float | None) -> Moment:
        """Fix the time stamp that will be signed, and the last moment to write it.

        `expires_at` is the robot's own limit (monotonic): the wait for the exchange's budget ends there too.
        """
        valid_for_ms = self._context.timings.valid_for_ms
        signed_at_ms = session.gateway.exchange_now_ms()
        send_before = self._context.clock.monotonic() + valid_for_ms / 1000
        if expires_at is not None:
            send_before = min(send_before, expires_at)
        return Moment(signed_at_ms, valid_for_ms, send_before)

    async def place(self, ready: Ready) -> Answer:
        """Send the order once, record what came of it, and answer."""
        with self._recorder.underway.sending(ready.session.account_id, ready.opened.client_order_id):
            outcome = await self._submit(ready)
            recorded = await self._recorder.outcome(ready.sent, outcome)
        if recorded.ended is not None and not recorded.ended.done:
            # someone else ended this intent meanwhile: what is recorded counts, not what we saw
            view = await self._recorded_view(ready)
            if view is not None:
                return of_intent(view, replay=False)
        if recorded.persisted is not None and recorded.persisted.cancel_requested:
            ids = self._context.accounts.recall(ready.session.tenant_id, ready.opened.intent_id)
            if ids is not None:
                self._cancels.send_later(ids)
        return self._answer(ready, outcome, recorded)

    async def _submit(self, ready: Ready) -> SendOutcome:
        timings = self._context.timings
        wait_s = max(0.0, ready.moment.send_before - self._context.clock.monotonic())
        try:
            async with asyncio.timeout(wait_s + timings.exchange_timeout_s):
                return await ready.session.gateway.submit(ready.request)
        except TimeoutError:
            return InDoubt("no answer of the exchange in time")
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                raise
            # the process stops and this has waited long enough: what may be at the exchange is still told
            return InDoubt("the process stopped before the exchange answered")
        except HoldfastError as error:  # a gateway that is closed: raised before anything is written
            return NotSent(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it may have come after the write
            _log.exception("submit failed in an unknown way", intent_id=str(ready.opened.intent_id))
            return InDoubt(f"unexpected {type(error).__name__}")

    async def _recorded_view(self, ready: Ready) -> IntentView | None:
        try:
            return await reads.get_order(
                self._context.ledger, ready.session.tenant_id, ready.opened.intent_id
            )
        except HoldfastError:
            return None

    def _answer(self, ready: Ready, outcome: SendOutcome, recorded: Recorded) -> Answer:
        view = self._view(ready, outcome, recorded)
        done = recorded.done
        if isinstance(outcome, Placed):
            details = {"exchange_order_id": outcome.report.exchange_order_id}
            return Answer(OK, Outcome.PLACED, recorded=done, intent=view, details=details)
        if isinstance(outcome, Refused):
            details = {"exchange_code": outcome.exchange_code, "reason": outcome.message}
            code, known = ErrorCode.REJECTED, Outcome.NOT_PLACED
        elif isinstance(outcome, NotSent):
            details = {"reason": outcome.reason}
            code, known = ErrorCode.NOT_PLACED, Outcome.NOT_PLACED
        else:
            details = {"reason": outcome.reason, "resolve_by": _told(ready.opened.expires_at)}
            code, known = ErrorCode.IN_DOUBT, Outcome.UNKNOWN
        details["client_order_id"] = ready.opened.client_order_id
        return Answer(code.value, known, recorded=done, intent=view, details=details)

    def _view(self, ready: Ready, outcome: SendOutcome, recorded: Recorded) -> IntentView:
        """Return the intent as the recorded outcome leaves it, without asking the database again."""
        state, reason_code, reason = _state(outcome)
        opened, command = ready.opened, ready.command
        now = _told(self._context.clock.now())
        report = outcome.report if isinstance(outcome, Placed) else None
        order = None if report is None else _order(report, opened.quantity, recorded)
        held = state not in {"rejected", "not_placed"}
        return {
            "id": str(opened.intent_id),
            "kind": ready.kind,
            "profile_id": str(ready.wish.profile.profile_id),
            "account_id": str(ready.session.account_id),
            "robot_id": str(command.robot_id),
            "symbol": command.symbol,
            "side": ready.request.side,
            "type": command.type,
            "quantity": to_text(opened.quantity),
            "limit_price": None if ready.limit_price is None else to_text(ready.limit_price),
            "time_in_force": ready.time_in_force,
            "post_only": command.post_only,
            "label": command.label,
            "client_order_id": opened.client_order_id,
            "state": state if recorded.done else "sending",
            "exchange_order_id": None if report is None else report.exchange_order_id,
            "reserved": to_text(opened.reserved),
            "remaining": _remaining(opened, order) if held else "0",
            "cancel_requested_at": None,
            "reason_code": reason_code,
            "reason": reason,
            "expires_at": _told(opened.expires_at),
            "exchange_deadline": _told(opened.exchange_deadline),
            "spec_version": opened.spec_version,
            "created_at": now,
            "updated_at": now,
            "fencing_token": opened.fencing_token,
            "owner": str(self._context.owner),
            "order": order,
        }


def _told(when: datetime) -> str:
    """Return a moment in UTC as the database tells it, so that a replay's body is the first one's."""
    text, _, fraction = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").partition(".")
    fraction = fraction.rstrip("0")
    return f"{text}.{fraction}+00:00" if fraction else f"{text}+00:00"


def _state(outcome: SendOutcome) -> tuple[str, str | None, str | None]:
    if isinstance(outcome, Placed):
        return "confirmed", None, None
    if isinstance(outcome, Refused):
        return "rejected", outcome.exchange_code, outcome.message
    return ("not_placed" if isinstance(outcome, NotSent) else "in_doubt"), None, outcome.reason


def _remaining(opened: Opened, order: OrderView | None) -> str | None:
    """Return what is still set aside; None after partial fills, whose fees the database values."""
    if order is None or (order["status"] == "open" and order["booked_quantity"] == "0"):
        return to_text(opened.reserved)
    return None if order["status"] == "open" else "0"


def _order(report: OrderReport, quantity: Decimal, recorded: Recorded) -> OrderView:
    booked = sum((fill.quantity for fill in report.fills), ZERO)
    notional = sum((product(fill.price, fill.quantity) for fill in report.fills), ZERO)
    fees: dict[str, Any] = {}
    for fill in report.fills:
        if fill.fee_asset is not None and fill.fee_quantity is not None:
            fees[fill.fee_asset] = fees.get(fill.fee_asset, ZERO) + fill.fee_quantity
    filled = max(booked, report.filled_quantity or ZERO)
    persisted = recorded.persisted
    status = (persisted.order_status if persisted is not None else None) or report.status or "open"
    at = None if report.exchange_time is None else _told(report.exchange_time)
    return {
        "status": status,
        "unconfirmed": status == "open" and report.status not in {None, "open"},
        "quantity": to_text(quantity),
        "filled_quantity": to_text(filled),
        "booked_quantity": to_text(booked),
        "booked_notional": to_text(notional),
        "average_price": to_text(round(notional / booked, 18)) if booked else None,
        "fees": {asset: to_text(fee) for asset, fee in fees.items()},
        "exchange_time": at,
        "finished_at": at if status != "open" else None,
    }
