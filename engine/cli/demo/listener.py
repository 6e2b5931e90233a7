"""The demo's feed client: hears the tenant's events over the kill, resumes by its seq, and counts holes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from engine.domain.errors import ErrorCode, HoldfastError

_RETRY_S = 0.05
_READ_TIMEOUT_S = 10.0


@dataclass(slots=True)
class Heard:
    """What a feed client was told. `resumed_after`: its seq at each reconnection; a hole is a missing seq."""

    epoch: int = 0
    seq: int = 0
    events: int = 0
    holes: int = 0
    repeated: int = 0
    resumed_after: list[int] = field(default_factory=list)
    resyncs: list[str] = field(default_factory=list)  # why it was told to take a new snapshot
    fills: set[tuple[str, str, str]] = field(default_factory=set)  # symbol, exchange order id, trade id
    told_after_resume: int = 0
    behind: int = 0  # events that the database has and it was not told, at the end
    news: asyncio.Event = field(default_factory=asyncio.Event, repr=False, compare=False)

    def take(self, message: Mapping[str, Any]) -> None:
        """Count one message of the feed."""
        self.news.set()
        kind = message["kind"]
        if kind == "resync_required":
            self.resyncs.append(str(message["reason"]))
            self.epoch = 0
        elif kind == "snapshot":
            self.epoch, self.seq = message["epoch"], message["seq"]
        elif kind == "event":
            self._take_event(message)

    def _take_event(self, event: Mapping[str, Any]) -> None:
        seq = event["seq"]
        if seq <= self.seq:
            self.repeated += 1
            return
        self.holes += seq - self.seq - 1
        self.seq = seq
        self.events += 1
        self.told_after_resume += bool(self.resumed_after)
        if event["type"] in {"fill", "fill.corrected"}:
            data = event["data"]
            self.fills.add(
                (
                    data["symbol"].replace("/", ""),
                    str(data["exchange_order_id"]),
                    str(data["exchange_trade_id"]),
                )
            )


@asynccontextmanager
async def listening(http: aiohttp.ClientSession, api: str, key: str) -> AsyncIterator[Heard]:
    """Follow the feed as long as the block lasts; it begins when the snapshot has come.

    Raises HoldfastError if the feed refuses the client.
    """
    heard = Heard()
    following = asyncio.create_task(_follow(http, api, key, heard), name="demo feed client")
    try:
        following.add_done_callback(lambda _: heard.news.set())
        async with asyncio.timeout(_READ_TIMEOUT_S):
            await heard.news.wait()
        _check(following)
        yield heard
        _check(following)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def catch_up(heard: Heard, last_seq: int) -> None:
    """Wait until the client was told everything up to `last_seq`, or no longer than it can take."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_READ_TIMEOUT_S):
            while heard.seq < last_seq:
                heard.news.clear()
                await heard.news.wait()
    heard.behind = last_seq - heard.seq


def _check(following: asyncio.Task[None]) -> None:
    """Raise what ended the client: it never ends by itself."""
    if following.done():
        following.result()


async def _follow(http: aiohttp.ClientSession, api: str, key: str, heard: Heard) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    while True:
        query: dict[str, str | int] = {"epoch": heard.epoch, "since_seq": heard.seq} if heard.epoch else {}
        try:
            async with http.ws_connect(f"{api}/v1/feed", params=query, headers=headers) as socket:
                if query:
                    heard.resumed_after.append(heard.seq)
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.ERROR:
                        break
                    heard.take(json.loads(message.data))
        except aiohttp.WSServerHandshakeError as error:
            if error.status < 500:  # noqa: PLR2004 - refused for good
                raise HoldfastError(ErrorCode.INTERNAL, f"the feed refused its client: {error}") from error
        except (aiohttp.ClientError, OSError):
            pass  # the daemon is down: what was heard is marked by its seq
        await asyncio.sleep(_RETRY_S)
