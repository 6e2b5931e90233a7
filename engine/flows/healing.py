"""Hands each difference of a pass to what live trading uses for the same fact, and says what became of it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from engine.domain.errors import HoldfastError
from engine.domain.money import EXACT, ZERO
from engine.domain.outcomes import Fill, OrderReport
from engine.domain.states import FINAL_ORDER_STATES
from engine.flows.accounts import AccountSession, origin_of
from engine.flows.attribution import order_key
from engine.flows.context import FlowContext
from engine.flows.inferring import infer
from engine.flows.lease import Lease
from engine.flows.record import Recorder, Sent
from engine.flows.snapshot import OrderKey, Snapshot, read_ended
from engine.ledger import proofs, reads
from engine.ledger.intents import IntentView
from engine.ledger.proofs import Proof
from engine.ledger.reconciliation import Found, Mismatch
from engine.ledger.wire import instant
from engine.runtime.log import get_logger

_Trade = tuple[str, str, str]  # symbol, exchange order id, exchange trade id
SOURCE = "reconciliation"
HEALED, EXPLAINED, OPEN = "healed", "explained", "open"
_UNRESOLVED = frozenset({"sending", "in_doubt", "needs_operator"})
# Of an order that stands in the ledger: its report and its trades settle them.
_ORDERS = frozenset({"status_differs", "filled_differs", "order_not_listed", "inferred_open"})
_INFERRED = "inferred_open"
_SKIPPED = "skipped_long"  # no difference yet: only never compared
_BOOKED = frozenset({"OK", "DUPLICATE"})
_TURNS_KEPT = 1000
_LOOKS_PER_LIST = 2  # more than two passes can ask for one by one: then a list, so that two passes always do
_log = get_logger(__name__)


class Case:
    """One pass over one account while its differences are handled.

    `began_at`: the exchange's clock before the first question. `booked` adds up what was booked meanwhile.
    """

    def __init__(self, session: AccountSession, lease: Lease, snapshot: Snapshot, began_at: datetime) -> None:
        self.session = session
        self.lease = lease
        self.snapshot = snapshot
        self.began_at = began_at
        self.booked: dict[OrderKey, Decimal] = {}
        self.fills: dict[OrderKey, list[Fill]] = {}
        for fill in snapshot.in_time():
            self.fills.setdefault(order_key(fill), []).append(fill)

    def report(self, mismatch: Mismatch) -> OrderReport | None:
        """Return what the snapshot says of a difference's order."""
        return self.snapshot.orders.get(_key(mismatch))

    def end(self, mismatch: Mismatch) -> OrderReport | None:
        """Return the end that the snapshot shows of a difference's order."""
        report = self.report(mismatch)
        return report if report is not None and report.status in FINAL_ORDER_STATES else None


@dataclass(frozen=True, slots=True)
class _Look:
    """What the exchange said of one order when it was asked for."""

    mismatch: Mismatch
    report: OrderReport
    fills: Sequence[Fill]


