"""Proves when the circuit of an exchange account opens, what it lets through, and how it closes by itself."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.domain.errors import HoldfastError
from engine.domain.outcomes import InDoubt, Placed, Refused
from engine.exchange.circuit import FAILURES_MAX, OPEN_S, OPEN_S_MAX, Cause, Circuit, State, cause_of
from engine.exchange.gateway import Gateway
from engine.runtime.clock import Clock
from tests.exchange.wire_server import SYMBOL, WireServer, order_request, placed_body, wire_server

ORDER = ("POST", "/api/v3/order")
CANCEL = ("DELETE", "/api/v3/order")
READ = ("GET", "/api/v3/openOrders")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(clock.monotonic)


def numbered(number: int) -> str:
    """A client order id of its own."""
    return "hold" + "abcdefghijklmnop"[number] * 14


def fail(circuit: Circuit, times: int = FAILURES_MAX, *, write: bool = False) -> None:
    for _ in range(times):
        circuit.failed(Cause.UNREACHABLE, "time: TimeoutError", write=write)


def test_opens_after_failures_in_a_row_only(circuit: Circuit) -> None:
    """A success between failures starts the count anew; orders and reads are counted apart."""
    fail(circuit, FAILURES_MAX - 1)
    circuit.succeeded(write=False)
    fail(circuit, FAILURES_MAX - 1)
    fail(circuit, FAILURES_MAX - 1, write=True)
    assert (State.CLOSED, None) == (circuit.state, circuit.refusal())
    circuit.failed(Cause.UNWELL, "submit: 503", write=True)
    refused = circuit.refusal()
    assert refused is not None
    assert (State.OPEN, "unwell: submit: 503") == (circuit.state, refused.reason)
    assert 0 < refused.retry_after_s <= OPEN_S


def test_reads_that_failed_are_healed_by_one_probe(circuit: Circuit, clock: Clock) -> None:
    """After its time a probe is wanted; answered, the circuit is closed, and counts from zero."""
    fail(circuit)
    assert not circuit.wants_probe
    circuit.succeeded(write=False, probe=True)  # too early to count
    assert State.OPEN is circuit.state
    clock.advance(OPEN_S)
    assert circuit.wants_probe
    circuit.succeeded(write=False)  # a lone read is no probe
    assert State.OPEN is circuit.state
    circuit.succeeded(write=False, probe=True)
    assert (State.CLOSED, None, None) == (circuit.state, circuit.reason, circuit.admit())
    fail(circuit, FAILURES_MAX - 1)
    assert State.CLOSED is circuit.state


def test_orders_that_failed_are_healed_by_an_order_only(circuit: Circuit, clock: Clock) -> None:
    """Half open lets one entry through at a time; its answer closes, its failure opens for longer."""
    fail(circuit, write=True)
    clock.advance(OPEN_S)
    circuit.succeeded(write=False, probe=True)
    assert State.HALF_OPEN is circuit.state
    assert circuit.refusal() is None
    assert circuit.admit() is None
    second = circuit.admit()
    assert second is not None
    assert 0 < second.retry_after_s <= 10
    circuit.failed(Cause.UNWELL, "submit: 500", write=True)
    assert State.OPEN is circuit.state
    clock.advance(OPEN_S)
    assert not circuit.wants_probe  # twice as long
    clock.advance(OPEN_S)
    circuit.succeeded(write=False, probe=True)
    assert circuit.admit() is None
    circuit.succeeded(write=True)
    assert State.CLOSED is circuit.state


def test_a_trial_that_says_nothing_makes_room_for_the_next(circuit: Circuit, clock: Clock) -> None:
    """An entry that was let through and never sent does not hold the circuit half open for ever."""
    fail(circuit, write=True)
    clock.advance(OPEN_S)
    circuit.succeeded(write=False, probe=True)
    assert circuit.admit() is None
    assert circuit.admit() is not None
    clock.advance(10)
    assert circuit.admit() is None


def test_a_long_outage_is_asked_ever_less_often(circuit: Circuit, clock: Clock) -> None:
    """Each vain probe doubles the time, up to a bound; what fails while it is open changes nothing."""
    fail(circuit)
    times = []
    for _ in range(6):
        refused = circuit.refusal()
        assert refused is not None
        times.append(round(refused.retry_after_s))
        fail(circuit, 3)
        clock.advance(refused.retry_after_s)
        circuit.failed(Cause.UNREACHABLE, "time: TimeoutError", write=False)
    assert [5, 10, 20, 40, OPEN_S_MAX, OPEN_S_MAX] == times


def test_an_exit_or_cancel_that_works_closes_it(circuit: Circuit, clock: Clock) -> None:
    """Exits and cancels are tried whatever it says: when its time is over, one that is answered closes it."""
    fail(circuit, write=True)
    circuit.succeeded(write=True)
    assert State.OPEN is circuit.state
    clock.advance(OPEN_S)
    circuit.succeeded(write=True)
    assert State.CLOSED is circuit.state


def test_told_to_wait_it_waits_that_long(circuit: Circuit, clock: Clock) -> None:
    """One 429 or 418 opens it for what was asked; a longer wish extends it, a shorter one does not."""
    circuit.told_to_wait(30, "submit: 429 -1003")
    circuit.told_to_wait(10, "time: 429")
    refused = circuit.refusal()
    assert refused is not None
    assert (30, "rate_limited: submit: 429 -1003") == (round(refused.retry_after_s), refused.reason)
    circuit.told_to_wait(60, "time: 418")
    clock.advance(59)
    assert not circuit.wants_probe
    clock.advance(1)
    circuit.succeeded(write=False, probe=True)
    assert State.CLOSED is circuit.state


def test_changes_are_told(circuit: Circuit, clock: Clock) -> None:
    """Whoever shows it learns of opening, half-opening and closing, and of nothing else."""
    seen: list[State] = []
    circuit.on_change = lambda: seen.append(circuit.state)
    fail(circuit, FAILURES_MAX + 3, write=True)
    clock.advance(OPEN_S)
    circuit.succeeded(write=False, probe=True)
    circuit.succeeded(write=True)
    assert [State.OPEN, State.HALF_OPEN, State.CLOSED] == seen


@pytest.mark.parametrize(
    ("status", "body", "code", "cause"),
    [
        (200, '{"serverTime": 1}', "", None),
        (200, "[]", "", None),
        (200, "", "", Cause.UNREADABLE),
        (200, "<html>down for maintenance</html>", "", Cause.UNREADABLE),
        (200, '{"serverTime": 1', "", Cause.UNREADABLE),
        (400, '{"code": -2010, "msg": "insufficient balance"}', "-2010", None),
        (400, '{"code": -1007}', "-1007", Cause.UNWELL),
        (400, '{"code": -1016}', "-1016", Cause.UNWELL),
        (403, "<html>firewall</html>", "", Cause.UNREADABLE),
        (404, "", "", None),
        (503, '{"code": 0}', "0", Cause.UNWELL),
    ],
)
def test_what_an_answer_proves(status: int, body: str, code: str, cause: Cause | None) -> None:
    """Refusals are good health; 5xx, codes of overload and pages that are no answer are not."""
    assert cause is cause_of("binance", status, body, code)


@pytest.fixture
async def server() -> AsyncIterator[WireServer]:
    async with wire_server() as made:
        yield made


@pytest.fixture
async def gateway(server: WireServer, clock: Clock) -> AsyncIterator[Gateway]:
    async with server.gateway(clock=clock) as made:
        yield made


async def read(gateway: Gateway) -> Any:
    """Ask for open orders; None if there is no answer."""
    try:
        return await gateway.open_orders(SYMBOL)
    except HoldfastError:
        return None


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (503, "", Cause.UNWELL),
        (200, "<html></html>", Cause.UNREADABLE),
        (200, "", Cause.UNREADABLE),
        (None, "", Cause.UNREACHABLE),
    ],
)
async def test_an_exchange_that_is_away_or_lies_opens_it(
    server: WireServer, gateway: Gateway, status: int | None, body: str, cause: Cause
) -> None:
    """Five reads without an answer that is one open it; it closes when its clock is told again."""
    if status is None:
        server.cut(*READ, "before")
    else:
        server.answer(*READ, status, body)
    assert [None] * FAILURES_MAX == [await read(gateway) for _ in range(FAILURES_MAX)]
    assert (State.OPEN, cause) == (gateway.circuit.state, gateway.circuit.cause)
    await gateway.probe()  # not yet
    assert State.OPEN is gateway.circuit.state
    gateway.clock.advance(OPEN_S)
    await gateway.probe()
    assert State.CLOSED is gateway.circuit.state


@pytest.mark.parametrize("body", ["{}", "[]", "<html></html>", ""])
async def test_orders_answered_without_an_id_open_it(
    server: WireServer, gateway: Gateway, clock: Clock, body: str
) -> None:
    """HTTP 200 without an order is in doubt each time, and after five of them no entry is worth it."""
    server.answer(*ORDER, 200, body)
    for number in range(FAILURES_MAX):
        outcome = await gateway.submit(order_request(numbered(number)))
        assert isinstance(outcome, InDoubt)
    assert Cause.UNREADABLE is gateway.circuit.cause
    clock.advance(OPEN_S)
    await gateway.probe()
    assert State.HALF_OPEN is gateway.circuit.state
    own = numbered(FAILURES_MAX)
    server.answer(*ORDER, 200, placed_body(own))
    request = order_request(own, send_before_monotonic=clock.monotonic() + 5)
    assert isinstance(await gateway.submit(request), Placed)
    assert State.CLOSED is gateway.circuit.state


async def test_refusals_keep_it_closed(server: WireServer, gateway: Gateway) -> None:
    """An exchange that refuses every order with a reason is well."""
    server.answer(*ORDER, 400, {"code": -2010, "msg": "Account has insufficient balance"})
    for number in range(FAILURES_MAX * 2):
        assert isinstance(await gateway.submit(order_request(numbered(number))), Refused)
    assert State.CLOSED is gateway.circuit.state


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [(429, {"Retry_After": "7"}, 7), (418, {"Retry_After": "90"}, 90), (429, {}, 10), (418, {}, 120)],
)
async def test_rate_limits_open_it_for_what_they_ask(
    server: WireServer, gateway: Gateway, status: int, headers: dict[str, str], seconds: int
) -> None:
    """One 429 or 418 opens it for Retry-After; cancels go out all the same; then it closes by itself."""
    server.answer(*READ, status, {"code": -1003, "msg": "Too many requests"}, **headers)
    assert await read(gateway) is None
    refused = gateway.circuit.refusal()
    assert refused is not None
    assert (Cause.RATE_LIMITED, seconds) == (gateway.circuit.cause, round(refused.retry_after_s))
    await gateway.cancel(SYMBOL, "28")
    assert 1 == len(server.sent(*CANCEL))
    gateway.clock.advance(seconds)
    await gateway.probe()
    assert State.CLOSED is gateway.circuit.state


async def test_our_own_refusals_to_send_count_nothing(server: WireServer, gateway: Gateway) -> None:
    """A request that was never sent says nothing of the exchange."""
    for number in range(FAILURES_MAX * 2):
        await gateway.submit(order_request(numbered(number), send_before_monotonic=0.0))
    assert [] == server.sent(*ORDER)
    assert State.CLOSED is gateway.circuit.state


async def test_an_exchange_that_is_gone(server: WireServer, gateway: Gateway, clock: Clock) -> None:
    """A refused connection counts although nothing was written; a vain probe keeps it open for longer."""
    port, server_port = 9, server.port
    gateway._client.urls["api"]["private"] = f"http://127.0.0.1:{port}/api/v3"
    for _ in range(FAILURES_MAX):
        assert await read(gateway) is None
    assert Cause.UNREACHABLE is gateway.circuit.cause
    gateway._client.urls["api"]["public"] = f"http://127.0.0.1:{port}/api/v3"
    clock.advance(OPEN_S)
    await gateway.probe()
    refused = gateway.circuit.refusal()
    assert refused is not None
    assert 2 * OPEN_S == round(refused.retry_after_s)
    gateway._client.urls["api"]["public"] = f"http://127.0.0.1:{server_port}/api/v3"
    clock.advance(2 * OPEN_S)
    await gateway.probe()
    assert State.CLOSED is gateway.circuit.state
