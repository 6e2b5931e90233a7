"""Faults by seed: the same seed and the same requests give the same faults, answers and fills."""

from collections import Counter
from typing import Any
from urllib.parse import urlencode

import pytest

from engine.paper.fault_plan import read_plan
from engine.paper.faults import FaultKind, Faults, Target, fits
from engine.paper.replies import Dropped
from engine.paper.server import PaperExchange
from tests.paper.clients import KEY, Bare, options

ALL = [kind.value for kind in FaultKind]
# What takes real time or moves the clock that both runs share with the machine.
STILL = [kind for kind in ALL if kind not in {"delay", "clock_step"}]


def live(seed: int, plan_seed: int) -> tuple[list[Any], list[tuple[Any, ...]], Counter[str]]:
    """Trade for a while, with faults of every kind; returns answers, the oracle's facts and the hits."""
    paper = PaperExchange(options(seed=seed, fee_asset="BNB"))
    paper.clock.freeze(1_800_000_000_000)
    paper.deposit(KEY, "BNB", 10**8)
    plan = read_plan({"seed": plan_seed, "rate": "0.3", "kinds": STILL, "delay_s": 2, "amount": "0.01"})
    paper.faults.follow(plan)
    answers = []
    for number in range(300):
        paper.step()
        paper.clock.advance(100)
        answers.append(_send(paper, *_request(paper, number)))
    paper.clock.advance(10_000)
    assert [] == paper.oracle.differences(paper.matching)
    assert [] == paper.rest.crashes
    return answers, paper.record.facts, plan.hits


def _request(paper: PaperExchange, number: int) -> tuple[str, str, dict[str, Any]]:
    market = paper.matching.markets["BTCUSDT"]
    base: dict[str, Any] = {"symbol": "BTCUSDT"}
    if number % 5 == 3:
        ids = {"origClientOrderId": f"n{number - 3}", "newClientOrderId": f"c{number}"}
        return "DELETE", "/api/v3/order", {**base, **ids}
    if number % 5 == 4:
        return "GET", ("/api/v3/openOrders", "/api/v3/myTrades")[number % 2], base
    price = market.instrument.on_tick(market.last_price * (9_990 + number % 20) // 10_000)
    limit = {"side": ("BUY", "SELL")[number % 2], "type": "LIMIT", "timeInForce": "GTC"}
    text = f"{price // 10**8}.{price % 10**8 // 10**6:02d}"
    place = {**base, **limit, "quantity": "0.01", "price": text, "newClientOrderId": f"n{number}"}
    return "POST", "/api/v3/order", place


def _send(paper: PaperExchange, method: str, path: str, params: dict[str, Any]) -> Any:
    query = urlencode({**params, "timestamp": paper.clock.now_ms()})
    query += "&signature=" + paper.matching.accounts[KEY].sign(query)
    received = paper.rest.receive(method, f"{path}?{query}", b"", KEY)
    try:
        reply = paper.rest.respond(received)
    except Dropped:
        return "dropped"
    return reply.status, reply.encoded()


def test_same_seed_same_requests_same_everything() -> None:
    """Two runs with a seeded plan answer the same bytes and book the same facts; another seed does not."""
    first, second, other = live(7, 1), live(7, 1), live(7, 2)
    assert first == second
    assert first[1] != other[1]
    assert 10 < len(first[2])
    assert any(fact[0] == "fill" for fact in first[1])


def test_the_order_of_requests_does_not_matter() -> None:
    """What hits a request depends on what it says and how often, not on what came between."""
    requests = [("POST", {"newClientOrderId": f"n{number % 50}"}) for number in range(100)]

    def hits(sequence: list[tuple[str, dict[str, str]]]) -> Counter[tuple[str, str | None]]:
        faults = Faults()
        faults.follow(read_plan({"seed": 5, "rate": "0.5", "kinds": ["drop_after", "unknown_before"]}))
        taken = ((params, faults.take(method, "/api/v3/order", params, KEY)) for method, params in sequence)
        return Counter((params["newClientOrderId"], fault and fault.kind.value) for params, fault in taken)

    assert hits(requests) == hits(requests[::-1])
    assert {None, "drop_after", "unknown_before"} == {kind for _, kind in hits(requests)}


def test_rate_ends_and_rows() -> None:
    """A plan hits at its rate, in rows if asked to, and ends at its time or after its count."""

    def taken(now_ms: int = 0, **given: Any) -> list[bool]:
        faults = Faults()
        faults.follow(read_plan({"seed": 1, "kinds": ["rate_limited"], **given}))
        found = (
            faults.take("GET", "/api/v3/time", {"n": str(number)}, None, now_ms) for number in range(2000)
        )
        return [fault is not None for fault in found]

    assert 160 < sum(taken(rate="0.1")) < 240
    assert not any(taken(rate="0"))
    assert all(taken(rate="1"))
    assert 5 == sum(taken(rate="1", count=5))
    assert not any(taken(1000, rate="1", until=1000))
    assert all(taken(999, rate="1", until=1000))
    rows = "".join("x" if hit else "." for hit in taken(rate="0.02", in_row=4)).split(".")
    assert all(len(row) % 4 == 0 for row in rows)
    assert any(rows)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_fits_something(kind: FaultKind) -> None:
    """A kind is for requests or for events, never both, and never for nothing."""
    targets = {target for target in Target if fits(kind, target)}
    assert targets
    assert (Target.EVENT in targets) is kind.value.startswith("stream_")
    assert Target.EVENT not in targets or len(targets) == 1


async def test_over_the_control_port(bare: Bare) -> None:
    """A plan is ordered, shown with its hits, and ended; what makes no sense is refused."""
    given = {"seed": 3, "rate": 1, "kinds": ["unknown_before"], "code": -1006, "count": 2}
    status, shown = await bare.control("POST", "/faults/plan", **given)
    assert (200, {}) == (status, shown["plan"]["hits"])
    assert [-1006, -1006, None] == [(await bare.order())[1].get("code") for _ in range(3)]
    _, shown = await bare.control("GET", "/faults/plan")
    assert {"unknown_before": 2} == shown["plan"]["hits"]
    assert {"plan": None} == (await bare.control("DELETE", "/faults/plan"))[1]
    refused: tuple[dict[str, Any], ...] = (
        {"rate": 2},
        {"rate": "NaN"},
        {"kinds": ["gremlin"]},
        {"kinds": []},
        {"seed": "x"},
        {"speed": 1},
        {"in_row": 0},
    )
    for change in refused:
        assert 400 == (await bare.control("POST", "/faults/plan", **{**given, **change}))[0]
