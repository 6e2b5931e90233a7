"""Plain and less plain HTTP on one connection: order of answers, bodies in chunks, other protocols."""

import asyncio

import pytest

from engine.paper.faults import FaultKind, Match
from engine.paper.server import PaperExchange

WAIT_S = 5
PING = b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"
TIME = b"GET /api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = PING.replace(b"Host: x", b"Connection: close")
WEBSOCKET = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def _all(paper: PaperExchange, sent: bytes) -> bytes:
    """Send bytes and read until the exchange closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", paper.port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), WAIT_S)
    finally:
        writer.close()


async def test_requests_behind_a_held_answer(paper: PaperExchange) -> None:
    """What was sent behind a request that a fault holds back is answered after it, in order."""
    paper.fault(FaultKind.DELAY, match=Match(path="/api/v3/time"), delay_ms=30)
    answer = await _all(paper, TIME + PING + b"GET /no HTTP/1.1\r\n\r\n" + LAST + PING)
    statuses = [one[:3] for one in answer.split(b"HTTP/1.1 ")[1:]]
    assert [b"200", b"200", b"404", b"200"] == statuses
    assert answer.index(b"serverTime") < answer.index(b"Path not found")


async def test_websocket_behind_a_held_answer(paper: PaperExchange) -> None:
    """A handshake waits for the answers before it, then the connection is a WebSocket's."""
    paper.fault(FaultKind.DELAY, match=Match(path="/api/v3/time"), delay_ms=30)
    reader, writer = await asyncio.open_connection("127.0.0.1", paper.port)
    # A masked text frame, with a mask of zeros, right behind the handshake.
    message = b'{"id":7,"method":"LIST_SUBSCRIPTIONS"}'
    frame = b"\x81" + bytes([0x80 | len(message)]) + bytes(4) + message
    writer.write(TIME + WEBSOCKET + frame)
    async with asyncio.timeout(WAIT_S):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert b"serverTime" in await reader.readuntil(b"}")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        assert b'"id":7' in await reader.readuntil(b"}")
    writer.close()


@pytest.mark.parametrize(
    "headers",
    [
        b"Transfer-Encoding: chunked\r\n\r\n7\r\nsymbol=\r\n7\r\nBTCUSDT\r\n0\r\n\r\n",
        b"Content-Length: 14\r\n\r\nsymbol=BTCUSDT",
        b"Content-Length: 14\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nsymbol=BTCUSDT",
    ],
    ids=["chunked", "plain", "asks for HTTP/2"],
)
async def test_bodies(paper: PaperExchange, headers: bytes) -> None:
    """A body is read in one piece, in chunks, and of a client that would rather speak HTTP/2."""
    reader, writer = await asyncio.open_connection("127.0.0.1", paper.port)
    writer.write(b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\n" + headers)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_S)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 401"), answer
    assert ["BTCUSDT"] == [noted["symbol"] for noted in paper.rest.requests]


async def test_expect(paper: PaperExchange) -> None:
    """A client that asks whether it may send its body is told to go on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", paper.port)
    writer.write(b"POST /no HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    async with asyncio.timeout(WAIT_S):
        assert b"HTTP/1.1 100 Continue\r\n\r\n" == await reader.readuntil(b"\r\n\r\n")
        writer.write(b"a=1")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 404")
    writer.close()


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
async def test_garbage(paper: PaperExchange, sent: bytes) -> None:
    """What is not HTTP is answered with 400 behind the answers before it, and the connection ends."""
    answer = await _all(paper, PING + sent + PING)
    assert [b"200", b"400"] == [one[:3] for one in answer.split(b"HTTP/1.1 ")[1:]]
