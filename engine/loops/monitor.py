"""Follows one exchange account by its streams, and by polling when they are silent or lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from engine.domain.errors import HoldfastError
from engine.domain.outcomes import Fill, OrderReport
from engine.domain.states import FINAL_ORDER_STATES
from engine.exchange.scheduler import CallClass
from engine.exchange.streams import StreamLostError, StreamSilentError
from engine.flows.accounts import AccountSession
from engine.flows.context import FlowContext
from engine.flows.inflight import Inflight
from engine.flows.lease import Lease
from engine.flows.presence import Presence
from engine.flows.record import STREAM, Recorder
from engine.loops.polling import OpenOrders
from engine.loops.stopping import first, until_stopped
from engine.runtime.log import get_logger
from engine.runtime.tasks import Heartbeat

T = TypeVar("T")
_BUDGET_SHARE = 0.4  # of the account's request weight, for polling at its most
_UNSURE_S = 5.0  # after a stream was lost, how long every poll is a full one
_DRAIN_S = 0.5
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MonitorTimings:
    """`silent_s`: when a silent stream is taken for dead; `poll_s`: between polls while streams live.

    `send_s`: how long news of an order waits for the record of its own send; `looks_max`: how many orders
    that differ from the exchange's list one poll asks for.
    """

    silent_s: float = 30.0
    poll_s: float = 10.0
    hurried_poll_s: float = 0.5
    send_s: float = 0.25
    looks_max: int = 25


class Monitor:
    """Books what the exchange reports of one account; what one way misses another finds.

    Streams are fast and forget; so every open order is looked at again by polling, at once after a stream
    was lost or said an order's end before its fills. `doubted` is told when more than that may be amiss,
    `shown` all that the streams show, strangers' too.
    """

    def __init__(
        self,
        name: str,
        session: AccountSession,
        context: FlowContext,
        recorder: Recorder,
        timings: MonitorTimings,
        *,
        lease: Lease | None = None,
        doubted: Callable[[str], None] = lambda _cause: None,
        shown: Callable[[Sequence[Fill | OrderReport]], None] = lambda _news: None,
    ) -> None:
        self._shown = shown
        self._doubted = doubted
        self._lease = lease
        self._name = name
        self._session = session
        self._context = context
        self._recorder = recorder
        self._timings = timings
        self._hurry = asyncio.Event()
        self._early = Inflight()
        self._unsure_until = 0.0
        # a holder begins with a pass that reads the whole account: its first poll need not do it once more
        self._polled_at = float("-inf") if lease is None else context.clock.monotonic()
        self._rest_s = 0.0
        self._presence = Presence(context, recorder)
        self._open_orders = OpenOrders(
            name, session, context, recorder, timings.looks_max, check=self._check_lease
        )
        self.problem: str | None = None

    async def orders(self, heartbeat: Heartbeat) -> None:
        """Follow order states; an end that comes before its fills is looked at by the next poll."""
        await self._followed(heartbeat, "orders", self._session.gateway.watch_orders, self._on_reports)

    async def fills(self, heartbeat: Heartbeat) -> None:
        """Follow executions."""
        await self._followed(heartbeat, "fills", self._session.gateway.watch_fills, self._on_fills)

    async def poll(self, heartbeat: Heartbeat) -> None:
        """Look at open orders: now and then, and soon when a stream cannot be trusted."""
        while not heartbeat.stopping.is_set():
            heartbeat.beat()
            now = self._context.clock.monotonic()
            unsure = now < self._unsure_until
            hurried = self._hurry.is_set()
            if unsure or hurried or now - self._polled_at >= self._timings.poll_s:
                self._hurry.clear()
                await self._poll_once(heartbeat.stopping)
                self._polled_at = now
            await self._pause(heartbeat)

    async def _pause(self, heartbeat: Heartbeat) -> None:
        """Wait for the next poll; a hurry ends the wait, but not the least distance between two polls."""
        if not await heartbeat.pause(max(self._timings.hurried_poll_s, self._rest_s)):
            return
        unsure_s = self._unsure_until - self._context.clock.monotonic()
        if self._hurry.is_set() or unsure_s > 0:
            return
        waited_s = self._context.clock.monotonic() - self._polled_at
        await first(self._timings.poll_s - waited_s, self._hurry.wait(), heartbeat.stopping.wait())

    async def _poll_once(self, stopping: asyncio.Event) -> None:
        scheduler = self._session.gateway.scheduler
        spent = scheduler.spent(CallClass.RECONCILIATION)
        try:
            self._check_lease()
            await self._recorder.drain(self._session)
            polled = await self._open_orders.poll(stopping)
            self._check_lease()
            await self._recorder.value_late(self._session)
        except HoldfastError as error:
            self.problem = f"{error.code.value}: {error}"
            self._hurry.set()  # soon again; the pause keeps its distance
            _log.warning("poll failed", account=self._name, reason=str(error))
        else:
            self.problem = None
            if polled.waiting:
                self._hurry.set()
        # what a poll costs must come back before the next one, whatever hurries it: orders need the budget
        spent = scheduler.spent(CallClass.RECONCILIATION) - spent
        self._rest_s = scheduler.share_s(spent, _BUDGET_SHARE)

    async def _on_reports(self, reports: Sequence[OrderReport]) -> None:
        self._shown(reports)
        for report in reports:
            if self._underway(report):
                self._later(report.client_order_id, self._book_report, report)
            else:
                await self._book_report(report)

    async def _on_fills(self, fills: Sequence[Fill]) -> None:
        self._shown(fills)
        early = {fill.client_order_id for fill in fills if self._underway(fill)}
        for client_order_id in early:
            same = [fill for fill in fills if fill.client_order_id == client_order_id]
            self._later(client_order_id, self._book_fills, same)
        known = [fill for fill in fills if fill.client_order_id not in early]
        if known:
            await self._book_fills(known)

    async def _book_report(self, report: OrderReport) -> None:
        """Let a report settle what was in doubt, then book the end that it tells."""
        if await self._presence.shown(self._session, report, STREAM):
            self._hurry.set()  # whatever was filled before is found by polling
        if report.status not in FINAL_ORDER_STATES:
            return
        booked = await self._recorder.book(self._session, report, (), STREAM)
        if booked.order_status == "open":
            self._hurry.set()

    async def _book_fills(self, fills: Sequence[Fill]) -> None:
        await self._recorder.book(self._session, None, fills, STREAM)

    def _underway(self, news: Fill | OrderReport) -> bool:
        return self._recorder.underway.has(self._session.account_id, news.client_order_id)

    def _later(self, client_order_id: str | None, take: Callable[[T], Awaitable[None]], news: T) -> None:
        """Book news of an order once its own send is recorded, or after a short wait as it is.

        The stream overtakes the exchange's answer. What is lost here with the process, the poll finds.
        """

        async def book() -> None:
            underway = self._recorder.underway
            await underway.recorded(self._session.account_id, client_order_id, self._timings.send_s)
            await self._take(take, news)

        self._early.start(book(), f"early news of {client_order_id}")

    async def _followed(
        self,
        heartbeat: Heartbeat,
        kind: str,
        watch: Callable[..., AsyncIterator[T]],
        take: Callable[[T], Awaitable[None]],
    ) -> None:
        try:
            await self._follow(heartbeat, kind, watch, take)
        finally:
            if await self._early.drain(_DRAIN_S):
                self._doubt()

    async def _follow(
        self,
        heartbeat: Heartbeat,
        kind: str,
        watch: Callable[..., AsyncIterator[T]],
        take: Callable[[T], Awaitable[None]],
    ) -> None:
        metrics = self._context.metrics
        delay_s = 0.0
        while not heartbeat.stopping.is_set():
            heartbeat.beat()
            try:
                async for update in until_stopped(heartbeat, watch(silent_after_s=self._timings.silent_s)):
                    heartbeat.beat()
                    metrics.stream_events_total.labels(self._name, kind).inc()
                    delay_s = 0.0
                    await self._take(take, update)
            except StreamSilentError:
                self._doubt()
            except StreamLostError as error:
                _log.warning("stream lost", account=self._name, stream=kind, reason=str(error.details))
                self._doubt()
                await heartbeat.pause(delay_s)
                delay_s = min(max(0.1, delay_s * 2), 5.0)
            metrics.stream_reconnects_total.labels(self._name, kind).inc()

    async def _take(self, take: Callable[[T], Awaitable[None]], update: T) -> None:
        try:
            self._check_lease()
            await take(update)
        except HoldfastError as error:
            # Not booked now: the order is still open in the ledger, and polling finds it again.
            _log.warning("not booked from the stream", account=self._name, reason=str(error))
            self._doubt()

    def _check_lease(self) -> None:
        """Raise LEASE_LOST when another process follows the account now, or will soon."""
        if self._lease is not None:
            self._lease.check()

    def _doubt(self) -> None:
        """Something may have been missed: poll until the streams have had time to come back."""
        now = self._context.clock.monotonic()
        if now >= self._unsure_until:
            self._doubted("stream lost")
        self._unsure_until = now + _UNSURE_S
        self._hurry.set()
