"""Each fault does to the client and to the order exactly what its name says."""

import asyncio
from typing import Any

import aiohttp
import pytest

from engine.paper.faults import FaultKind, Match
from engine.paper.server import PaperExchange
from tests.paper.clients import Bare


async def _exists(bare: Bare, client_order_id: str) -> bool:
    status, _ = await bare.query(origClientOrderId=client_order_id)
    return status == 200


@pytest.mark.parametrize(("kind", "exists"), [("drop_before", False), ("drop_after", True)])
async def test_drops(bare: Bare, kind: str, exists: bool) -> None:
    """The connection breaks before or after the order is processed; the next request goes through."""
    await bare.control("POST", "/faults", kind=kind, match={"method": "POST", "path": "/api/v3/order"})
    with pytest.raises(aiohttp.ClientConnectionError):
        await bare.order(newClientOrderId="a")
    assert exists is await _exists(bare, "a")
    assert 200 == (await bare.order(newClientOrderId="b"))[0]


@pytest.mark.parametrize(
    ("kind", "status", "code", "exists"),
    [
        ("unknown_before", 504, -1007, False),
        ("unknown_after", 504, -1007, True),
        ("http_5xx_before", 502, None, False),
        ("http_5xx_after", 502, None, True),
        ("html_200_after", 200, None, True),
        ("empty_200_after", 200, None, True),
        ("rate_limited", 429, -1003, False),
    ],
)
async def test_wrong_answers(bare: Bare, kind: str, status: int, code: int | None, exists: bool) -> None:
    """The answer does not tell whether the order exists; the exchange knows."""
    await bare.control("POST", "/faults", kind=kind, match={"method": "POST", "symbol": "BTCUSDT"})
    got, shown = await bare.order(newClientOrderId="a")
    assert (status, code) == (got, shown["code"] if isinstance(shown, dict) else None)
    assert ("Retry-After" in bare.headers) is (kind == "rate_limited")
    assert exists is await _exists(bare, "a")


async def test_matching_by_account_nth_and_count(bare: Bare, other: Bare) -> None:
    """A fault hits the nth matching request of an account, as often as its count says; it can be cleared."""
    match = {"method": "POST", "account": bare.key, "nth": 2, "count": 2}
    await bare.control("POST", "/faults", kind="unknown_before", match=match)
    assert [200, 504, 504, 200] == [(await bare.order())[0] for _ in range(4)]
    assert 200 == (await other.order())[0]
    await bare.control("POST", "/faults", kind="unknown_before", count=None, match={"method": "POST"})
    assert [504, 504] == [(await bare.order())[0] for _ in range(2)]
    assert [1, 2] == [rule["id"] for rule in (await bare.control("GET", "/faults"))[1]["faults"]]
    await bare.control("POST", "/faults", clear=True)
    assert 200 == (await bare.order())[0]


async def test_late_apply(bare: Bare) -> None:
    """The client gets -1007; the order is not found until the exchange's clock has come to its moment."""
    await bare.control("POST", "/clock", freeze=True)
    await bare.control("POST", "/faults", kind="late_apply", delay_s=3, match={"method": "POST"})
    assert 504 == (await bare.order(newClientOrderId="late"))[0]
    assert not await _exists(bare, "late")
    await bare.control("POST", "/clock", advance_ms=2999)
    assert not await _exists(bare, "late")
    await bare.control("POST", "/clock", advance_ms=1)
    assert await _exists(bare, "late")


@pytest.mark.parametrize(("recheck", "exists"), [(True, False), (False, True)])
async def test_late_apply_beyond_the_window(bare: Bare, recheck: bool, exists: bool) -> None:
    """Past recvWindow a late order is refused before matching, unless the fault breaks that promise too."""
    await bare.control("POST", "/clock", freeze=True)
    fault = {"kind": "late_apply", "delay_s": 20, "recheck": recheck, "answer": "drop"}
    await bare.control("POST", "/faults", **fault, match={"method": "POST"})
    with pytest.raises(aiohttp.ClientConnectionError):
        await bare.order(newClientOrderId="late")
    assert [(None, "late_apply")] == [(one["status"], one["fault"]) for one in await _requests(bare)]
    await bare.control("POST", "/clock", advance_ms=20_000)
    assert exists is await _exists(bare, "late")
    expected: list[Any] = [200] if exists else [400]
    assert expected == [one["status"] for one in await _requests(bare)]


