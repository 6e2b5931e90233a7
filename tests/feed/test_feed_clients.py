"""Who may listen, and what becomes of those who do not read: nobody else waits for them."""

import asyncio
import base64
import socket as sockets
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import uuid4

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from engine.api.tickets import LIFETIME_S, Tickets
from engine.ledger import feed
from engine.runtime.clock import Clock
from engine.runtime.secrets import Vault
from tests.feed.rig import VAULT, WAIT_S, Instance, Rig, bearer, frame, frames_to, key_of, met, socket
from tests.sql.capital.world import OPERATOR, call


async def refused(instance: Instance, rig: Rig, query: str) -> int:
    """The status that a WebSocket handshake is answered with."""
    with pytest.raises(InvalidStatus) as caught:
        async with socket(instance, rig.one, query):
            pass
    return caught.value.response.status_code


async def deaf(instance: Instance, rig: Rig, *, sse: bool = False) -> sockets.socket:
    """A client that asks for the whole history and never reads."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    raw.connect(("127.0.0.1", instance.server.port))
    upgrade = "" if sse else (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )  # fmt: skip
    last = await rig.last_seq()
    raw.sendall(
        f"GET /v1/feed?epoch=1&since_seq={last} HTTP/1.1\r\nHost: x\r\n{upgrade}"
        f"Authorization: Bearer {key_of(rig.one)}\r\n\r\n".encode()
    )
    return raw


def ended(stuck: sockets.socket) -> bool:
    """Read what is left of a connection and tell whether it has an end."""
    try:
        while stuck.recv(65_536):
            pass
    except ConnectionResetError:
        pass
    return True


async def test_without_a_key_there_is_no_feed(rig: Rig) -> None:
    """No header, a wrong key and a wrong ticket get 401 as a problem, on both transports."""
    instance = await rig.instance()
    async with aiohttp.ClientSession() as http:
        for headers, query in (
            ({}, ""), ({"Authorization": "Bearer wrong"}, ""), ({}, "?ticket=wrong"), ({}, "?ticket=%C3%A9"),
        ):  # fmt: skip
            async with http.get(f"{instance.origin}/v1/feed{query}", headers=headers) as response:
                assert (401, "UNAUTHORIZED") == (response.status, (await response.json())["code"])
    with pytest.raises(InvalidStatus) as caught:
        async with socket(instance, None):
            pass
    assert 401 == caught.value.response.status_code
    assert b'"code":"UNAUTHORIZED"' in bytes(caught.value.response.body or b"")


async def test_foreign_profile_is_refused_counted_and_audited(rig: Rig) -> None:
    """Another tenant's profile is not found, and leaves a count and an audit row; a typo leaves none."""
    instance = await rig.instance()
    assert 404 == await refused(instance, rig, f"profile={uuid4()}")
    assert 404 == await refused(instance, rig, "profile=nobodys")
    await instance.intrusions.turn(instance.ledger)
    labels = {"tenant": str(rig.one.id), "module": "GET /v1/feed"}
    count = ("cross_tenant_access_attempts_total", labels)
    assert 0 == instance.value(count[0], **count[1])
    assert 404 == await refused(instance, rig, f"profile={rig.other.profile}")
    async with (
        aiohttp.ClientSession() as http,
        http.get(
            f"{instance.origin}/v1/feed?profile={rig.other.profile}", headers=bearer(rig.one)
        ) as response,
    ):
        assert (404, "NOT_FOUND") == (response.status, (await response.json())["code"])
    await instance.intrusions.turn(instance.ledger)
    assert 2 == instance.value(count[0], **count[1])
    admin = await rig.database.admin()
    rows = await admin.fetch(
        "SELECT tenant_id, actor, detail FROM engine.audit WHERE action = $1", labels["module"]
    )
    assert [(rig.one.id, f"robot:{rig.one.robot}")] * 2 == [(row["tenant_id"], row["actor"]) for row in rows]
    assert all(str(rig.other.profile) in row["detail"] for row in rows)