class Healer:
    """`looks_max`: how many orders one pass asks for by themselves; the others have their turn later."""

    def __init__(self, context: FlowContext, recorder: Recorder, looks_max: int) -> None:
        self._context = context
        self._recorder = recorder
        self._looks_max = looks_max
        self._turn = 0
        self._looked: dict[UUID | None, int] = {}  # in which turn an order was asked for last

    async def heal(
        self, case: Case, mismatches: Sequence[Mismatch], to_query: Iterable[UUID] = ()
    ) -> list[Found]:
        """Handle the differences of all profiles: missing orders, then fills, then the orders' ends.

        `to_query`: intents that no pass could compare for long. Raises LEASE_LOST; what else goes wrong with
        one difference leaves that one open.
        """
        self._turn += 1
        by_kind: dict[str, list[Mismatch]] = {}
        for mismatch in mismatches:
            by_kind.setdefault(mismatch.kind, []).append(mismatch)
        found = await self._place(case, by_kind.pop("missing_order", []))
        found += await self._fill(case, by_kind.pop("missing_fill", []))
        orders = [each for kind in sorted(_ORDERS) for each in by_kind.pop(kind, [])]
        found += await self._settle(case, orders, to_query)
        found += [
            Found(each, EXPLAINED if each.kind == "fill_differs" else OPEN, _CAUSES.get(each.kind))
            for rest in by_kind.values()
            for each in rest
        ]
        return found

    # -- orders that the ledger has not ---------------------------------------------------------------

    async def _place(self, case: Case, missing: Sequence[Mismatch]) -> list[Found]:
        return list(await asyncio.gather(*(self._place_one(case, each) for each in missing)))

    async def _place_one(self, case: Case, mismatch: Mismatch) -> Found:
        """Record an order whose intent has none; for one in doubt this is the proof of presence."""
        ledger, session = self._context.ledger, case.session
        report = case.report(mismatch)
        if mismatch.intent_id is None or report is None:
            return Found(mismatch, OPEN, "the snapshot does not show the order")
        try:
            view = await reads.get_order(ledger, session.tenant_id, mismatch.intent_id)
            if view is None:
                return Found(mismatch, OPEN, "the intent is gone")
            case.lease.check()
            if view["state"] in _UNRESOLVED:
                await self._prove(case, view, report)
            sent = Sent(
                view["kind"],
                session,
                mismatch.intent_id,
                view["fencing_token"],
                view["client_order_id"],
                view["symbol"],
                origin_of(view),
            )
            whole = replace(report, fills=tuple(case.fills.get(order_key(report), ())))
            recorded = await self._recorder.confirmation(sent, whole, SOURCE)
        except HoldfastError as error:
            case.lease.check()
            return _failed(mismatch, error)
        if recorded.persisted is not None and recorded.persisted.conflict:
            return Found(mismatch, OPEN, "a second order of the same intent")
        if not recorded.done:
            return Found(mismatch, OPEN, "the database has not taken it yet")
        return Found(mismatch, HEALED, f"found at the exchange while {view['state']}")

    async def _prove(self, case: Case, view: IntentView, report: OrderReport) -> None:
        """Keep what proved an intent present: the list of this pass that shows its order."""
        ended_at = _at(case.session.gateway.exchange_now_ms())
        proof = Proof(
            "present",
            min(case.began_at, ended_at),
            ended_at,
            instant(view["exchange_deadline"]),
            f"engine:{self._context.owner}",
            [{"question": "reconciliation", "symbol": report.symbol, "answer": report.raw}],
        )
        await proofs.record(
            self._context.ledger, case.session.tenant_id, UUID(view["id"]), case.lease.token, proof
        )

    # -- trades that the ledger has not ---------------------------------------------------------------

    async def _fill(self, case: Case, missing: Sequence[Mismatch]) -> list[Found]:
        """Book trades in order of time, all in as few calls as there are arrays."""
        wanted = {_trade(each): each for each in missing}
        fills = [fill for fill in case.snapshot.in_time() if _identity(fill) in wanted]
        codes: dict[_Trade, str] = {}
        if fills:
            try:
                case.lease.check()
                booked = await self._recorder.book(case.session, None, fills, SOURCE)
            except HoldfastError as error:
                case.lease.check()
                return [_failed(each, error) for each in missing]
            for fill, code in zip(fills, booked.fills, strict=True):
                codes[_identity(fill)] = code
                if code in _BOOKED:
                    key = order_key(fill)
                    case.booked[key] = EXACT.add(case.booked.get(key, ZERO), fill.quantity)
        return [
            Found(each, HEALED, "a trade that no stream told")
            if codes.get(trade) in _BOOKED
            else Found(each, OPEN, f"not booked: {codes.get(trade, 'not in the snapshot')}")
            for trade, each in wanted.items()
        ]

    # -- orders that have come further ----------------------------------------------------------------

    async def _settle(
        self, case: Case, differing: Sequence[Mismatch], to_query: Iterable[UUID]
    ) -> list[Found]:
        """Book the ends that the snapshot shows; ask for the others by themselves, oldest look first."""
        complete = [each for each in differing if _complete(case, each)]
        found = [Found(each, HEALED, "its trades were booked") for each in complete]
        left = [each for each in differing if not _complete(case, each)]
        found += await self._end_shown(case, left)
        settled = {id(each.mismatch) for each in found}
        left = [each for each in left if id(each) not in settled]
        left += [
            Mismatch(_SKIPPED, str(intent_id), intent_id=intent_id)
            for intent_id in to_query
            if intent_id not in {each.intent_id for each in differing}
        ]
        looked = await self._look_at(case, left)
        return [*found, *(each for each in looked if each.mismatch.kind != _SKIPPED)]

    async def _end_shown(self, case: Case, differing: Sequence[Mismatch]) -> list[Found]:
        """Book the ends that the snapshot shows; what waits for its trades then is left out."""
        ended = [each for each in differing if case.end(each) is not None]
        statuses = await asyncio.gather(*(self._end(case, each) for each in ended))
        return [
            Found(each, HEALED, f"the exchange says {status}")
            for each, status in zip(ended, statuses, strict=True)
            if status in FINAL_ORDER_STATES and each.kind != _INFERRED
        ]

    async def _end(self, case: Case, mismatch: Mismatch) -> str | None:
        try:
            case.lease.check()
            return (await self._recorder.book(case.session, case.end(mismatch), (), SOURCE)).order_status
        except HoldfastError as error:
            case.lease.check()
            _log.warning("end not booked", order=mismatch.key, reason=str(error))
            return None

    async def _look_at(self, case: Case, left: list[Mismatch]) -> list[Found]:
        """Ask for single orders, those first that waited longest; no more than the bound."""
        found: list[Found] = []
        if len(left) > self._looks_max * _LOOKS_PER_LIST:
            found = await self._list(case, left)
            listed = {id(each.mismatch) for each in found}
            left = [each for each in left if id(each) not in listed]
        self._looked = {key: turn for key, turn in self._looked.items() if turn > self._turn - _TURNS_KEPT}
        left.sort(key=lambda each: self._looked.get(each.intent_id, 0))
        looks = []
        for each in left[: self._looks_max]:
            self._looked[each.intent_id] = self._turn
            looks.append(await self._look(case, each))
        found += await asyncio.gather(*(self._book(case, look) for look in looks))
        return [*found, *(Found(each, OPEN, "waits for its turn") for each in left[self._looks_max :])]

    async def _list(self, case: Case, left: Sequence[Mismatch]) -> list[Found]:
        """Read the ended orders of symbols with very many differences at once, back to the oldest of them."""
        oldest: dict[str, datetime] = {}
        for each in left:
            if each.symbol is not None and "created_at" in each.detail:
                created = instant(each.detail["created_at"])
                oldest[each.symbol] = min(created, oldest.get(each.symbol, created))
        try:
            for symbol, since in oldest.items():
                case.snapshot.add_orders(await read_ended(case.session, case.lease, symbol, since))
        except HoldfastError as error:
            case.lease.check()
            _log.warning("ended orders not read", reason=str(error))
        return await self._end_shown(case, left)

    async def _look(self, case: Case, mismatch: Mismatch) -> _Look | Found:
        """Ask for one order, and for its trades unless all are booked."""
        try:
            if mismatch.symbol is None:  # never compared yet: the ledger says which order it is
                mismatch = _named(mismatch, await self._view(case.session, mismatch.intent_id))
            symbol, exchange_order_id = _key(mismatch)
            gateway = case.session.gateway
            if not exchange_order_id:
                return Found(mismatch, OPEN, "no order to ask for")
            report = case.end(mismatch)
            if report is None:
                case.lease.check()
                report = await gateway.find_order(symbol, exchange_order_id=exchange_order_id)
            if report is None:
                return Found(mismatch, OPEN, "the exchange does not find it, which proves nothing")
            fills: Sequence[Fill] = ()
            if mismatch.kind == _INFERRED or not _all_booked(case, mismatch, report):
                case.lease.check()
                fills = await gateway.fills(symbol, exchange_order_id=exchange_order_id)
        except HoldfastError as error:
            case.lease.check()
            return _failed(mismatch, error)
        return _Look(mismatch, report, fills)

    async def _book(self, case: Case, look: _Look | Found) -> Found:
        """Book what a look has shown, or infer; the looks of a pass share array calls."""
        if isinstance(look, Found):
            return look
        mismatch, report = look.mismatch, look.report
        try:
            case.lease.check()
            booked = await self._recorder.book(case.session, report, look.fills, SOURCE)
            if booked.order_status in FINAL_ORDER_STATES and mismatch.kind != _INFERRED:
                return Found(mismatch, HEALED, f"the exchange says {booked.order_status}")
            return await self._explain(case, mismatch, report, look.fills)
        except HoldfastError as error:
            case.lease.check()
            return _failed(mismatch, error)

    async def _explain(
        self, case: Case, mismatch: Mismatch, report: OrderReport, fills: Sequence[Fill]
    ) -> Found:
        """Say what a look at an order has shown that does not end it."""
        view = await self._view(case.session, mismatch.intent_id)
        if view is None:
            return Found(mismatch, OPEN, "the intent is gone")
        if mismatch.kind == _INFERRED:
            return Found(mismatch, EXPLAINED, "the exchange has not shown these trades yet")
        if _agrees(view, report, fills):
            return Found(mismatch, HEALED, "asked for by itself")
        case.lease.check()
        if await infer(case.session, self._recorder, view, report, fills) is not None:
            return Found(mismatch, HEALED, "inferred")
        return Found(mismatch, OPEN, "the exchange says that more was filled than its trades show")

    async def _view(self, session: AccountSession, intent_id: UUID | None) -> IntentView | None:
        if intent_id is None:
            return None
        return await reads.get_order(self._context.ledger, session.tenant_id, intent_id)


