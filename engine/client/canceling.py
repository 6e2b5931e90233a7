"""Cancels: repeated under the order's own key until the order has ended or the patience has."""

import asyncio
import json
from urllib.parse import quote
from uuid import uuid4

from engine.client.errors import AnswerError, NoAnswerError
from engine.client.pace import Pace
from engine.client.reading import Reader
from engine.client.repeating import repeated
from engine.client.results import Cancel
from engine.client.values import Order
from engine.client.wire import Reply, Wire

_AT_ONCE = 8
_OK = 200
# Said by a cancel that may never have reached the exchange: it is worth sending again.
_SEND_AGAIN = frozenset({"sent_not_recorded", "unknown", "refused"})


class Canceler:
    """A cancel needs no journal: its key is made of the order's id, and repeating it changes nothing."""

    def __init__(self, wire: Wire, pace: Pace, reader: Reader) -> None:
        self._wire = wire
        self._pace = pace
        self._reader = reader

    async def cancel(self, order_id: str, patience_s: float) -> Cancel:
        """Ask for the cancel, then follow the order. Raises AnswerError, NoAnswerError."""
        return await self._see_through(order_id, "", patience_s)

    async def cancel_all(self, profile: str, symbol: str | None, patience_s: float) -> list[Cancel]:
        """Cancel what is not finished, at once, and follow each; again as long as orders appear that are new.

        Raises AnswerError, NoAnswerError.
        """
        deadline = self._pace.monotonic() + patience_s
        done: dict[str, Cancel] = {}
        some = asyncio.Semaphore(_AT_ONCE)

        async def one(order_id: str, said: str) -> Cancel:
            async with some:
                return await self._see_through(order_id, said, self._left_s(deadline))

        tried = 0
        while True:
            reply = await self._ask_all(profile, symbol, self._left_s(deadline))
            new = {row["id"]: row["cancel"] for row in reply.body["orders"] if row["id"] not in done}
            for canceled in await asyncio.gather(*(one(*each) for each in new.items())):
                done[canceled.order_id] = canceled
            recorded = reply.body.get("recorded") is not False
            if recorded and not new:
                return list(done.values())
            if recorded:
                continue
            wait_s = self._pace.wait_s(tried)
            tried += 1
            if self._pace.monotonic() + wait_s > deadline:
                raise NoAnswerError("sent, not recorded: there may be orders that were not known", sent=True)
            await self._pace.sleep(wait_s)

    async def _see_through(self, order_id: str, said: str, patience_s: float) -> Cancel:
        """Follow an order to its end; `said` is what the last answer said of its cancel."""
        deadline = self._pace.monotonic() + patience_s
        tried, order = 0, None
        while True:
            retry_after_s = None
            failure: AnswerError | NoAnswerError | None = None
            try:
                if said and said not in _SEND_AGAIN:  # it is recorded: now it is only waited for
                    order = await self._reader.order(order_id, self._left_s(deadline))
                else:
                    reply = await self._ask(order_id)
                    said, retry_after_s = str(reply.body.get("cancel", "")), reply.retry_after_s
                    order = await self._seen(order_id, reply, deadline)
                    if reply.status == _OK:
                        return Cancel(order_id, ended=True, cancel=said, order=order)
            except AnswerError as error:
                if not error.retryable:
                    raise
                failure = error
            except NoAnswerError as error:
                failure = error
            if order is not None and order.finished:
                return Cancel(order_id, ended=True, cancel=said, order=order)
            wait_s = self._pace.wait_s(tried, retry_after_s)
            tried += 1
            if self._pace.monotonic() + wait_s > deadline:
                if failure is not None and not said:
                    raise failure
                return Cancel(order_id, ended=False, cancel=said, order=order)
            await self._pace.sleep(wait_s)

    async def _ask_all(self, profile: str, symbol: str | None, patience_s: float) -> Reply:
        """Have every unfinished order canceled in one request; a lost answer is asked for again."""
        asked = {"profile": profile} | ({} if symbol is None else {"symbol": symbol})
        body, key = json.dumps(asked), f"cancel-all-{uuid4()}"
        return await repeated(
            self._pace,
            patience_s,
            lambda: self._wire.ask("POST", "/v1/orders/cancel-all", body=body, key=key),
        )

    async def _ask(self, order_id: str) -> Reply:
        reply = await self._wire.ask(
            "DELETE", f"/v1/orders/{quote(order_id, safe='')}", key=f"cancel-{order_id}"
        )
        return reply.checked()

    async def _seen(self, order_id: str, reply: Reply, deadline: float) -> Order | None:
        """Return the order after a cancel that ended it; what is only on its way is looked at later."""
        if reply.status != _OK:
            return None
        try:
            return await self._reader.order(order_id, self._left_s(deadline))
        except NoAnswerError:
            return None  # the cancel is done all the same

    def _left_s(self, deadline: float) -> float:
        return max(0.0, deadline - self._pace.monotonic())
