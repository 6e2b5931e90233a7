"""Events that come twice, in the wrong order, never, and connections that fall silent or end."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.paper.clients import Bare

WAIT_S = 5
REPORT = {"event": "executionReport"}


class Socket:
    """A subscribed connection that reads reports as (client order id, kind)."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def event(self) -> dict[str, Any]:
        """Read the next event of the account that is no balance."""
        while True:
            shown: dict[str, Any] = (await self.socket.receive_json(timeout=WAIT_S))["event"]
            if shown["e"] != "outboundAccountPosition":
                return shown

    async def report(self) -> str:
        return str((await self.event())["c"])


@pytest.fixture
async def stream(bare: Bare) -> AsyncIterator[Socket]:
    async with bare.session.ws_connect(f"{bare.paper.ws_url}/ws-api/v3") as socket:
        await socket.send_json(bare.ws_subscription(1))
        await socket.receive_json(timeout=WAIT_S)
        yield Socket(socket)


async def test_a_duplicated_event(bare: Bare, stream: Socket) -> None:
    """One report comes twice, the same in every field; the next comes once."""
    await bare.control("POST", "/faults", kind="stream_duplicate", match=REPORT)
    await bare.order(newClientOrderId="a")
    await bare.order(newClientOrderId="b")
    assert await stream.event() == await stream.event()
    assert "b" == await stream.report()


async def test_reordered_events(bare: Bare, stream: Socket) -> None:
    """An event is overtaken by the next one of its connection."""
    await bare.control("POST", "/faults", kind="stream_reorder", match={**REPORT, "client_order_id": "b"})
    await bare.order(newClientOrderId="a")
    assert "a" == await stream.report()
    await bare.order(newClientOrderId="b")
    shown = [(await stream.socket.receive_json(timeout=WAIT_S))["event"]["e"] for _ in range(3)]
    assert ["outboundAccountPosition", "outboundAccountPosition", "executionReport"] == shown


async def test_a_missing_event(bare: Bare, stream: Socket) -> None:
    """One report never comes; those around it do."""
    await bare.control("POST", "/faults", kind="stream_missing", match={**REPORT, "nth": 2})
    for name in "abc":
        await bare.order(newClientOrderId=name)
    assert ["a", "c"] == [await stream.report(), await stream.report()]


async def test_a_silent_stream(bare: Bare, stream: Socket) -> None:
    """The connection stays open and answers pings of the protocol, but tells nothing any more."""
    await bare.control("POST", "/faults", kind="stream_silent", match={"account": bare.key})
    await bare.order(newClientOrderId="a")
    await stream.socket.send_json({"id": 9, "method": "ping"})
    await stream.socket.ping()
    with pytest.raises(TimeoutError):
        await stream.socket.receive_json(timeout=0.1)
    assert not stream.socket.closed


async def test_terminated_without_closing(bare: Bare, stream: Socket) -> None:
    """The subscription ends with its farewell, the connection lives and can subscribe again."""
    await bare.control("POST", "/faults", kind="stream_terminated", match=REPORT)
    await bare.order(newClientOrderId="a")
    assert "eventStreamTerminated" == (await stream.event())["e"]
    await bare.order(newClientOrderId="b")
    await stream.socket.send_json(bare.ws_subscription(2))
    assert 200 == (await stream.socket.receive_json(timeout=WAIT_S))["status"]
    await bare.order(newClientOrderId="c")
    assert "c" == await stream.report()


async def test_kicked(bare: Bare, stream: Socket) -> None:
    """The exchange throws the client out with a close frame, by a fault or at once by order."""
    await bare.control("POST", "/faults", kind="stream_kicked", match=REPORT)
    await bare.order()
    await _closed(stream.socket)
    url = f"{bare.paper.ws_url}/stream?streams=btcusdt@trade"
    async with bare.session.ws_connect(url) as socket:
        await bare.paper.market_streams.subscribed("btcusdt@trade")
        await bare.control("POST", "/streams", kick=True)
        await _closed(socket)


async def _closed(socket: aiohttp.ClientWebSocketResponse) -> None:
    while (message := await socket.receive(timeout=WAIT_S)).type is aiohttp.WSMsgType.TEXT:
        pass
    assert (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.POLICY_VIOLATION) == (message.type, message.data)


async def test_faults_on_public_streams(bare: Bare) -> None:
    """Trades can be missing and doubled as well; one symbol's fault leaves the others alone."""
    await bare.control(
        "POST", "/faults", kind="stream_missing", match={"event": "trade", "symbol": "BTCUSDT"}
    )
    await bare.control("POST", "/faults", kind="stream_duplicate", match={"event": "trade"})
    async with bare.session.ws_connect(f"{bare.paper.ws_url}/ws/btcusdt@trade") as socket:
        await bare.paper.market_streams.subscribed("btcusdt@trade")
        for quantity in ("0.1", "0.2", "0.3"):
            await bare.market("BUY", quantity)
        seen = [(await socket.receive_json(timeout=WAIT_S))["q"] for _ in range(3)]
    assert ["0.20000000", "0.20000000", "0.30000000"] == seen