_CAUSES: Mapping[str, str] = {
    "fill_differs": "the trade was booked as it was told first",
    "extra_fill": "booked, and not among the exchange's trades",
    "duplicate_order": "a second order under one client order id",
    "filled_less": "the exchange says less than its own trades",
}


def _key(mismatch: Mismatch) -> OrderKey:
    return (mismatch.symbol or "", mismatch.exchange_order_id or "")


def _trade(mismatch: Mismatch) -> _Trade:
    return (*_key(mismatch), str(mismatch.detail.get("exchange_trade_id", "")))


def _identity(fill: Fill) -> _Trade:
    return (*order_key(fill), fill.exchange_trade_id)


def _complete(case: Case, mismatch: Mismatch) -> bool:
    """Tell whether the trades of this pass have filled an order to its end."""
    news, had = case.booked.get(_key(mismatch)), mismatch.detail.get("ledger") or {}
    if news is None or had.get("quantity") is None:
        return False
    booked = EXACT.add(Decimal(had.get("booked_quantity") or 0), news)
    return booked >= Decimal(had["quantity"])


def _named(mismatch: Mismatch, view: IntentView | None) -> Mismatch:
    """Return a difference with the names of its order."""
    if view is None:
        return mismatch
    return replace(mismatch, symbol=view["symbol"], exchange_order_id=view["exchange_order_id"])


def _all_booked(case: Case, mismatch: Mismatch, report: OrderReport) -> bool:
    """Tell whether everything that a report says was filled was booked before this pass, or in it."""
    had = mismatch.detail.get("ledger") or {}
    if report.filled_quantity is None or had.get("booked_quantity") is None:
        return report.filled_quantity == ZERO
    booked = EXACT.add(Decimal(had["booked_quantity"]), case.booked.get(_key(mismatch), ZERO))
    return booked >= report.filled_quantity


def _agrees(view: IntentView, report: OrderReport, fills: Sequence[Fill]) -> bool:
    """Tell whether the ledger says of an order what the exchange does."""
    order = view["order"]
    if order is None:
        return False
    if report.status in FINAL_ORDER_STATES:
        return order["status"] in FINAL_ORDER_STATES
    shown = report.filled_quantity
    if shown is None:
        shown = sum((fill.quantity for fill in fills), ZERO)
    return Decimal(order["booked_quantity"]) >= shown


def _failed(mismatch: Mismatch, error: HoldfastError) -> Found:
    return Found(mismatch, OPEN, f"{error.code.value}: {error}")


def _at(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)
