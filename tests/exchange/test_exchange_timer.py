"""Proves what an exchange's timer is asked over ccxt's wire, and that only a plain answer counts as one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.exchange.exchange_timer import TIMERS, WRITE_S, check_seconds, timer_rule
from engine.exchange.gateway import Gateway
from engine.exchange.scheduler import CallClass
from engine.runtime.clock import Clock
from tests.exchange.timer_server import TimerServer, Trouble, timer_server
from tests.exchange.wire_server import wire_server


@pytest.fixture(params=["okx", "kraken"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[TimerServer]:
    async with timer_server(request.param) as made:
        yield made


class Late:
    """A fault at the seam: time passes between the budget and the write."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds

    async def before(self, name: str) -> None:
        if name == "exchange_timer":
            self.clock.advance(self.seconds)

    async def after(self, name: str) -> None:
        """Nothing happens there."""


async def unanswered(gateway: Gateway, seconds: int, timeout_s: float = 10.0) -> HoldfastError:
    with pytest.raises(HoldfastError) as caught:
        await gateway.set_timer(seconds, timeout_s)
    assert ErrorCode.EXCHANGE_UNAVAILABLE == caught.value.code
    return caught.value


async def test_armed_and_disarmed(server: TimerServer) -> None:
    """Whole seconds arrive, signed; the answer's moment comes back, none for a disarm; budget is spent."""
    async with server.gateway() as gateway:
        before = datetime.now(UTC).timestamp()
        acts_at = await gateway.set_timer(60, 10.0)
        assert acts_at is not None
        assert before + 59 <= acts_at.timestamp() <= datetime.now(UTC).timestamp() + 60
        assert await gateway.set_timer(0, 10.0) is None
        assert ([60, 0], 2) == (server.seconds, gateway.scheduler.spent(CallClass.TIMER))


async def test_a_wrong_signature_is_no_answer(server: TimerServer) -> None:
    """The server does check: with another secret nothing is armed, and the error shows no secret."""
    secret = "b3RoZXItc2VjcmV0"
    async with server.gateway(secret=secret) as gateway:
        error = await unanswered(gateway, 60)
    assert ([], None) == (server.seconds, server.acts_at)
    assert secret not in str(error) + str(error.details)


ANSWERS: dict[str, dict[str, Any]] = {
    "okx": {
        "a refusal": {"code": "50030", "msg": "No permission", "data": []},
        "a refusal with data": {"code": "1", "msg": "", "data": [{"triggerTime": "1700000000000"}]},
        "no data": {"code": "0", "msg": "", "data": []},
        "no code": {"data": [{"triggerTime": "1700000000000"}]},
        "no moment": {"code": "0", "msg": "", "data": [{"ts": "1"}]},
        "a word": {"code": "0", "msg": "", "data": [{"triggerTime": "soon"}]},
        "never": {"code": "0", "msg": "", "data": [{"triggerTime": "0"}]},
        "a list": [],
        "a page": "<html>busy</html>",
        "nothing": "",
    },
    "kraken": {
        "a refusal": {"error": ["EGeneral:Permission denied"]},
        "no result": {"error": []},
        "no error list": {"result": {"triggerTime": "2026-03-24T17:42:56Z"}},
        "no moment": {"error": [], "result": {"currentTime": "2026-03-24T17:41:56Z"}},
        "a word": {"error": [], "result": {"triggerTime": "soon"}},
        "no zone": {"error": [], "result": {"triggerTime": "2026-03-24T17:42:56"}},
        "never": {"error": [], "result": {"triggerTime": "0"}},
        "a page": "<html>busy</html>",
        "nothing": "",
    },
}


