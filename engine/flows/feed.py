"""The feed in one process: numbers what waits, reads what is new once per tenant, fills clients' queues."""

import json
from asyncio import Event, Semaphore, timeout
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from engine.domain.errors import HoldfastError
from engine.ledger import feed
from engine.ledger.seam import Ledger
from engine.runtime.log import get_logger
from engine.runtime.metrics import Metrics

PAGE_EVENTS = 500
_SEQUENCE_EVENTS = 1_000
_READS_AT_ONCE = 2  # of clients that begin or catch up: orders share the database's connections with them
_log = get_logger(__name__)


class End(StrEnum):
    """Why a subscription ended; the first three tell the client to take a new snapshot."""

    SLOW = "slow"
    EPOCH = "epoch"
    AHEAD = "ahead"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Message:
    """One event, encoded once for all of its readers."""

    seq: int
    profile_id: str | None
    text: str


@dataclass(eq=False, slots=True)
class Subscription:
    """One client's queue: its reader waits for `wake`, takes from `waiting`, leaves when `ended` is set."""

    tenant_id: UUID
    through_seq: int
    profile_ids: frozenset[str] | None
    on_end: Callable[[], None]
    waiting: deque[Message] = field(default_factory=deque)
    wake: Event = field(default_factory=Event)
    ended: End | None = None

    def end(self, why: End) -> None:
        """Say that nothing comes any more; what waits is dropped, for it would be a feed with a hole."""
        if self.ended is None:
            self.ended = why
            self.waiting.clear()
            self.on_end()
        self.wake.set()


@dataclass(slots=True)
class _Followed:
    """A tenant somebody here listens to, and how far its events were handed on."""

    epoch: int
    seq: int
    subscriptions: set[Subscription] = field(default_factory=set)


