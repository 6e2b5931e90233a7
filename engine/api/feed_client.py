"""One client of the feed, over any transport: snapshot or resume, then events, until one side ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.flows.feed import PAGE_EVENTS, End, FeedHub, Subscription, encode, message
from engine.ledger import feed
from engine.runtime.clock import Clock
from engine.runtime.log import get_logger

SEND_TIMEOUT_S = 10.0  # a send that waits longer has a reader that does not read
LAST_WORD_TIMEOUT_S = 1.0
RECHECK_S = 1.0  # how often the caller's key is looked at again
_UNAUTHORIZED = "unauthorized"
_FAULT = "fault"
_RESYNC = frozenset({End.SLOW.value, End.EPOCH.value, End.AHEAD.value})
_log = get_logger(__name__)


class Outlet(Protocol):
    """What a transport does for a client."""

    async def send(self, kind: str, position: str | None, text: str) -> None:
        """Write one frame; waits while the client reads too slowly."""

    async def gone(self) -> None:
        """Return when the client has left."""

    async def close(self, reason: str) -> None:
        """Say the last word of the transport."""

    def abort(self) -> None:
        """Cut the connection without waiting for what was not read."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asked for: some profiles or all, and from where, or None for a snapshot."""

    tenant_id: UUID
    profile_ids: tuple[UUID, ...] | None
    since: tuple[int, int] | None  # epoch, seq


class Ended(Exception):  # noqa: N818 - an end is no error
    """The conversation is over; the reason is its argument."""


class FeedClient:
    """Sends what its subscription holds, checks its key again and again, and says why it ends."""

    def __init__(
        self,
        hub: FeedHub,
        clock: Clock,
        wanted: Wanted,
        recheck: Callable[[], Awaitable[object]],
        heartbeat_s: float,
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._wanted = wanted
        self._recheck = recheck
        self._heartbeat_s = heartbeat_s
        self._epoch = 0
        self._seq = 0  # everything up to here was sent, or is of other profiles
        self._sent_at = clock.monotonic()
        self._patience: asyncio.Timeout | None = None
        self._subscription: Subscription | None = None

    async def serve(self, outlet: Outlet) -> str:
        """Serve until one side ends it; return why: a reason of `End`, `left`, `unauthorized` or `fault`."""
        with self._hub.serving():
            return await self._serve(outlet)

    async def _serve(self, outlet: Outlet) -> str:
        talking = asyncio.create_task(self._talk(outlet), name="feed client")
        leaving = asyncio.create_task(outlet.gone(), name="feed client leaves")
        try:
            await asyncio.wait({talking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            reason = talking.result() if talking.done() else "left"
        finally:
            for task in (talking, leaving):
                task.cancel()
            await asyncio.gather(talking, leaving, return_exceptions=True)
            if self._subscription is not None:
                self._hub.detach(self._subscription)
        await self._part(outlet, reason)
        return reason

    async def _talk(self, outlet: Outlet) -> str:
        try:
            await self._begin(outlet)
            await self._catch_up(outlet)
            while True:
                await self._live(outlet)
        except Ended as end:
            return str(end)
        except ConnectionError:
            return "left"
        except HoldfastError as error:
            _log.info("feed client ended", reason=f"{error.code.value}: {error}")
            return _UNAUTHORIZED if error.code is ErrorCode.UNAUTHORIZED else _FAULT
        except Exception:  # noqa: BLE001 - the client is told to come back; who reads the log is told what happened
            _log.exception("feed client failed")
            return _FAULT

    async def _begin(self, outlet: Outlet) -> None:
        """Send a snapshot, or take up where the client was."""
        wanted = self._wanted
        if wanted.since is not None:
            self._epoch, self._seq = wanted.since
            async with self._hub.reading:
                page = await feed.read(self._hub.ledger, wanted.tenant_id, self._seq, 1, ())
            if page.epoch != self._epoch:
                raise Ended(End.EPOCH.value)
            if page.last_seq < self._seq:
                raise Ended(End.AHEAD.value)
            return
        async with self._hub.reading:
            await self._hub.number_all(wanted.tenant_id)
            view = await feed.snapshot(self._hub.ledger, wanted.tenant_id, wanted.profile_ids)
        self._epoch, self._seq = view["epoch"], view["seq"]
        await self._send(outlet, "snapshot", encode({"kind": "snapshot", "at": self._now(), **view}))

    async def _catch_up(self, outlet: Outlet) -> None:
        """Read from the database until there is nothing more, then subscribe before anything can come."""
        wanted = self._wanted
        while True:
            async with self._hub.reading:
                page = await feed.read(
                    self._hub.ledger, wanted.tenant_id, self._seq, PAGE_EVENTS, wanted.profile_ids
                )
            if page.epoch != self._epoch:
                raise Ended(End.EPOCH.value)
            for event in page.events:
                self._seq = event["seq"]
                await self._send(outlet, "event", message(self._epoch, event).text)
            self._seq = page.through_seq
            if page.through_seq >= page.last_seq:
                subscription = self._hub.attach(
                    wanted.tenant_id, self._epoch, self._seq, wanted.profile_ids, self._interrupt
                )
                if subscription is not None:
                    self._subscription = subscription
                    return
            await self._check(outlet)

    async def _live(self, outlet: Outlet) -> None:
        """Send what has come, or wait for it as long as nothing else is due."""
        subscription = self._subscription
        if subscription is None:
            raise RuntimeError("live before it has caught up")
        if subscription.ended is not None:
            raise Ended(subscription.ended.value)
        if not subscription.waiting:
            self._seq = max(self._seq, subscription.through_seq)
            subscription.wake.clear()
            try:
                async with asyncio.timeout(RECHECK_S):
                    await subscription.wake.wait()
            except TimeoutError:
                await self._check(outlet)
            return
        ready = subscription.waiting.popleft()
        self._seq = ready.seq
        await self._send(outlet, "event", ready.text)

    async def _check(self, outlet: Outlet) -> None:
        """Look at the key again, and beat when there was nothing to say for a while."""
        await self._recheck()
        if self._clock.monotonic() - self._sent_at >= self._heartbeat_s:
            beat = {"kind": "heartbeat", "epoch": self._epoch, "seq": self._seq, "at": self._now()}
            await self._send(outlet, "heartbeat", encode(beat))

    async def _send(self, outlet: Outlet, kind: str, text: str) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S) as self._patience:
                await outlet.send(kind, f"{self._epoch}:{self._seq}", text)
        except TimeoutError:
            raise Ended(End.SLOW.value) from None
        finally:
            self._patience = None
        self._sent_at = self._clock.monotonic()

    def _interrupt(self) -> None:
        """Its subscription was ended: a send that waits for the client waits no longer."""
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())

    async def _part(self, outlet: Outlet, reason: str) -> None:
        """Say why, if the client still reads; cut the connection if it does not."""
        if reason == "left":
            return
        kind = "resync_required" if reason in _RESYNC else "closing"
        body = {"kind": kind, "reason": reason, "epoch": self._epoch, "seq": self._seq}
        try:
            async with asyncio.timeout(LAST_WORD_TIMEOUT_S):
                await outlet.send(kind, None, encode(body))
                await outlet.close(reason)
        except (TimeoutError, ConnectionError):
            outlet.abort()
            await outlet.gone()

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