@pytest.mark.parametrize("exchange", ANSWERS)
async def test_what_is_no_plain_answer_is_unknown(exchange: str) -> None:
    """Refusals, gaps, pages, errors and cuts are one thing: nothing is known; nothing is sent again here."""
    async with timer_server(exchange) as server, server.gateway() as gateway:
        troubles = [Trouble(body=body) for body in ANSWERS[exchange].values()]
        troubles += [Trouble(status=500, body=""), Trouble(cut=True), Trouble(cut=True, done=True)]
        for trouble in troubles:
            server.troubles.append(trouble)
            await unanswered(gateway, 60)
        assert [60] * len(troubles) == server.seconds
        server.troubles.append(Trouble(status=201, body=server.done(60)))
        await unanswered(gateway, 60)
        server.troubles.append(Trouble(body=server.done(60)))
        assert await gateway.set_timer(60, 10.0) is not None


async def test_a_disarm_that_names_a_moment_is_none(server: TimerServer) -> None:
    """An answer that still tells when it will act does not confirm that it will not."""
    async with server.gateway() as gateway:
        at = {"okx": "1900000000000", "kraken": "2030-03-24T17:42:56Z"}[server.exchange]
        body = {
            "okx": {"code": "0", "msg": "", "data": [{"triggerTime": at}]},
            "kraken": {"error": [], "result": {"triggerTime": at}},
        }
        server.troubles.append(Trouble(body=body[server.exchange]))
        await unanswered(gateway, 0)


async def test_moments_in_seconds_are_read_too() -> None:
    """OKX's documentation shows this moment in seconds, all others in milliseconds: both are understood."""
    async with timer_server("okx") as server, server.gateway() as gateway:
        row = {"triggerTime": "1900000000", "ts": "1899999940"}
        server.troubles.append(Trouble(body={"code": "0", "msg": "", "data": [row]}))
        assert datetime.fromtimestamp(1_900_000_000, UTC) == await gateway.set_timer(60, 10.0)


async def test_nothing_is_written_late(server: TimerServer) -> None:
    """A call that was held up on this side goes nowhere: it could come after a disarm."""
    clock = Clock()
    async with server.gateway(clock, faults=Late(clock, WRITE_S + 0.1)) as gateway:
        await unanswered(gateway, 60)
    assert [] == server.seconds


async def test_an_answer_is_waited_for_in_bounds(server: TimerServer) -> None:
    """The caller says for how long; what comes after that is nobody's."""
    held = asyncio.Event()
    async with server.gateway() as gateway:
        server.troubles.append(Trouble(held=held, done=True))
        error = await unanswered(gateway, 60, 0.3)
        held.set()
    assert "TimeoutError" in str(error)


async def test_where_there_is_none_nothing_is_asked() -> None:
    """Binance has no timer for spot orders, and ccxt's futures call is not taken for one."""
    async with wire_server() as server:
        gateway = server.gateway()
        await gateway.open()
        server.requests.clear()
        with pytest.raises(HoldfastError) as caught:
            await gateway.set_timer(60, 1.0)
        await gateway.close()
        assert [] == server.requests
    assert ErrorCode.EXCHANGE_TIMER_UNAVAILABLE == caught.value.code
    assert {"exchange": "binance"} == caught.value.details


@pytest.mark.parametrize(
    ("exchange", "fits", "not_"), [("okx", (10, 120), (9, 121)), ("kraken", (30, 86_399), (0, 29, 86_400))]
)
def test_seconds_of_an_exchange(exchange: str, fits: tuple[int, ...], not_: tuple[int, ...]) -> None:
    """Its documented bounds pass, one beyond is refused with them."""
    for seconds in fits:
        check_seconds(exchange, seconds)
    for seconds in not_:
        with pytest.raises(HoldfastError) as caught:
            check_seconds(exchange, seconds)
        assert ErrorCode.BAD_REQUEST == caught.value.code


@pytest.mark.parametrize("exchange", ["binance", "bitvavo", "bybit", "htx", "gate", "nowhere"])
def test_what_is_not_listed_has_none(exchange: str) -> None:
    """The list is of those that are known to fit; every other exchange is refused by name."""
    assert exchange not in TIMERS
    with pytest.raises(HoldfastError, match=exchange) as caught:
        timer_rule(exchange)
    assert ErrorCode.EXCHANGE_TIMER_UNAVAILABLE == caught.value.code
