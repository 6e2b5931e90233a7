"""The demo's robots: each a real client of the HTTP API with a key of its own, trading in and out."""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import aiohttp

from engine.cli.demo.tally import Tally
from engine.domain.money import ceil_to_step, floor_to_step, product, to_text

_FINAL_ORDER = frozenset({"filled", "canceled", "expired", "rejected"})
_FINAL_INTENT = frozenset({"rejected", "not_placed"})
_AGAIN = frozenset({"ENTRY_LOCKED", "BUSY", "INTENT_SENDING", "STALE_PRICE", "NOT_READY"})
# What the exchange refused, or what never left: the intent's state tells, and it is no denial of ours.
_NO_DENIAL = frozenset({"REJECTED", "NOT_PLACED"})
_LOOK_EVERY_S = 0.04
_FINAL_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the API and how long it took."""

    status: int
    body: dict[str, Any]
    seconds: float

    @property
    def placed(self) -> bool:
        return self.body.get("outcome") == "placed"

    @property
    def intent_id(self) -> str | None:
        """The order's id in our API; None for a denial."""
        found = self.body.get("id")
        return None if found is None else str(found)

    @property
    def code(self) -> str:
        return str(self.body.get("code", self.status))


@dataclass(frozen=True, slots=True)
class Market:
    """What the exchange offers for one symbol, with the steps of its numbers."""

    symbol: str
    tick: Decimal
    lot: Decimal
    prices: Callable[[str], Awaitable[tuple[Decimal, Decimal]]]  # best bid and best ask

    def quantity(self, amount: Decimal, price: Decimal) -> Decimal:
        """What `amount` of the quote asset buys, on the lot, and at least one lot."""
        return max(floor_to_step(amount / price, self.lot), self.lot)


class Robot:
    """One robot: how it speaks to Holdfast. What it wants is in the functions below."""

    def __init__(
        self, name: str, key: str, *, api: str, http: aiohttp.ClientSession, tally: Tally, seed: int
    ) -> None:
        self.name = name
        self.tally = tally
        self.chance = random.Random(f"{seed}:{name}")  # noqa: S311 - a seeded course, nothing secret
        self._key = key
        self._api = api
        self._http = http

    async def entry(self, order: Mapping[str, str | bool], key: str | None = None) -> Answer:
        return await self._place("/v1/entries", order, key)

    async def exit(self, order: Mapping[str, str | bool], key: str | None = None) -> Answer:
        return await self._place("/v1/exits", order, key)

    async def cancel(self, intent_id: str) -> Answer:
        self.tally.cancels += 1
        return await self._call("DELETE", f"/v1/orders/{intent_id}", key=self.new_key())

    async def order(self, intent_id: str) -> Answer:
        return await self._call("GET", f"/v1/orders/{intent_id}")

    async def capital(self) -> None:
        """Read the capital as any robot can, and check the formula on what was said."""
        answer = await self._call("GET", "/v1/capital")
        if answer.status != HTTPStatus.OK:
            self.tally.unexpected[f"GET /v1/capital answered {answer.status} {answer.code}"] += 1
            return
        for profile in answer.body["capital"]:
            self.tally.read(profile)

    async def until_final(self, intent_id: str, within_s: float = _FINAL_TIMEOUT_S) -> bool:
        """Look at the order until it can trade no more; False: it still can."""
        deadline = time.monotonic() + within_s
        while True:
            if _is_final((await self.order(intent_id)).body):
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_LOOK_EVERY_S)

    def new_key(self) -> str:
        """A key for one intent; a robot that must survive a crash would store it first."""
        return f"{self.name}-{uuid.uuid4()}"

    async def _place(self, path: str, order: Mapping[str, str | bool], key: str | None) -> Answer:
        answer = await self._call("POST", path, {**order, "label": self.name}, key or self.new_key())
        if answer.placed and answer.intent_id is not None:
            self.tally.placed(answer.intent_id, answer.seconds, entry=path.endswith("entries"))
        elif answer.status == HTTPStatus.ACCEPTED and answer.intent_id is not None:
            self.tally.intents.add(answer.intent_id)
            self.tally.unknown += 1
        elif answer.code not in _NO_DENIAL:
            self.tally.denials[answer.code] += 1
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and answer.code not in _AGAIN:
                self.tally.unexpected[f"{path} of {self.name} answered {answer.status} {answer.code}"] += 1
        return answer

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self._key}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        began = time.monotonic()
        async with self._http.request(method, self._api + path, json=body, headers=headers) as response:
            answered = await response.json(content_type=None)
        return Answer(response.status, answered, time.monotonic() - began)


def _is_final(order: dict[str, Any]) -> bool:
    if order.get("state") in _FINAL_INTENT:
        return True
    details = order.get("order") or {}
    return details.get("status") in _FINAL_ORDER


