"""The tenant's events in order, without a gap or a repetition, over every reconnection."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from engine.client.errors import AnswerError, NoAnswerError
from engine.client.pace import Pace
from engine.client.wire import CONNECT_TIMEOUT_S, Wire

PATH = "/v1/feed"
MESSAGE_BYTES_MAX = 64 * 1024 * 1024

_OK = 200
_SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a reader has come. Keep it with what the events made you do, and resume after it."""

    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Profiles, capital, positions and open orders as of a mark; every event after it follows.

    `resync`: why what was known before is void (`epoch`: another history, `ahead`: the mark is none of it);
    None for the first one.
    """

    mark: Mark
    body: Mapping[str, Any]
    resync: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `body` is the whole message; numbers in it are text."""

    mark: Mark
    type: str
    body: Mapping[str, Any] = field(repr=False)


class Follower:
    """What a reader knows of its place in the feed; no I/O in it.

    Raises NoAnswerError for a message that shows a hole: the connection is then no good any more.
    """

    def __init__(self, after: Mark | None, profiles: Sequence[str]) -> None:
        self.mark = after
        self._profiles = list(profiles)
        self._resync: str | None = None

    def query(self) -> list[tuple[str, str]]:
        """Return what to ask for: what comes after the mark, or a snapshot without one."""
        asked = [("profile", name) for name in self._profiles]
        if self.mark is not None:
            asked += [("epoch", str(self.mark.epoch)), ("since_seq", str(self.mark.seq))]
        return asked

    def take(self, message: Mapping[str, Any]) -> Snapshot | Event | None:
        """Return what a message tells the reader; None if it is nothing new."""
        kind = message["kind"]
        if kind == "resync_required":
            if message["reason"] != _SLOW:  # after that one all is still there to be read, from the mark on
                self.mark, self._resync = None, str(message["reason"])
            return None
        if kind not in {"snapshot", "event", "heartbeat"}:
            return None
        mark = Mark(int(message["epoch"]), int(message["seq"]))
        if kind == "snapshot":
            why, self._resync, self.mark = self._resync, None, mark
            return Snapshot(mark, message, why)
        return self._next(kind, mark, message)

    def _next(self, kind: str, mark: Mark, message: Mapping[str, Any]) -> Event | None:
        before = self.mark
        if before is None or mark.epoch != before.epoch:
            self.mark, self._resync = None, "epoch"
            raise NoAnswerError("an event of another epoch", sent=True)
        if mark.seq <= before.seq:
            return None
        # A feed of some profiles jumps over the others' events, so only the whole one can show a hole.
        expected = before.seq + 1 if kind == "event" else before.seq
        if not self._profiles and mark.seq != expected:
            raise NoAnswerError(f"seq {mark.seq} after {before.seq}", sent=True)
        self.mark = mark
        return Event(mark, str(message["type"]), message) if kind == "event" else None


class Feed:
    """Reads the feed over a WebSocket, and comes back after whatever ends a connection.

    Where none is let through, by a proxy that knows none, it reads the same JSON as server-sent events.
    """

    def __init__(self, wire: Wire, pace: Pace, silent_s: float) -> None:
        self._wire = wire
        self._pace = pace
        self._silent_s = silent_s

    async def follow(self, after: Mark | None, profiles: Sequence[str]) -> AsyncGenerator[Snapshot | Event]:
        """Go on for ever. Raises AnswerError if the feed is refused for good (UNAUTHORIZED, NOT_FOUND, …)."""
        follower, tried = Follower(after, profiles), 0
        while True:
            try:
                async with aclosing(self._messages(follower)) as messages:
                    async for message in messages:
                        tried = 0
                        told = follower.take(message)
                        if told is not None:
                            yield told
            except AnswerError as error:
                if not error.retryable:
                    raise
            except NoAnswerError:
                pass  # whatever it was: what was told is marked, and the next connection goes on after it
            await self._pace.sleep(self._pace.wait_s(tried))
            tried += 1

    async def _messages(self, follower: Follower) -> AsyncGenerator[Mapping[str, Any]]:
        """Yield the messages of one connection until it ends. Raises AnswerError, NoAnswerError."""
        try:
            async with self._wire.session().ws_connect(
                self._wire.address(PATH),
                params=follower.query(),
                timeout=aiohttp.ClientWSTimeout(ws_receive=self._silent_s, ws_close=CONNECT_TIMEOUT_S),
                max_msg_size=MESSAGE_BYTES_MAX,
            ) as socket:
                async for frame in socket:
                    if frame.type is aiohttp.WSMsgType.ERROR:
                        raise _lost(frame.data)
                    yield _message(frame.data)
        except aiohttp.WSServerHandshakeError:
            pass  # only the plain request has an answer that says why
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _lost(error) from None
        else:
            return
        async with aclosing(self._lines(follower)) as messages:
            async for message in messages:
                yield message

    async def _lines(self, follower: Follower) -> AsyncGenerator[Mapping[str, Any]]:
        """Yield the messages of one answer that has no end. Raises AnswerError, NoAnswerError."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=self._silent_s)
        try:
            async with self._wire.session().get(
                self._wire.address(PATH),
                params=follower.query(),
                headers={"Accept": "text/event-stream"},
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                if response.status != _OK:
                    raise _refusal(response.status, await response.read())
                lines = Lines()
                async for chunk in response.content.iter_any():
                    for data in lines.take(chunk):
                        yield data
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _lost(error) from None


class Lines:
    """Server-sent events out of bytes as they come; only their data matters, for all the rest is in it."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def take(self, chunk: bytes) -> list[dict[str, Any]]:
        """Return the messages that a chunk completes. Raises NoAnswerError for what is none."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MESSAGE_BYTES_MAX:
            raise NoAnswerError("a message without an end", sent=True)
        found = []
        for raw in lines:
            line = raw.rstrip(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                data, self._data = b"\n".join(self._data), []
                found.append(_message(data))
        return found


def _lost(error: Exception) -> NoAnswerError:
    return NoAnswerError(f"feed: {type(error).__name__} {error}".rstrip(), sent=True)


def _message(data: str | bytes) -> dict[str, Any]:
    try:
        message = json.loads(data)
    except ValueError:
        message = None
    if not isinstance(message, dict) or "kind" not in message:
        raise NoAnswerError("a message that is none of the feed's", sent=True)
    return message


def _refusal(status: int, raw: bytes) -> AnswerError | NoAnswerError:
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict) or "code" not in body:
        return NoAnswerError(f"status {status} instead of a feed", sent=True)
    return AnswerError(status, body)
