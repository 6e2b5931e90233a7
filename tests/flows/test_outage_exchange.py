"""Proves what becomes of entries, exits and cancels while the exchange is away, limits us, lies or rests."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.domain.errors import HoldfastError, Outcome
from engine.exchange.circuit import FAILURES_MAX, OPEN_S, State
from engine.flows.commands import Answer
from engine.paper.faults import FaultKind, Match
from tests.flows.rig import Rig

ORDER = Match(method="POST", path="/api/v3/order")
READ = Match(method="GET", path="/api/v3/openOrders")


async def read(rig: Rig, times: int) -> None:
    """Ask for open orders, in vain."""
    for _ in range(times):
        with pytest.raises(HoldfastError):
            await rig.gateway.open_orders("BTC/USDT")


def advance(rig: Rig, seconds: float) -> None:
    """Let time pass here and at the exchange."""
    rig.gateway.clock.advance(seconds)
    rig.paper.clock.advance(round(seconds * 1000))


def denied(answer: Answer, cause: str) -> bool:
    """Tell whether an entry was denied by the open circuit, with what a robot needs to come back."""
    reason = answer.details["reason"]
    return (
        ("CIRCUIT_OPEN", Outcome.NOT_PLACED, True) == (answer.code, answer.outcome, answer.retryable)
        and reason.startswith(cause)
        and 1 <= int(answer.details["retry_after_s"])
    )


OUTAGES: dict[str, tuple[Callable[[Rig], Any], str]] = {
    "gone": (lambda rig: rig.paper.fault(FaultKind.DROP_BEFORE, match=READ, count=None), "unreachable"),
    "failing": (
        lambda rig: rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=READ, count=None, status=502),
        "unwell",
    ),
    "lying": (lambda rig: rig.paper.fault(FaultKind.HTML_200_AFTER, match=READ, count=None), "unreadable"),
    "silent": (lambda rig: rig.paper.fault(FaultKind.EMPTY_200_AFTER, match=READ, count=None), "unreadable"),
    "in maintenance": (lambda rig: setattr(rig.paper.rest, "maintenance", True), "unwell"),
}


@pytest.mark.parametrize("name", OUTAGES)
async def test_entries_are_denied_before_anything_is_recorded(rig: Rig, name: str) -> None:
    """An outage that reads have met denies the next entry: no intent, no reservation; it heals by itself."""
    begin, cause = OUTAGES[name]
    begin(rig)
    await read(rig, FAILURES_MAX)
    crossed = len(rig.plug.crossings)
    assert denied(await rig.desk.entries.run(rig.entry(key="k")), cause)
    assert [] == await rig.intents()
    assert not {"before fn_open_entry", "before submit"} & set(rig.plug.crossings[crossed:])
    rig.paper.faults.clear()
    rig.paper.rest.maintenance = False
    advance(rig, OPEN_S)
    # nobody but this entry asks how the exchange is; its key was not used up by the denial
    answer = await rig.desk.entries.run(rig.entry(key="k"))
    assert ("OK", State.CLOSED) == (answer.code, rig.gateway.circuit.state)
    await rig.check_books()


async def test_orders_in_doubt_stop_the_next_ones(rig: Rig) -> None:
    """After five sends in doubt no sixth profile's capital is put at that risk; one trial closes it."""
    for number in range(FAILURES_MAX):
        await rig.fresh(f"p{number}")
        rig.paper.fault(FaultKind.DROP_BEFORE, match=ORDER)
        assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry(profile=f"p{number}"))).code
    await rig.fresh("next")
    assert denied(await rig.desk.entries.run(rig.entry(profile="next")), "unreachable: submit")
    assert "1000" == (await rig.figures(rig.profiles[-1]))["available"]
    advance(rig, OPEN_S)
    await rig.gateway.probe()
    assert State.HALF_OPEN is rig.gateway.circuit.state
    assert "OK" == (await rig.desk.entries.run(rig.entry(profile="next"))).code
    assert State.CLOSED is rig.gateway.circuit.state


async def test_exits_and_cancels_are_tried(rig: Rig) -> None:
    """With the circuit open an exit and a cancel reach an exchange that takes them, and are recorded."""
    resting = await rig.desk.entries.run(rig.entry("0.001", "40000"))
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code
    rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=READ, count=None, status=503)
    await read(rig, FAILURES_MAX)
    assert State.OPEN is rig.gateway.circuit.state
    assert ("OK", Outcome.PLACED) == ((left := await rig.desk.exits.run(rig.exit())).code, left.outcome)
    assert "done" == (await rig.desk.cancels.run(rig.cancel(resting))).details["cancel"]
    assert denied(await rig.desk.entries.run(rig.entry()), "unwell")
    await rig.check_books()


@pytest.mark.parametrize("status", [429, 418])
async def test_rate_limited(rig: Rig, status: int) -> None:
    """A limited order is refused for good; then entries wait for Retry-After, exits too, cancels do not."""
    resting = await rig.desk.entries.run(rig.entry("0.001", "40000"))
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code
    rig.paper.fault(FaultKind.RATE_LIMITED, match=ORDER, status=status, retry_after_s=30)
    refused = await rig.desk.entries.run(rig.entry())
    assert ("REJECTED", Outcome.NOT_PLACED) == (refused.code, refused.outcome)
    later = await rig.desk.entries.run(rig.entry())
    assert denied(later, "rate_limited: submit")
    assert 25 < int(later.details["retry_after_s"]) <= 30
    exit_ = await rig.desk.exits.run(rig.exit())
    assert ("NOT_PLACED", Outcome.NOT_PLACED) == (exit_.code, exit_.outcome)
    assert "done" == (await rig.desk.cancels.run(rig.cancel(resting))).details["cancel"]
    advance(rig, 30)
    assert "OK" == (await rig.desk.exits.run(rig.exit())).code
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code
    await rig.check_books()


async def test_known_key_is_answered_while_it_is_open(rig: Rig) -> None:
    """A robot that asks again during an outage gets its first answer, not the denial of the moment."""
    placed = await rig.desk.entries.run(rig.entry(key="k"))
    rig.gateway.circuit.told_to_wait(60, "test")
    again = await rig.desk.entries.run(rig.entry(key="k"))
    assert ("OK", True) == (again.code, again.replay)
    assert placed.intent is not None
    assert again.intent is not None
    assert placed.intent["id"] == again.intent["id"]


async def test_slow_exchange_is_in_doubt_then_denied(rig: Rig) -> None:
    """Answers that come too late are in doubt one by one, and the fifth opens the circuit."""
    rig.gateway._timeout_s = 0.05
    rig.gateway._orders._timeout_s = 0.05
    rig.paper.fault(FaultKind.DELAY, match=ORDER, count=None, delay_ms=150)
    for number in range(FAILURES_MAX):
        await rig.fresh(f"p{number}")
        assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry(profile=f"p{number}"))).code
    assert denied(await rig.desk.entries.run(rig.entry()), "unreachable: submit")