class FeedHub:
    """All subscriptions of a process. Nothing here is waited for by anybody who trades."""

    def __init__(self, ledger: Ledger, metrics: Metrics, queue_events_max: int) -> None:
        self.ledger = ledger
        self.nudged = Event()
        self.reading = Semaphore(_READS_AT_ONCE)  # a client holds it for each of its own reads
        self._metrics = metrics
        self._queue_events_max = queue_events_max
        self._followed: dict[UUID, _Followed] = {}
        self._closed = False
        self._clients = 0
        self._parted = Event()
        self._parted.set()

    def nudge(self) -> None:
        """Say that a fact may have been told: the sequencer need not wait for its next look."""
        self.nudged.set()

    async def turn(self) -> bool:
        """Number what waits and hand on what is new; tell whether anything was.

        Raises the ledger's errors, one tenant's when all others were served.
        """
        due = await feed.due_feeds(self.ledger, list(self._followed))
        self._metrics.feed_lag_events.set(sum(each.waiting for each in due))
        self._metrics.feed_lag_seconds.set(max((each.waiting_s for each in due), default=0.0))
        moved = False
        failed: HoldfastError | None = None
        for each in due:
            try:
                epoch, last_seq = each.epoch, each.last_seq
                if each.waiting:
                    done = await self._number(each.tenant_id)
                    epoch, last_seq = done.epoch, done.last_seq
                    moved = True
                moved = await self._hand_on(each.tenant_id, epoch, last_seq) or moved
            except HoldfastError as error:
                failed = error
        if failed is not None:
            raise failed
        return moved

    async def number_all(self, tenant_id: UUID) -> None:
        """Number what waits of a tenant, however much it is, in small transactions."""
        while (await self._number(tenant_id)).numbered == _SEQUENCE_EVENTS:
            pass

    def attach(
        self,
        tenant_id: UUID,
        epoch: int,
        seq: int,
        profile_ids: Collection[UUID] | None,
        on_end: Callable[[], None],
    ) -> Subscription | None:
        """Return a subscription to all after `seq`, or None: there is more in the database, read it first.

        `seq` must have been the feed's last one when the caller asked; nothing may be awaited in between.
        `on_end` is called once, when the hub ends it.
        """
        chosen = None if profile_ids is None else frozenset(map(str, profile_ids))
        subscription = Subscription(tenant_id, seq, chosen, on_end)
        if self._closed:
            subscription.end(End.CLOSING)
            return subscription
        followed = self._followed.get(tenant_id)
        if followed is None:
            followed = self._followed[tenant_id] = _Followed(epoch, seq)
        elif followed.epoch != epoch:
            subscription.end(End.EPOCH)
            return subscription
        elif followed.seq > seq:
            return None
        followed.subscriptions.add(subscription)
        return subscription

    def detach(self, subscription: Subscription) -> None:
        """Forget a subscription; a tenant nobody listens to is not read any more."""
        followed = self._followed.get(subscription.tenant_id)
        if followed is not None:
            followed.subscriptions.discard(subscription)
            if not followed.subscriptions:
                del self._followed[subscription.tenant_id]

    def close(self) -> None:
        """End every subscription, now and later: the process stops."""
        self._closed = True
        self._end_all(list(self._followed), End.CLOSING)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Count a client as long as it is served, its first and its last word included."""
        self._clients += 1
        self._parted.clear()
        try:
            yield
        finally:
            self._clients -= 1
            if not self._clients:
                self._parted.set()

    async def parted(self, timeout_s: float) -> None:
        """Wait until every client was told that the hub is closed, at most for a while."""
        with suppress(TimeoutError):
            async with timeout(timeout_s):
                await self._parted.wait()

    async def _number(self, tenant_id: UUID) -> feed.Sequenced:
        done = await feed.sequence(self.ledger, tenant_id, _SEQUENCE_EVENTS)
        self._metrics.feed_events_sequenced_total.inc(done.numbered)
        return done

    async def _hand_on(self, tenant_id: UUID, epoch: int, last_seq: int) -> bool:
        """Read a tenant's new events and give them to whoever listens."""
        followed = self._followed.get(tenant_id)
        if followed is None:
            return False
        if followed.epoch != epoch:
            self._end_all([tenant_id], End.EPOCH)
            return True
        moved = followed.seq < last_seq
        while followed.seq < last_seq:
            page = await feed.read(self.ledger, tenant_id, followed.seq, PAGE_EVENTS)
            if page.epoch != epoch:
                self._end_all([tenant_id], End.EPOCH)
                return True
            self._offer(followed, page)
        return moved

    def _offer(self, followed: _Followed, page: feed.Page) -> None:
        messages = [message(page.epoch, event) for event in page.events]
        if [each.seq for each in messages] != list(range(followed.seq + 1, page.through_seq + 1)):
            raise RuntimeError(f"the feed has a gap after seq {followed.seq}")
        followed.seq = page.through_seq
        for subscription in list(followed.subscriptions):
            self._fill(followed, subscription, messages, page.through_seq)

    def _fill(
        self, followed: _Followed, subscription: Subscription, messages: list[Message], through_seq: int
    ) -> None:
        chosen = subscription.profile_ids
        wanted = [
            each
            for each in messages
            if each.seq > subscription.through_seq and (chosen is None or each.profile_id in chosen)
        ]
        if len(subscription.waiting) + len(wanted) > self._queue_events_max:
            followed.subscriptions.discard(subscription)
            subscription.end(End.SLOW)
            return
        subscription.through_seq = max(through_seq, subscription.through_seq)
        if wanted:
            subscription.waiting.extend(wanted)
            subscription.wake.set()

    def _end_all(self, tenant_ids: list[UUID], why: End) -> None:
        for tenant_id in tenant_ids:
            followed = self._followed.pop(tenant_id, None)
            for subscription in followed.subscriptions if followed is not None else ():
                subscription.end(why)


def message(epoch: int, event: dict[str, Any]) -> Message:
    """Return an event as it goes over the wire."""
    text = encode({"kind": "event", "epoch": epoch, **event})
    return Message(event["seq"], event["profile_id"], text)


def encode(body: dict[str, Any]) -> str:
    """Return JSON text; numbers of money are text already."""
    return _ENCODE(body)


def _shown(value: Any) -> str:
    return str(value)


_ENCODE: Callable[[Any], str] = json.JSONEncoder(separators=(",", ":"), default=_shown).encode
