"""Reads of what Holdfast has recorded, repeated within bounds: asking changes nothing."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import quote

from engine.client.errors import AnswerError, NoAnswerError
from engine.client.pace import Pace
from engine.client.repeating import repeated
from engine.client.values import Capital, Fill, Order, Position
from engine.client.wire import REPLAYED, Reply, Wire

_PAGE = 200
# How far two machines' clocks may be apart, when something is looked for by its time.
_CLOCKS_APART = timedelta(hours=1)


class Reader:
    """One robot's reads; after `patience_s` no new try begins."""

    def __init__(self, wire: Wire, pace: Pace, patience_s: float) -> None:
        self._wire = wire
        self._pace = pace
        self._patience_s = patience_s

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, patience_s: float | None = None
    ) -> Reply:
        """Return the answer of a read. Raises AnswerError, NoAnswerError; both after all the patience."""
        patience_s = self._patience_s if patience_s is None else patience_s
        return await repeated(self._pace, patience_s, lambda: self._wire.ask("GET", path, query=query))

    async def order(self, order_id: str, patience_s: float | None = None) -> Order:
        """Return one order."""
        return Order.of((await self.get(f"/v1/orders/{_part(order_id)}", patience_s=patience_s)).body)

    async def by_client_order_id(self, client_order_id: str) -> Order:
        """Return the order that the exchange knows by this id."""
        return Order.of((await self.get(f"/v1/orders/by-client-id/{_part(client_order_id)}")).body)

    async def orders(
        self, profile: str, symbol: str | None, *, is_open: bool | None, limit: int
    ) -> list[Order]:
        """Return at most `limit` orders, newest first."""
        found: list[Order] = []
        async for order in self._every(profile, symbol, is_open, min(limit, _PAGE)):
            if len(found) == limit:
                break
            found.append(order)
        return found

    async def by_key(self, key: str) -> Reply | None:
        """Return what a repeat of an order's request would be answered, None if nothing is kept of it.

        Raises NoAnswerError; an answer that is an error counts as none, for nothing was seen.
        """
        try:
            kept = (await self.get(f"/v1/requests/{_part(key)}", patience_s=0.0)).body
        except AnswerError as error:
            if error.code == "NOT_FOUND":
                return None
            raise NoAnswerError(str(error), sent=True) from None
        if kept["of"] != "order":
            return None
        return Reply(kept["status"], {REPLAYED: "true"}, kept["answer"])

    async def fills_of(self, order_id: str) -> list[Fill]:
        """Return an order's fills in the order they were recorded."""
        return [fill async for fill in self._fills({"order": order_id})][::-1]

    async def fills(self, profile: str, symbol: str | None, since: datetime | None, limit: int) -> list[Fill]:
        """Return a profile's fills in the order they were recorded: the last, or the first `since` then."""
        query = {"profile": profile} | ({} if symbol is None else {"symbol": symbol})
        if since is None:
            query["limit"] = str(max(1, min(limit, _PAGE)))
        found: list[Fill] = []
        async for fill in self._fills(query):
            if since is None and len(found) == limit:
                break
            if since is not None and fill.recorded_at_time < since - _CLOCKS_APART:
                break  # booked so long before: it cannot have happened later
            if since is None or fill.time >= since:
                found.append(fill)
        found.reverse()
        return found[:limit]

    async def _fills(self, query: Mapping[str, str]) -> AsyncIterator[Fill]:
        """Go through fills, newest first, page by page; what a real trade took the place of is left out."""
        asked = {"limit": str(_PAGE), **query}
        while True:
            page = (await self.get("/v1/fills", asked)).body
            for view in page["fills"]:
                if view["superseded_at"] is None:
                    yield Fill.of(view)
            if page["next_cursor"] is None:
                return
            asked["cursor"] = page["next_cursor"]

    async def capital(self, profile: str) -> Capital:
        """Return the figures of a profile."""
        (view,) = (await self.get("/v1/capital", {"profile": profile})).body["capital"]
        return Capital.of(view)

    async def positions(self, profile: str) -> list[Position]:
        """Return what a profile holds."""
        body = (await self.get("/v1/positions", {"profile": profile})).body
        return [Position.of(view) for view in body["positions"]]

    async def _every(
        self, profile: str, symbol: str | None, is_open: bool | None, page: int
    ) -> AsyncIterator[Order]:
        """Go through orders, newest first, page by page."""
        query = {"profile": profile, "limit": str(max(1, page))}
        if symbol is not None:
            query["symbol"] = symbol
        if is_open is not None:
            query["open"] = "true" if is_open else "false"
        while True:
            views = (await self.get("/v1/orders", query)).body["orders"]
            for view in views:
                yield Order.of(view)
            if len(views) < int(query["limit"]):
                return
            query["before"] = views[-1]["id"]


def _part(text: str) -> str:
    """Return a text as one part of a path, whatever it holds."""
    return quote(text, safe="")