@pytest.mark.parametrize(
    "query",
    ["since_seq=1", "epoch=1", "epoch=x&since_seq=1", "epoch=1&since_seq=-1", "epoch=1&since_seq=1e3",
     "epoch=1&since_seq=9999999999999999999999", "&".join(["profile=profile"] * 65)],
)  # fmt: skip
async def test_what_is_no_position_is_a_bad_request(rig: Rig, query: str) -> None:
    """Half a position, one that is no number, and too many profiles are refused with 400."""
    instance = await rig.instance()
    assert 400 == await refused(instance, rig, query)


async def test_ticket_opens_the_feed_for_a_minute(rig: Rig) -> None:
    """A ticket stands for the header; it is no key, expires, and opens for nobody else's master key."""
    instance = await rig.instance()
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{instance.origin}/v1/feed/tickets") as response:
            assert 401 == response.status
        async with http.post(f"{instance.origin}/v1/feed/tickets", headers=bearer(rig.one)) as response:
            made = await response.json()
            assert (201, "no-store") == (response.status, response.headers["Cache-Control"])
    assert key_of(rig.one) not in made["ticket"]
    async with socket(instance, None, f"ticket={made['ticket']}") as opened:
        assert "snapshot" == (await frame(opened))["kind"]
    instance.clock.advance(LIFETIME_S)
    with pytest.raises(InvalidStatus):
        async with socket(instance, None, f"ticket={made['ticket']}"):
            pass
    foreign, until = Tickets(Vault(b"x" * 32), Clock()).seal(f"Bearer {key_of(rig.one)}")
    assert until - Clock().now() <= timedelta(seconds=LIFETIME_S)
    with pytest.raises(InvalidStatus):
        async with socket(instance, None, f"ticket={foreign}"):
            pass
    held = {"for": f"Bearer {key_of(rig.one)}", "until": "2999-01-01T00:00:00+00:00"}
    credentials = VAULT.encrypt(held, rig.one.id, rig.one.account)
    with pytest.raises(InvalidStatus):
        async with socket(instance, None, f"ticket={base64.urlsafe_b64encode(credentials).decode()}"):
            pass


async def test_a_robot_s_last_connection_is_told(rig: Rig) -> None:
    """When a robot's last feed connection has ended, and not before, its dead-man's switch is asked."""
    instance = await rig.instance()
    async with socket(instance, rig.one) as first:
        await frame(first)
        async with socket(instance, rig.one) as second:
            await frame(second)
        await met(lambda: 1 == instance.value("feed_clients", transport="websocket"))
        assert [] == instance.gone
    await met(lambda: instance.gone)
    assert [(rig.one.id, rig.one.robot)] == instance.gone


async def test_revoked_key_ends_its_feed(rig: Rig) -> None:
    """A client whose key is revoked while it listens is disconnected, and not let in again."""
    instance = await rig.instance()
    async with socket(instance, rig.one) as opened:
        await frame(opened)
        await call(rig.conn, "fn_revoke_robot_key", rig.one.id, rig.one.key, OPERATOR)
        instance.clock.advance(10)  # what the key ring remembers is over
        revoked, told = await frame(opened), await frame(opened)
        with pytest.raises(ConnectionClosed) as closed:
            await opened.recv()
    assert "robot.key_revoked" == revoked["type"]
    assert closed.value.rcvd is not None
    assert ("closing", "unauthorized", 4401) == (told["kind"], told["reason"], closed.value.rcvd.code)
    assert 401 == await refused(instance, rig, "")


async def test_no_more_clients_than_allowed(rig: Rig) -> None:
    """The client above the limit gets BUSY; when one leaves there is room again."""
    instance = await rig.instance(clients_max=1)
    async with socket(instance, rig.one) as opened:
        await frame(opened)
        assert 1 == instance.value("feed_clients", transport="websocket")
        assert 503 == await refused(instance, rig, "")
    await met(lambda: instance.value("feed_clients", transport="websocket") == 0)
    async with socket(instance, rig.one) as opened:
        assert "snapshot" == (await frame(opened))["kind"]


