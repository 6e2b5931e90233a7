"""A trading robot's side of Holdfast: orders that are asked for once, whatever happens to either process."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from uuid import uuid4

from engine.client.asking import Asker
from engine.client.canceling import Canceler
from engine.client.errors import UnsettledError
from engine.client.feed import Event, Feed, Mark, Snapshot
from engine.client.journal import Asked, Journal, keep_from
from engine.client.numbers import Number, to_text
from engine.client.pace import Pace
from engine.client.reading import Reader
from engine.client.results import Cancel, Result, Unknown
from engine.client.values import Capital, Fill, Order, Position
from engine.client.watching import Watch
from engine.client.wire import Wire

_LABEL_LENGTH_MAX = 64


class Robot:
    """One robot, one key, one journal.

    `profile` (id or name) is the one that calls use which name none. `patience_s` is how long a call begins
    new tries for a final answer, `place_within_s` how long after its key was written a request may still be
    placed for the first time: a robot that comes back later only looks for it. `timeout_s` bounds one answer,
    `silent_s` the silence of a feed before it is connected anew.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        journal: str | Path,
        profile: str | None = None,
        patience_s: float = 30.0,
        place_within_s: float = 30.0,
        timeout_s: float = 30.0,
        silent_s: float = 60.0,
        pace: Pace | None = None,
    ) -> None:
        self.profile = profile
        self._patience_s = patience_s
        self._place_within_s = place_within_s
        self._pace = pace or Pace()
        self._wire = Wire(url, key, timeout_s)
        self._journal = Journal(journal)
        self._reader = Reader(self._wire, self._pace, patience_s)
        self._asker = Asker(self._wire, self._journal, self._pace, self._reader.by_key)
        self._canceler = Canceler(self._wire, self._pace, self._reader)
        self._feed = Feed(self._wire, self._pace, silent_s)
        self._watches: list[Watch] = []
        self._under_way: set[str] = set()
        self._gate = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close watches, connections and journal; what is not settled stays in the journal."""
        for watch in self._watches:
            await watch.close()
        await self._wire.close()
        await self._journal.close()

    async def enter(
        self,
        symbol: str,
        quantity: Number,
        limit_price: Number | None = None,
        *,
        profile: str | None = None,
        time_in_force: Literal["GTC", "IOC", "FOK"] | None = None,
        post_only: bool = False,
        label: str | None = None,
        expires_after_ms: int | None = None,
        key: str | None = None,
        patience_s: float | None = None,
    ) -> Result:
        """Buy base with the profile's quote: at `limit_price`, or at the market without one.

        `key` names this order for ever: the same key again is the same order. Without one a new key is made,
        unless the very same order is unsettled: then that one is asked for again. Raises UnsettledError if
        another order of this profile and symbol is, KeyReusedError, JournalError, NumberError.
        """
        order = self._order(symbol, limit_price, profile, time_in_force, post_only, label, expires_after_ms)
        order["quantity"] = to_text(quantity, "quantity")
        return await self._place("entry", order, key, patience_s)

    async def exit(
        self,
        symbol: str,
        quantity: Number | Literal["all"] = "all",
        limit_price: Number | None = None,
        *,
        profile: str | None = None,
        time_in_force: Literal["GTC", "IOC", "FOK"] | None = None,
        post_only: bool = False,
        label: str | None = None,
        expires_after_ms: int | None = None,
        key: str | None = None,
        patience_s: float | None = None,
    ) -> Result:
        """Sell base that the profile holds, "all" being what whole lots can sell; else as `enter`."""
        order = self._order(symbol, limit_price, profile, time_in_force, post_only, label, expires_after_ms)
        order["quantity"] = "all" if quantity == "all" else to_text(quantity, "quantity")
        return await self._place("exit", order, key, patience_s)

    async def settle(self, key: str, *, may_place: bool = False, patience_s: float | None = None) -> Result:
        """Go on asking for a key of the journal. Raises KeyError if the journal has none of that name.

        `may_place` True: place the order now if it never was, however old the request is.
        """
        asked = await self._journal.find(key)
        if asked is None:
            raise KeyError(key)
        return await self._carry(asked, before=True, patience_s=patience_s, may_place=may_place)

    async def recover(self, patience_s: float | None = None) -> list[Result]:
        """Settle what an earlier run left without a final answer, oldest first; for the start of a robot."""
        await self._journal.forget(keep_from(self._pace.unix_ms()))
        until = self._pace.monotonic() + self._patience(patience_s)
        results = []
        for asked in await self._journal.unsettled():
            if asked.key not in self._under_way:
                left_s = max(0.0, until - self._pace.monotonic())
                results.append(await self._carry(asked, before=True, patience_s=left_s))
        return results

    async def unsettled(self) -> list[str]:
        """Return the keys that have no final answer, oldest first."""
        return [asked.key for asked in await self._journal.unsettled()]

    async def abandon(self, key: str) -> None:
        """Stop asking for a key. If it was placed, its order is in `orders` all the same."""
        await self._journal.abandon(key)

    async def cancel(self, order_id: str, *, patience_s: float | None = None) -> Cancel:
        """Cancel an order and wait for its end. Raises AnswerError (NOT_FOUND, …), NoAnswerError."""
        return await self._canceler.cancel(order_id, self._patience(patience_s))

    async def cancel_all(
        self, symbol: str | None = None, *, profile: str | None = None, patience_s: float | None = None
    ) -> list[Cancel]:
        """Cancel every order of a profile (and symbol) that is not finished, also those still in doubt."""
        return await self._canceler.cancel_all(self._profile(profile), symbol, self._patience(patience_s))

    async def order(self, order_id: str) -> Order:
        """Return one order. Raises AnswerError (NOT_FOUND, …), NoAnswerError; so do the other reads."""
        return await self._reader.order(order_id)

    async def orders(
        self,
        symbol: str | None = None,
        *,
        profile: str | None = None,
        open: bool | None = None,  # noqa: A002 - the API's own word
        limit: int = 100,
    ) -> list[Order]:
        """Return orders of a profile, newest first; `open`: those not finished, or only the others."""
        return await self._reader.orders(self._profile(profile), symbol, is_open=open, limit=limit)

    async def fills(
        self,
        symbol: str | None = None,
        *,
        order_id: str | None = None,
        profile: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[Fill]:
        """Return fills in the order they were recorded: of one order, or of a profile.

        Of a profile the last `limit`, or with `since`, a moment of the exchange's time, the first from then.
        """
        if order_id is not None:
            return await self._reader.fills_of(order_id)
        return await self._reader.fills(self._profile(profile), symbol, since, limit)

    async def capital(self, profile: str | None = None) -> Capital:
        """Return the figures of a profile."""
        return await self._reader.capital(self._profile(profile))

    async def positions(self, profile: str | None = None) -> list[Position]:
        """Return what a profile holds."""
        return await self._reader.positions(self._profile(profile))

    async def keys_of(self, orders: list[Order]) -> dict[str, str]:
        """Return the keys under which this robot asked for orders, by order id."""
        return await self._journal.keys_of(order.id for order in orders)

    async def asked(self, key: str) -> str | None:
        """Return the id of the order that a key became, None as long as none is known."""
        found = await self._journal.find(key)
        return None if found is None else found.order_id

    def watch(self, symbol: str | None = None, *, profile: str | None = None) -> Watch:
        """Return a watch whose `changed()` waits for changed orders of a profile; the feed tells of them."""
        made = Watch(self._reader, self._feed, self._profile(profile), symbol)
        self._watches.append(made)
        return made

    def feed(
        self, after: Mark | None = None, *, profiles: Sequence[str] = ()
    ) -> AsyncGenerator[Snapshot | Event]:
        """Follow the tenant's events for ever: a snapshot, or what is after a mark, then each event once.

        `profiles` (ids or names) leaves only theirs. Raises AnswerError if the feed is refused for good.
        """
        return self._feed.follow(after, profiles)

    def _order(  # noqa: PLR0917 - the order of the fields in enter and exit, which alone call it
        self,
        symbol: str,
        limit_price: Number | None,
        profile: str | None,
        time_in_force: str | None,
        post_only: bool,
        label: str | None,
        expires_after_ms: int | None,
    ) -> dict[str, Any]:
        """Return the body that is sent, without its quantity; what is not given is left out."""
        order: dict[str, Any] = {"profile": self._profile(profile), "symbol": symbol}
        order["type"] = "market" if limit_price is None else "limit"
        if limit_price is not None:
            order["limit_price"] = to_text(limit_price, "limit_price")
        if time_in_force is not None:
            order["time_in_force"] = time_in_force
        if expires_after_ms is not None:
            order["expires_after_ms"] = expires_after_ms
        if post_only:
            order["post_only"] = True
        if label is not None:
            order["label"] = label
        return order

    async def _place(
        self, kind: str, order: dict[str, Any], key: str | None, patience_s: float | None
    ) -> Result:
        async with self._gate:  # two calls without keys must not both take over one unsettled request
            asked, before = await self._written(kind, order, key)
            self._under_way.add(asked.key)
        return await self._carry(asked, before=before, patience_s=patience_s)

    async def _written(self, kind: str, order: dict[str, Any], key: str | None) -> tuple[Asked, bool]:
        """Return the request as it stands in the journal, and whether it may have been sent before."""
        if key is None:
            again = await self._unsettled_like(kind, order)
            if again is not None:
                return again, True
            key = str(uuid4())
        # The key as label: then every event of the order names it.
        body = {"label": key, **order} if len(key) <= _LABEL_LENGTH_MAX else order
        text = json.dumps(body, separators=(",", ":"), sort_keys=True)
        return await self._journal.write(Asked(key, kind, text, self._pace.unix_ms()))

    async def _unsettled_like(self, kind: str, order: dict[str, Any]) -> Asked | None:
        """Return the unsettled request for this very order. Raises UnsettledError for another one in its way.

        Who repeats a call because no answer came means the same order; a new key would make it a second one.
        """
        left = [
            asked
            for asked in await self._journal.unsettled()
            if asked.kind == kind and asked.key not in self._under_way
        ]
        for asked in left:
            if asked.order == order:
                return asked
        for asked in left:
            same_place = all(asked.order[name] == order[name] for name in ("profile", "symbol"))
            if same_place and asked.order_id is None:
                raise UnsettledError(asked.key)
        return None

    async def _carry(
        self, asked: Asked, *, before: bool, patience_s: float | None, may_place: bool = False
    ) -> Result:
        allowed_ms = int(self._place_within_s * 1000)
        allowed_ms = min(allowed_ms, asked.order.get("expires_after_ms", allowed_ms))
        since_ms = self._pace.unix_ms() if may_place else asked.written_ms
        self._under_way.add(asked.key)
        try:
            return await self._asker.ask(
                asked,
                doubt=before,
                patience_s=self._patience(patience_s),
                place_until_ms=since_ms + allowed_ms,
            )
        finally:
            self._under_way.discard(asked.key)

    def _patience(self, patience_s: float | None) -> float:
        return self._patience_s if patience_s is None else patience_s

    def _profile(self, profile: str | None) -> str:
        chosen = profile or self.profile
        if chosen is None:
            raise ValueError("no profile: name one in the call, or as Robot(profile=…)")
        return chosen


def is_settled(result: Result) -> bool:
    """Tell whether nothing is left to ask."""
    return not isinstance(result, Unknown)
