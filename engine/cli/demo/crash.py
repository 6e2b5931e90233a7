"""The demo's second act: an answer is lost, the daemon killed in the middle of an order and started again."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import aiohttp

from engine.cli.demo.robots import Market, Robot
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.money import ceil_to_step, product, to_text

_HELD_MS = 500  # the exchange keeps the order so long before it looks at it: then nobody waits for its answer
_AMOUNT = Decimal(60)
_PROOF_TIMEOUT_S = 60.0
_RECEIVED_TIMEOUT_S = 10.0
_POLL_S = 0.02
_UNKNOWN = frozenset({"sending", "in_doubt", "needs_operator"})


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the crash left and what became of it; seconds count from the start of the new daemon.

    `unknown`: intents whose outcome nobody knew; `proven`: those of them that have one now; `same_answer`:
    the robot whose daemon died got the order it had asked for by asking again with its key.
    """

    ready_seconds: float
    seconds: float
    unknown: int
    proven: int
    same_answer: bool


@dataclass(frozen=True, slots=True)
class Theatre:
    """What the act needs: the exchange's control port, the ledger's intents, and power over the daemon.

    `logs` tells what the daemon said last, for when the act fails.
    """

    http: aiohttp.ClientSession
    control: str
    intents: Callable[[], Awaitable[list[dict[str, Any]]]]
    kill_daemon: Callable[[], None]
    start_daemon: Callable[[], Awaitable[None]]
    logs: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Part:
    """One robot's entry in the act."""

    robot: Robot
    profile: str
    market: Market


async def play_crash(theatre: Theatre, first: Part, second: Part) -> Recovery:
    """Lose the answer to the first entry, kill the daemon in the middle of the second, and recover.

    Raises HoldfastError if the exchange never gets the second order, or an intent stays without proof.
    """
    before = {row["id"] for row in await theatre.intents()}
    await _fault(theatre, first, {"kind": "drop_after"})
    answer = await first.robot.entry(await _order(first))
    unknown = {answer.intent_id} if answer.status == HTTPStatus.ACCEPTED else set()
    await _fault(theatre, second, {"kind": "delay", "delay_ms": _HELD_MS})
    order, key = await _order(second), second.robot.new_key()
    received = await _received(theatre, second)
    entry = asyncio.create_task(second.robot.entry(order, key))

    async def arrived() -> bool:
        return await _received(theatre, second) > received

    await _until(theatre, arrived, "the exchange got no order", _RECEIVED_TIMEOUT_S)
    theatre.kill_daemon()
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        await entry
    made = [row for row in await theatre.intents() if row["id"] not in before]
    unknown |= {row["id"] for row in made if row["state"] in _UNKNOWN}
    began = time.monotonic()
    await theatre.start_daemon()
    ready_s = time.monotonic() - began

    async def proven() -> bool:
        return not unknown & {row["id"] for row in await theatre.intents() if row["state"] in _UNKNOWN}

    await _until(theatre, proven, "an intent stays without proof", _PROOF_TIMEOUT_S)
    seconds = time.monotonic() - began
    again = await second.robot.entry(order, key)
    same = again.intent_id in {row["id"] for row in made}
    return Recovery(ready_s, seconds, len(unknown), len(unknown), same)


async def _order(part: Part) -> Mapping[str, str | bool]:
    """A limit entry that takes what is offered."""
    _, ask = await part.market.prices(part.market.symbol)
    price = ceil_to_step(product(ask, Decimal("1.0005")), part.market.tick)
    return {
        "profile": part.profile,
        "symbol": part.market.symbol,
        "type": "limit",
        "quantity": to_text(part.market.quantity(_AMOUNT, price)),
        "limit_price": to_text(price),
    }


async def _fault(theatre: Theatre, part: Part, kind: Mapping[str, str | int]) -> None:
    """Order a fault of the exchange for the next order of the part's market."""
    match = {"method": "POST", "path": "/api/v3/order", "symbol": _wire(part)}
    async with theatre.http.post(f"{theatre.control}/faults", json={**kind, "match": match}) as response:
        if not response.ok:
            raise HoldfastError(ErrorCode.INTERNAL, f"the exchange takes no fault: {await response.text()}")


async def _received(theatre: Theatre, part: Part) -> int:
    """How many orders of the part's market the exchange has received, processed or not."""
    query = {"method": "POST", "symbol": _wire(part)}
    async with theatre.http.get(f"{theatre.control}/requests", params=query) as response:
        return len((await response.json())["requests"])


async def _until(
    theatre: Theatre, condition: Callable[[], Awaitable[bool]], otherwise: str, timeout_s: float
) -> None:
    deadline = time.monotonic() + timeout_s
    while not await condition():
        if time.monotonic() > deadline:
            raise HoldfastError(ErrorCode.INTERNAL, f"{otherwise}\n{theatre.logs()}")
        await asyncio.sleep(_POLL_S)


def _wire(part: Part) -> str:
    return part.market.symbol.replace("/", "")
