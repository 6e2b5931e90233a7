"""Compares an account's open orders with the exchange: one list for all, and a bounded number of looks."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from engine.domain.outcomes import Fill, OrderReport
from engine.domain.states import FINAL_ORDER_STATES
from engine.flows.accounts import AccountSession, OrderIds, origin_of
from engine.flows.context import FlowContext
from engine.flows.inferring import infer
from engine.flows.record import Recorder
from engine.ledger import reads
from engine.ledger.intents import IntentView
from engine.loops.stopping import unless_stopped
from engine.runtime.log import get_logger

_SOURCE = "poll"
_PAGE = 500  # rows of the ledger in one read
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Polled:
    """`open_orders`: how many the ledger has; `waiting`: how many that differ were left for later."""

    open_orders: int
    waiting: int


class OpenOrders:
    """What the ledger holds for open, held against the exchange's own list.

    `looks_max`: how many orders one poll asks for by themselves; the others have their turn in the next.
    `check` raises before each outside effect if it must not happen any more.
    """

    def __init__(
        self,
        name: str,
        session: AccountSession,
        context: FlowContext,
        recorder: Recorder,
        looks_max: int,
        *,
        page: int = _PAGE,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._check = check
        self._name = name
        self._session = session
        self._context = context
        self._recorder = recorder
        self._looks_max = looks_max
        self._page = page
        self._round = 0
        self._looked: dict[str, int] = {}  # in which round an order that differs was looked at last

    async def poll(self, stopping: asyncio.Event) -> Polled:
        """Look at every open order once; those that differ are looked at one by one, oldest look first.

        Raises what reading and booking raise. Ends early when `stopping` is set: it waits for no answer then.
        """
        everything = await self._views()
        self._context.metrics.open_orders.labels(self._name).set(len(everything))
        self._remember(everything)
        # what the exchange does not list any more cannot be asked for, and must not hold up the others
        views = [view for view in everything if view["symbol"] in self._session.instruments]
        if not views:
            return Polled(len(everything), 0)
        # read after the ledger: what is missing has ended, or is not shown yet; by itself it proves nothing
        listed = await unless_stopped(stopping, self._listed(sorted({view["symbol"] for view in views})))
        if listed is None:
            return Polled(len(everything), 0)
        differing = [view for view in views if _differs(view, listed)]
        self._round += 1
        self._looked = {view["id"]: self._looked.get(view["id"], 0) for view in differing}
        differing.sort(key=lambda view: self._looked[view["id"]])
        for view in differing[: self._looks_max]:
            self._looked[view["id"]] = self._round
            self._check()
            found = await unless_stopped(stopping, self._look(view, listed.get(_key(view))))
            if stopping.is_set():
                break
            if found is not None:
                report, seen = found
                self._check()
                await self._recorder.book(self._session, report, seen, _SOURCE)
                self._check()
                await infer(self._session, self._recorder, view, report, seen)
        return Polled(len(everything), max(0, len(differing) - self._looks_max))

    async def _views(self) -> list[IntentView]:
        filters = {"account_id": str(self._session.account_id), "status": "open", "limit": self._page}
        views: list[IntentView] = []
        while True:
            before = {"before": views[-1]["id"]} if views else {}
            page = await reads.list_orders(
                self._context.ledger, self._session.tenant_id, {**filters, **before}
            )
            views.extend(page)
            if len(page) < self._page:
                return [view for view in views if view["order"] and view["exchange_order_id"]]

    def _remember(self, views: Sequence[IntentView]) -> None:
        """Keep how each order is named at the exchange, so that its cancel needs no database."""
        accounts, session = self._context.accounts, self._session
        for view in views:
            intent_id, exchange_order_id = UUID(view["id"]), view["exchange_order_id"]
            known = accounts.recall(session.tenant_id, intent_id)
            if exchange_order_id is None or (known is not None and known.origin is not None):
                continue
            accounts.remember(
                OrderIds(
                    session.tenant_id,
                    session.account_id,
                    intent_id,
                    view["symbol"],
                    exchange_order_id,
                    view["client_order_id"],
                    origin_of(view),
                )
            )

    async def _listed(self, symbols: Sequence[str]) -> Mapping[tuple[str, str | None], OrderReport]:
        self._check()
        reports = await self._session.gateway.open_orders_of(symbols)
        return {(report.symbol, report.exchange_order_id): report for report in reports}

    async def _look(
        self, view: IntentView, report: OrderReport | None
    ) -> tuple[OrderReport, Sequence[Fill]] | None:
        """Ask the exchange for an order and what was filled of it; None where it does not find it."""
        exchange_order_id = view["exchange_order_id"]
        if exchange_order_id is None:
            return None
        gateway, symbol = self._session.gateway, view["symbol"]
        if report is None:
            report = await gateway.find_order(symbol, exchange_order_id=exchange_order_id)
        if report is None:
            _log.warning("the exchange does not find an open order", account=self._name, order=view["id"])
            return None  # it proves nothing
        ended = report.status in FINAL_ORDER_STATES
        seen: Sequence[Fill] = ()
        if ended or not _booked(view, report):
            seen = await gateway.fills(symbol, exchange_order_id=exchange_order_id)
        return report, seen


def _key(view: IntentView) -> tuple[str, str | None]:
    return (view["symbol"], view["exchange_order_id"])


def _differs(view: IntentView, listed: Mapping[tuple[str, str | None], OrderReport]) -> bool:
    report = listed.get(_key(view))
    return report is None or report.status in FINAL_ORDER_STATES or not _booked(view, report)


def _booked(view: IntentView, report: OrderReport) -> bool:
    """Tell whether all is booked that the exchange says was filled; False where it does not say."""
    order, filled = view["order"], report.filled_quantity
    return order is not None and filled is not None and filled == Decimal(order["booked_quantity"])
