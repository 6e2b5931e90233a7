"""The issuer's keys: how often they are asked for, how long they stand, and what is no key set."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from engine.api.jwks import BYTES_MAX, Jwks, over_http, read_keys
from engine.domain.errors import ErrorCode, HoldfastError
from engine.runtime.clock import Clock
from tests.api.issuer import EC_KEY, jwks, public


class Issuer:
    """Counts how often it is asked; answers what a test puts."""

    def __init__(self) -> None:
        self.body: bytes | None = jwks()
        self.asked = 0

    async def fetch(self) -> bytes:
        self.asked += 1
        if self.body is None:
            raise ConnectionResetError
        return self.body


async def test_keys_are_asked_for_rarely() -> None:
    """A known id costs one fetch in ten minutes; unknown ids, however many, one in a quarter of a minute."""
    issuer, clock = Issuer(), Clock()
    keys = Jwks(issuer.fetch, clock.monotonic)
    for _ in range(5):
        assert await keys.key("ec-1") is not None
    for number in range(50):
        assert await keys.key(f"unknown-{number}") is None
    assert 1 == issuer.asked
    clock.advance(16)
    await keys.key("unknown")
    assert 2 == issuer.asked
    clock.advance(601)
    assert await keys.key("ec-1") is not None
    assert 3 == issuer.asked


async def test_a_new_key_is_found_and_a_withdrawn_one_is_gone() -> None:
    """The issuer rotates: the new id works soon, and the old one no longer after the next fetch."""
    issuer, clock = Issuer(), Clock()
    keys = Jwks(issuer.fetch, clock.monotonic)
    assert await keys.key("ec-1") is not None
    issuer.body = json.dumps({"keys": [public("ES256", EC_KEY, "ec-2")]}).encode()
    clock.advance(16)
    assert await keys.key("ec-2") is not None
    assert await keys.key("ec-1") is None


async def test_an_issuer_that_is_away_keeps_its_keys_for_an_hour() -> None:
    """Old keys stand while it does not answer; without any, or after an hour, the answer is retryable."""
    issuer, clock = Issuer(), Clock()
    keys = Jwks(issuer.fetch, clock.monotonic)
    await keys.key("ec-1")
    issuer.body = None
    clock.advance(3_000)
    assert await keys.key("ec-1") is not None
    clock.advance(700)
    with pytest.raises(HoldfastError) as caught:
        await keys.key("ec-1")
    assert ErrorCode.IDENTITY_UNAVAILABLE is caught.value.code
    assert caught.value.explanation.retryable


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"keys": {}}',
        b'{"keys": ' + json.dumps([{"kid": str(number)} for number in range(33)]).encode() + b"}",
        b" " * (BYTES_MAX + 1),
        jwks(public("ES256", EC_KEY, "ec-1")),
    ],
)
def test_what_is_no_key_set_is_refused(body: bytes) -> None:
    """Nothing, another form, too many keys, too many bytes, one id twice: the old keys stand."""
    with pytest.raises(ValueError):  # noqa: PT011 - json's own and ours
        read_keys(body)


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/away":
            return web.Response(status=302, headers={"Location": "/jwks"})
        if request.path == "/huge":
            return web.Response(body=b" " * (BYTES_MAX + 1))
        return web.Response(body=jwks())

    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_keys_come_over_http_within_bounds(origin: str) -> None:
    """A key set is read; a redirect is not followed, and one without end is not read to it."""
    assert {"ec-1", "rsa-1"} == set(read_keys(await over_http(f"{origin}/jwks")()))
    for path in ("/away", "/huge"):
        with pytest.raises(ValueError, match=r"did not answer|too large"):
            await over_http(f"{origin}{path}")()
