"""Garbage on real sockets: HTTP, WebSocket and the control port answer it and stay in order."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.paper.server import PaperExchange
from tests.paper.clients import KEY, SECRET, Bare, options

WAIT_S = 5
EXAMPLES = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

numbers = st.sampled_from(
    ["0", "-1", "NaN", "Infinity", "-Infinity", "1e400", "9" * 40, "0x1F", "٣", "1_000", "1.5", "", "null"]
)
words = st.one_of(
    numbers, st.sampled_from(["BTCUSDT", "BUY", "LIMIT", "GTC", "a b", "%", "%zz", "ü", "\x00"])
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**40), 10**40), st.floats(), words, st.text(max_size=6)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)

heads = st.tuples(
    st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD", "PATCH", "OPTIONS", "FOO", ""]),
    st.sampled_from(
        [
            "/api/v3/order",
            "/api/v3/order?symbol=BTCUSDT&side=%ff&timestamp=NaN",
            "/api/v3/account?timestamp=99999999999999999999&signature=zz",
            "/api/v3/exchangeInfo?symbols=[[[",
            "/api/v3/depth?symbol=BTCUSDT&limit=-5",
            "/sapi/v1/nothing",
            "/ws",
            "/ws-api/v3",
            "/stream?streams=%",
            "http://elsewhere/api/v3/time",
            "//",
            "*",
            "nonsense",
            "/" + "x" * 9000,
        ]
    ),
    st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", "", "SPDY"]),
    st.lists(
        st.sampled_from(
            [
                "Host: x",
                "X-MBX-APIKEY: " + KEY,
                "X-MBX-APIKEY: \xff\xfe",
                "Content-Length: 4",
                "Content-Length: -1",
                "Content-Length: 99999999999",
                "Content-Length: x",
                "Content-Type: multipart/form-data; boundary=a",
                "Transfer-Encoding: chunked",
                "Transfer-Encoding: gzip",
                "Content-Encoding: gzip",
                "Expect: 100-continue",
                "Expect: nothing",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Key: x",
                "Connection: close",
                "no colon",
                ": empty",
                "",
            ]
        ),
        max_size=5,
    ),
    st.one_of(
        st.binary(max_size=20), st.sampled_from([b"a=1&b=%", b"\xff\xfe", b"{}", b"5\r\nhello\r\n0\r\n\r\n"])
    ),
)


def head(parts: tuple[str, str, str, list[str], bytes]) -> bytes:
    method, target, version, lines, body = parts
    first = f"{method} {target} {version}"
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1", "replace") + body


def with_exchange(each: Callable[[PaperExchange, Bare, Any], Awaitable[None]], strategy: Any) -> None:
    """Run examples against one exchange, which has to be sound at the end."""
    with asyncio.Runner() as runner:
        paper = PaperExchange(options())
        runner.run(paper.__aenter__())
        session = runner.run(_session())

        @EXAMPLES
        @given(strategy)
        def examples(example: Any) -> None:
            runner.run(each(paper, Bare(paper, session, KEY, SECRET), example))

        try:
            examples()
            assert [] == paper.oracle.differences(paper.matching)
            assert [] == paper.rest.crashes
        finally:
            runner.run(session.close())
            runner.run(paper.__aexit__(None, None, None))


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_S))


async def _raw(port: int, sent: bytes) -> bytes:
    """Send bytes, say that nothing more comes, and read what comes back until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), WAIT_S)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def test_any_bytes_over_http() -> None:
    """Broken requests get an answer below 500 or a closed connection, and the next client is served."""

    async def each(paper: PaperExchange, bare: Bare, parts: Any) -> None:
        answer = await _raw(paper.port, parts if isinstance(parts, bytes) else head(parts))
        for line in answer.split(b"HTTP/1.1 ")[1:]:
            assert int(line[:3]) < 500, answer
        assert (200, {}) == await bare.raw("GET", "/api/v3/ping")

    with_exchange(each, st.one_of(heads, heads, st.binary(max_size=200)))


def test_bodies_too_large() -> None:
    """A body beyond a megabyte is refused with 413 before it is read, an endless head is cut off."""

    async def run() -> None:
        async with PaperExchange(options()) as paper:
            answer = await _raw(
                paper.port, b"POST /api/v3/order HTTP/1.1\r\nContent-Length: 9000000\r\n\r\nabc"
            )
            assert answer.startswith(b"HTTP/1.1 413")
            assert b'"code":-1101' in answer
            endless = await _raw(paper.port, b"GET /" + b"x" * 200_000)
            assert b"HTTP/1.1 200" not in endless
            chunked = b"POST /api/v3/order HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
            answer = await _raw(paper.port, chunked + chunk * 40 + b"0\r\n\r\n")
            # Whoever still sends may lose the answer to the reset of the connection.
            assert answer == b"" or b" 413 " in answer.splitlines()[0]

    asyncio.run(run())


async def test_parts_and_pipelines(paper: PaperExchange) -> None:
    """A request may come byte by byte, and several at once: each is answered, in order."""
    reader, writer = await asyncio.open_connection("127.0.0.1", paper.port)
    request = b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"
    for place in range(len(request)):
        writer.write(request[place : place + 1])
        await writer.drain()
    assert b"200" in await reader.readuntil(b"\r\n\r\n{}")
    writer.write(request + b"GET /no HTTP/1.1\r\n\r\n" + request.replace(b"GET", b"HEAD") + request)
    found = [await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_S) for _ in range(4)]
    # The second answer's body stands before the third head.
    assert [b"200", b"404", b"404", b"200"] == [one.split(b"HTTP/1.1 ")[1][:3] for one in found]
    writer.close()