async def trade(
    robot: Robot,
    profile: str,
    market: Market,
    amounts: tuple[int, int],
    until: float,
    *,
    hold: bool = False,
) -> None:
    """Trade in and out of one profile until the moment `until`; with `hold` keep a last position."""
    while time.monotonic() < until:
        answer = await robot.entry(await _entry_order(robot, profile, market, amounts))
        await robot.capital()
        if not answer.placed or answer.intent_id is None:
            await asyncio.sleep(robot.chance.uniform(0.05, 0.25))
            continue
        await _see_through(robot, answer.intent_id, patience_s=robot.chance.uniform(0.3, 1.2))
        await asyncio.sleep(robot.chance.uniform(0.05, 0.4))
        await leave(robot, profile, market)
    if hold:
        _, ask = await market.prices(market.symbol)
        quantity = to_text(market.quantity(Decimal(amounts[0]), ask))
        answer = await robot.entry(
            {"profile": profile, "symbol": market.symbol, "type": "market", "quantity": quantity}
        )
        if answer.placed and answer.intent_id is not None:
            await robot.until_final(answer.intent_id)


async def _entry_order(
    robot: Robot, profile: str, market: Market, amounts: tuple[int, int]
) -> dict[str, str | bool]:
    """A market entry, a limit that takes, or a patient limit that has to be canceled at times."""
    bid, ask = await market.prices(market.symbol)
    amount = Decimal(robot.chance.randint(*amounts))
    order: dict[str, str | bool] = {"profile": profile, "symbol": market.symbol}
    dice = robot.chance.random()
    if dice < 0.5:  # noqa: PLR2004 - half of them
        return {**order, "type": "market", "quantity": to_text(market.quantity(amount, ask))}
    if dice < 0.75:  # noqa: PLR2004 - a quarter
        price = ceil_to_step(product(ask, Decimal("1.0005")), market.tick)
        order["time_in_force"] = robot.chance.choice(["GTC", "IOC"])
    else:
        price = floor_to_step(product(bid, Decimal("0.9998")), market.tick)
        order["post_only"] = True
    quantity = market.quantity(amount, price)
    return {**order, "type": "limit", "quantity": to_text(quantity), "limit_price": to_text(price)}


async def leave(robot: Robot, profile: str, market: Market) -> None:
    """Sell what the profile holds; another robot of the same profile may have done so already."""
    order: dict[str, str | bool] = {"profile": profile, "symbol": market.symbol, "quantity": "all"}
    if robot.chance.random() < 0.3:  # noqa: PLR2004 - the others go at the market
        bid, _ = await market.prices(market.symbol)
        order |= {"type": "limit", "limit_price": to_text(bid)}
    else:
        order["type"] = "market"
    answer = await robot.exit(order)
    if answer.placed and answer.intent_id is not None:
        await _see_through(robot, answer.intent_id, patience_s=0.8)


async def _see_through(robot: Robot, intent_id: str, patience_s: float) -> None:
    """Wait for the order's end; after `patience_s` cancel what is left of it."""
    if not await robot.until_final(intent_id, within_s=patience_s):
        await robot.cancel(intent_id)
        await robot.until_final(intent_id)


async def send_twice(robot: Robot, profile: str, market: Market) -> None:
    """Send one entry twice at the same moment under one key, then once more: one order, one answer."""
    _, ask = await market.prices(market.symbol)
    key = robot.new_key()
    order: dict[str, str | bool] = {
        "profile": profile,
        "symbol": market.symbol,
        "type": "market",
        "quantity": to_text(market.quantity(Decimal(60), ask)),
    }
    answers = list(await asyncio.gather(*(robot.entry(order, key) for _ in range(2))))
    placed = next((one for one in answers if one.placed), None)
    if placed is None or placed.intent_id is None:
        return  # another entry was before us: nothing was placed, twice
    await robot.until_final(placed.intent_id)
    answers.append(await robot.entry(order, key))
    robot.tally.sent_twice += 2
    for one in answers:
        if one.intent_id not in {placed.intent_id, None} or not (one.placed or one.code in _AGAIN):
            robot.tally.answered_differently.append(f"{key}: {placed.intent_id} and {one.body}")


async def provoke(robot: Robot, profile: str, market: Market, allocated: Decimal) -> None:
    """Ask for what must be denied: five times the capital, and a price between two ticks."""
    _, ask = await market.prices(market.symbol)
    limit: dict[str, str | bool] = {"profile": profile, "symbol": market.symbol, "type": "limit"}
    too_much = to_text(market.quantity(allocated * 5, ask))
    between = to_text(ask + market.tick / 2)
    for code, order in (
        ("INSUFFICIENT_CAPITAL", {**limit, "quantity": too_much, "limit_price": to_text(ask)}),
        (
            "INVALID_PRICE",
            {**limit, "quantity": to_text(market.quantity(Decimal(20), ask)), "limit_price": between},
        ),
    ):
        answer = await robot.entry(order)
        deadline = time.monotonic() + _FINAL_TIMEOUT_S
        while answer.code in _AGAIN and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_EVERY_S)
            answer = await robot.entry(order)
        if answer.code != code:
            robot.tally.unexpected[f"{code} was due, the answer is {answer.status} {answer.code}"] += 1