async def test_quiet_feed_beats(rig: Rig) -> None:
    """A feed with nothing to tell says so again and again, with the seq it has reached."""
    instance = await rig.instance(heartbeat_s=0.1)
    async with socket(instance, rig.one) as opened:
        at = (await frame(opened))["seq"]
        beats = [await frame(opened) for _ in range(2)]
    assert [("heartbeat", at, 1)] * 2 == [(each["kind"], each["seq"], each["epoch"]) for each in beats]


@pytest.mark.parametrize("sse", [False, True], ids=["websocket", "sse"])
async def test_a_client_that_never_reads_is_dropped_and_delays_nobody(rig: Rig, *, sse: bool) -> None:
    """Its queue fills, it is cut off, its memory goes; the client beside it misses nothing."""
    instance = await rig.instance(queue_events_max=100)
    transport = "sse" if sse else "websocket"
    stuck = await deaf(instance, rig, sse=sse)
    try:
        await met(lambda: instance.value("feed_clients", transport=transport) == 1)
        async with socket(instance, rig.one) as opened:
            at = (await frame(opened))["seq"]
            told, seen = 0, []
            while instance.value("feed_client_drops_total", reason="slow") == 0:
                await rig.facts(90)
                told += 90
                seen += [each["seq"] for each in await frames_to(opened, at + told)]
            assert list(range(at + 1, at + told + 1)) == seen
            await met(lambda: instance.value("feed_clients", transport=transport) == (0 if sse else 1))
        stuck.settimeout(WAIT_S)
        assert ended(stuck)
    finally:
        stuck.close()


async def test_clients_that_begin_leave_connections_to_orders(rig: Rig) -> None:
    """However many come at once, two of them read at a time; the others wait, and then get their snapshot."""
    instance = await rig.instance()
    async with instance.hub.reading, instance.hub.reading, AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(socket(instance, rig.one)) for _ in range(20)]
        coming = [asyncio.ensure_future(frame(each)) for each in opened]
        await met(lambda: instance.value("feed_clients", transport="websocket") == 20)
        assert 1 == (await feed.read(instance.ledger, rig.one.id, 0, 1, ())).epoch  # anybody else is served
        assert not any(each.done() for each in coming)
        instance.hub.reading.release()
        assert {"snapshot"} == {each["kind"] for each in await asyncio.gather(*coming)}
        await instance.hub.reading.acquire()


async def test_a_client_that_reads_too_slowly_is_told_to_resync(rig: Rig) -> None:
    """More events at once than its queue holds: resync_required, the seq it had, and the end."""
    instance = await rig.instance(queue_events_max=10)
    async with socket(instance, rig.one) as opened:
        at = (await frame(opened))["seq"]
        await rig.facts(40)
        told = await frame(opened)
        with pytest.raises(ConnectionClosed):
            await opened.recv()
    assert ("resync_required", "slow", at) == (told["kind"], told["reason"], told["seq"])
    async with socket(instance, rig.one, f"epoch=1&since_seq={at}") as opened:
        assert list(range(at + 1, at + 41)) == [each["seq"] for each in await frames_to(opened, at + 40)]


async def test_what_a_client_says_is_not_listened_to(rig: Rig) -> None:
    """Messages of a client change nothing; one that is too large ends the connection."""
    instance = await rig.instance()
    async with socket(instance, rig.one) as opened:
        at = (await frame(opened))["seq"]
        for _ in range(20):
            await opened.send('{"subscribe": "everything"}')
        await rig.facts(1)
        assert [at + 1] == [each["seq"] for each in await frames_to(opened, at + 1)]
        await opened.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            await opened.recv()