METHODS = [
    "ping",
    "time",
    "order.place",
    "order.cancel",
    "order.status",
    "order.cancelReplace",
    "account.status",
    "klines",
    "userDataStream.subscribe.signature",
    "userDataStream.unsubscribe",
    "session.status",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST_SUBSCRIPTIONS",
    "SET_PROPERTY",
    "nothing",
]
NAMES = [
    "symbol",
    "side",
    "type",
    "quantity",
    "price",
    "timestamp",
    "apiKey",
    "signature",
    "recvWindow",
    "id",
]
messages = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "id": values,
            "method": st.one_of(st.sampled_from(METHODS), values),
            "params": st.one_of(st.dictionaries(st.sampled_from(NAMES), values, max_size=6), values),
        },
    ).map(json.dumps),
    values.map(json.dumps),
    st.sampled_from(["", "{", "[" * 5000, '{"id":' * 3000, "\x00", "nul"]),
    st.binary(max_size=20),
)


def test_any_message_on_the_ws_api() -> None:
    """Each text message, whatever is in it, gets one answer with a negative code or a result."""

    async def each(paper: PaperExchange, bare: Bare, message: Any) -> None:
        async with bare.session.ws_connect(f"{paper.ws_url}/ws-api/v3") as socket:
            await _send(socket, message)
            await socket.send_str('{"id": "last", "method": "ping"}')
            answers = [await _receive(socket)]
            while answers[-1].get("id") != "last":
                answers.append(await _receive(socket))
            for answer in answers[:-1]:
                assert answer["status"] < 500
                assert answer["status"] == 200 or answer["error"]["code"] < 0

    with_exchange(each, messages)


def test_any_message_on_the_market_streams() -> None:
    """A market stream answers garbage with an error and goes on."""

    async def each(paper: PaperExchange, bare: Bare, message: Any) -> None:
        async with bare.session.ws_connect(f"{paper.ws_url}/ws") as socket:
            await _send(socket, message)
            await socket.send_str('{"id": 77, "method": "LIST_SUBSCRIPTIONS"}')
            while (await _receive(socket)).get("id") != 77:
                pass

    with_exchange(each, messages)


async def _send(socket: aiohttp.ClientWebSocketResponse, message: str | bytes) -> None:
    if isinstance(message, str):
        await socket.send_str(message)
    else:
        await socket.send_bytes(message)


async def _receive(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    shown: dict[str, Any] = await socket.receive_json(timeout=WAIT_S)
    return shown


PLACES = [
    ("POST", "/clock", ["skew_ms", "freeze", "advance_ms"]),
    ("POST", "/faults", ["kind", "match", "count", "delay_s", "status", "code", "parts", "asset", "x"]),
    ("POST", "/faults/plan", ["seed", "rate", "kinds", "until", "count", "in_row", "x"]),
    ("DELETE", "/faults", ["id"]),
    ("GET", "/oracle", ["account", "orders"]),
    ("POST", "/accounts", ["key", "secret", "deposits", "maker_rate", "taker_rate", "fee_asset"]),
    ("POST", "/deposit", ["account", "asset", "amount"]),
    ("POST", "/withdraw", ["account", "asset", "amount"]),
    ("POST", "/market", ["symbol", "bid", "ask", "depth", "unpin"]),
    ("POST", "/streams", ["cut", "kick", "terminate"]),
    ("POST", "/maintenance", ["on"]),
    ("POST", "/order", ["account", "symbol", "side", "type", "quantity", "price", "timeInForce"]),
    ("POST", "/cancel", ["account", "symbol", "orderId"]),
    ("POST", "/fill", ["account", "symbol", "orderId", "origClientOrderId", "parts", "fee_asset"]),
    ("GET", "/requests", ["clientOrderId", "account"]),
    ("POST", "/step", ["x"]),
    ("PATCH", "/nothing", ["x"]),
]
SENSIBLE: dict[str, list[Any]] = {
    "account": [KEY],
    "key": [KEY, "new-key"],
    "secret": ["s"],
    "symbol": ["BTCUSDT", "ETHBTC"],
    "asset": ["USDT", "BNB"],
    "amount": ["1", "0.00000001"],
    "kind": ["delay", "late_apply", "rate_limited"],
    "kinds": [["drop_before"]],
    "rate": ["0.5"],
    "seed": [1],
    "side": ["BUY", "SELL"],
    "type": ["LIMIT", "MARKET"],
    "timeInForce": ["GTC"],
    "quantity": ["0.01"],
    "price": ["59000", "61000"],
    "bid": ["100"],
    "ask": ["101"],
    "fee_asset": ["BNB", None],
    "on": [False],
    "freeze": [True, False],
}


def bodies(place: tuple[str, str, list[str]]) -> st.SearchStrategy[tuple[str, str, bytes]]:
    method, path, names = place
    fields = {
        name: st.one_of(st.sampled_from(SENSIBLE[name]), values) if name in SENSIBLE else values
        for name in names
    }
    body = st.one_of(
        st.fixed_dictionaries({}, optional=fields).map(json.dumps),
        values.map(json.dumps),
        st.sampled_from(["{", "[" * 5000, "", '{"a": NaN}']),
    )
    return body.map(lambda text: (method, path, text.encode()))


def test_anything_on_the_control_port() -> None:
    """The control port answers 200, 400 or 404 to whatever it is told, and the books still agree."""

    async def each(paper: PaperExchange, bare: Bare, given: tuple[str, str, bytes]) -> None:
        method, path, body = given
        url = paper.control_url + path
        async with bare.session.request(method, url, data=body) as response:
            assert response.status in {200, 400, 404}, (given, await response.text())
            shown = await response.json()
            assert response.status == 200 or shown["error"]
        assert [] == paper.oracle.differences(paper.matching)

    with_exchange(each, st.sampled_from(PLACES).flatmap(bodies))