async def test_held_request_outlives_its_client(bare: Bare) -> None:
    """A client that is gone before the answer changes nothing: what was received whole is processed."""
    await bare.control("POST", "/faults", kind="delay", delay_ms=100, match={"method": "POST"})
    order = asyncio.create_task(bare.order(newClientOrderId="a"))
    while not (await bare.control("GET", "/requests?clientOrderId=a"))[1]["requests"]:
        pass
    order.cancel()
    await asyncio.wait({order})
    async with asyncio.timeout(5):
        while not await _exists(bare, "a"):
            pass


async def test_delay_is_checked_again_before_matching(bare: Bare) -> None:
    """A request held back longer than its recvWindow is refused with -1021 and places nothing."""
    await bare.control("POST", "/faults", kind="delay", delay_ms=60, match={"method": "POST"})
    status, shown = await bare.order(newClientOrderId="slow", recvWindow="20")
    assert (400, -1021) == (status, shown["code"])
    assert not await _exists(bare, "slow")
    await bare.control("POST", "/faults", kind="delay", delay_ms=20, match={"method": "POST"})
    assert 200 == (await bare.order(newClientOrderId="slow"))[0]


async def test_faults_on_cancels_and_queries(bare: Bare) -> None:
    """A cancel can lose its answer, a query can break: any request may be hit."""
    await bare.order(newClientOrderId="a")
    await bare.control("POST", "/faults", kind="http_5xx_after", status=503, match={"method": "DELETE"})
    cancel = await bare.send("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="a")
    assert 503 == cancel[0]
    assert "CANCELED" == (await bare.query(origClientOrderId="a"))[1]["status"]
    await bare.control("POST", "/faults", kind="html_200_after", match={"client_order_id": "a"})
    assert isinstance((await bare.query(origClientOrderId="a"))[1], str)


async def test_stale_reads(bare: Bare) -> None:
    """An order that is there is answered as not found, a list as empty, as often as ordered."""
    await bare.order(newClientOrderId="a")
    await bare.control("POST", "/faults", kind="stale_read", count=2, match={"method": "GET"})
    assert not await _exists(bare, "a")
    assert (200, []) == await bare.send("GET", "/api/v3/openOrders")
    assert await _exists(bare, "a")


async def test_inside_the_process(bare: Bare, paper: PaperExchange) -> None:
    """Tests that run the exchange in their own process order faults without the control port."""
    fault = paper.fault(FaultKind.UNKNOWN_AFTER, match=Match(method="POST"))
    assert 504 == (await bare.order())[0]
    assert (1, 0) == (fault.hits, fault.count)


async def test_bad_faults_are_refused(bare: Bare) -> None:
    """An unknown kind or field is told, not ignored."""
    assert 400 == (await bare.control("POST", "/faults", kind="gremlin"))[0]
    assert 400 == (await bare.control("POST", "/faults", kind="delay", speed=3))[0]
    assert 400 == (await bare.control("POST", "/faults", match={}))[0]


async def test_sends_are_counted_per_client_order_id(bare: Bare) -> None:
    """The log shows each send, also refused and unanswered ones, with what became of it."""
    await bare.order(newClientOrderId="a", quantity="0.00001")
    await bare.control("POST", "/faults", kind="drop_before", match={"method": "POST"})
    with pytest.raises(aiohttp.ClientConnectionError):
        await bare.order(newClientOrderId="a")
    await bare.order(newClientOrderId="a")
    await bare.order(newClientOrderId="b")
    seen = await _requests(bare, clientOrderId="a", method="POST")
    assert [(400, -1013, None), (None, None, "drop_before"), (200, None, None)] == [
        (one["status"], one["code"], one["fault"]) for one in seen
    ]


async def _requests(bare: Bare, **wanted: str) -> list[dict[str, Any]]:
    _, shown = await bare.control("GET", "/requests", **wanted)
    found: list[dict[str, Any]] = shown["requests"]
    return found
