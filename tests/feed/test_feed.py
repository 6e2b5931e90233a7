"""The feed over WebSocket and SSE: snapshot, events, resume, and the same JSON on both."""

import asyncio
import json
from contextlib import AsyncExitStack
from uuid import uuid4

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed

from tests.feed.rig import Rig, bearer, frame, frames_to, met, server_events, socket
from tests.sql.capital.trading import order_item
from tests.sql.capital.world import OPERATOR, call


async def test_snapshot_then_events_with_growing_seq(rig: Rig) -> None:
    """A new client gets the state with its seq, then every event after it, without a gap."""
    instance = await rig.instance()
    await rig.allocate("1000")
    async with socket(instance, rig.one) as opened:
        snapshot = await frame(opened)
        assert ("snapshot", 1) == (snapshot["kind"], snapshot["epoch"])
        assert "1000" == snapshot["capital"][0]["available"]
        assert ["profile"] == [each["name"] for each in snapshot["profiles"]]
        assert ([], []) == (snapshot["positions"], snapshot["orders"])
        await rig.facts(3)
        events = await frames_to(opened, snapshot["seq"] + 3)
    assert [snapshot["seq"] + n for n in (1, 2, 3)] == [each["seq"] for each in events]
    assert {"capital.allocated"} == {each["type"] for each in events}
    assert {str(rig.one.profile)} == {each["profile_id"] for each in events}


async def test_sse_tells_the_same_json(rig: Rig) -> None:
    """Server-sent events carry the frames of the WebSocket word for word, and their position as id."""
    instance = await rig.instance()
    last = await rig.last_seq()
    query = f"epoch=1&since_seq={last}"
    async with (
        aiohttp.ClientSession() as http,
        socket(instance, rig.one, query) as opened,
        http.get(f"{instance.origin}/v1/feed?{query}", headers=bearer(rig.one)) as response,
    ):
        assert (200, "text/event-stream") == (response.status, response.content_type)
        await rig.facts(2)
        events = server_events(response)
        retry = await anext(events)
        streamed = [await anext(events), await anext(events)]
        told = await frames_to(opened, last + 2)
    assert {"retry": "1000"} == retry
    assert told == [json.loads(each["data"]) for each in streamed]
    assert [("event", f"1:{last + 1}"), ("event", f"1:{last + 2}")] == [
        (each["event"], each["id"]) for each in streamed
    ]


async def test_resume_over_a_restart_has_no_gap_and_no_duplicate(rig: Rig) -> None:
    """What happened between two connections, also while no instance ran, comes from the database once."""
    first = await rig.instance()
    async with socket(first, rig.one) as opened:
        at = (await frame(opened))["seq"]
        await rig.facts(2)
        seen = [each["seq"] for each in await frames_to(opened, at + 2)]
    await rig.stop(first)
    await rig.facts(1_200)  # more than two pages
    second = await rig.instance()
    async with socket(second, rig.one, f"epoch=1&since_seq={seen[-1]}") as opened:
        seen += [each["seq"] for each in await frames_to(opened, at + 1_202)]
        await rig.facts(1)
        seen += [each["seq"] for each in await frames_to(opened, at + 1_203)]
    assert list(range(at + 1, at + 1_204)) == seen


async def test_browser_resumes_by_its_last_event_id(rig: Rig) -> None:
    """Last-Event-ID wins over the address, which a browser repeats as it first was."""
    instance = await rig.instance()
    await rig.facts(5)
    last = await rig.last_seq()
    headers = bearer(rig.one) | {"Last-Event-ID": f"1:{last - 1}"}
    url = f"{instance.origin}/v1/feed?epoch=1&since_seq=0"
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as response:
        events = server_events(response)
        await anext(events)
        assert f"1:{last}" == (await anext(events))["id"]


@pytest.mark.parametrize(
    ("query", "reason"), [("epoch=7&since_seq=0", "epoch"), ("epoch=1&since_seq=99999", "ahead")]
)
async def test_a_position_of_another_history_is_told(rig: Rig, query: str, reason: str) -> None:
    """Another epoch, or a seq that does not exist yet, gets resync_required and the connection's end."""
    instance = await rig.instance()
    async with socket(instance, rig.one, query) as opened:
        told = await frame(opened)
        with pytest.raises(ConnectionClosed) as closed:
            await opened.recv()
    assert ("resync_required", reason) == (told["kind"], told["reason"])
    assert closed.value.rcvd is not None
    assert 4409 == closed.value.rcvd.code


async def test_sse_of_another_history_makes_a_browser_begin_anew(rig: Rig) -> None:
    """The last event has an empty id, so that the browser comes back without a position; then it ends."""
    instance = await rig.instance()
    url = f"{instance.origin}/v1/feed?epoch=7&since_seq=0"
    async with aiohttp.ClientSession() as http, http.get(url, headers=bearer(rig.one)) as response:
        told = [each async for each in server_events(response)]
    assert [("resync_required", "")] == [(each["event"], each["id"]) for each in told[1:]]


async def test_new_epoch_ends_those_who_listen(rig: Rig) -> None:
    """Whoever listens when a new epoch begins is told to take a new snapshot."""
    instance = await rig.instance()
    async with socket(instance, rig.one) as opened:
        await frame(opened)
        await call(rig.conn, "fn_start_epoch", rig.one.id, OPERATOR, "restored")
        await rig.facts(1)
        told = await frame(opened)
    assert ("resync_required", "epoch") == (told["kind"], told["reason"])
    async with socket(instance, rig.one) as opened:
        assert 2 == (await frame(opened))["epoch"]


async def test_chosen_profiles_only(rig: Rig) -> None:
    """With profiles named, by name or id, only theirs come; the heartbeat tells how far was looked."""
    instance = await rig.instance(heartbeat_s=0.1)
    second = await rig.one.add_profile(rig.conn, uuid4(), "second")
    async with socket(instance, rig.one, "profile=second") as opened:
        snapshot = await frame(opened)
        assert [str(second)] == [each["profile_id"] for each in snapshot["profiles"]]
        await rig.facts(3)
        await rig.facts(1, profile=second)
        await rig.facts(2)
        at = snapshot["seq"]
        (event,) = await frames_to(opened, at + 4)
        beat = await frame(opened)
        while beat["seq"] < at + 6:
            beat = await frame(opened)
    assert ("event", str(second), at + 4) == (event["kind"], event["profile_id"], event["seq"])
    assert "heartbeat" == beat["kind"]
    async with socket(instance, rig.one, f"profile={second}&epoch=1&since_seq={at}") as opened:
        assert [at + 4] == [each["seq"] for each in await frames_to(opened, at + 4)]


async def test_events_of_orders_carry_the_label(rig: Rig) -> None:
    """A robot finds its own label beside the event, and the key of the write-ahead record."""
    instance = await rig.instance()
    await rig.allocate("1000")
    async with socket(instance, rig.one) as opened:
        at = (await frame(opened))["seq"]
        item = order_item(rig.one, "k1", label="grid-7")
        await call(rig.conn, "fn_open_entry", rig.one.id, [item])
        (event,) = await frames_to(opened, at + 1)
    assert ("entry.sending", "grid-7", item["intent_id"], str(rig.one.robot)) == (
        event["type"], event["label"], event["order_id"], event["robot_id"],
    )  # fmt: skip
    assert "50000" == event["data"]["limit_price"]


async def test_two_instances_tell_the_same(rig: Rig) -> None:
    """Clients of two processes, both of which number events, see one and the same feed."""
    instances = [await rig.instance(), await rig.instance()]
    last = await rig.last_seq()
    query = f"epoch=1&since_seq={last}"
    async with socket(instances[0], rig.one, query) as left, socket(instances[1], rig.one, query) as right:
        for _ in range(5):
            await rig.facts(4)
        seen = [await frames_to(each, last + 20) for each in (left, right)]
    assert seen[0] == seen[1]
    assert list(range(last + 1, last + 21)) == [each["seq"] for each in seen[0]]


async def test_nothing_foreign_is_told(rig: Rig) -> None:
    """Each tenant's client sees its own events and no other's."""
    instance = await rig.instance()
    async with socket(instance, rig.one) as mine, socket(instance, rig.other) as theirs:
        at = [(await frame(mine))["seq"], (await frame(theirs))["seq"]]
        await rig.facts(2)
        await rig.facts(2, rig.other)
        seen = [await frames_to(mine, at[0] + 2), await frames_to(theirs, at[1] + 2)]
    assert [{str(rig.one.profile)}, {str(rig.other.profile)}] == [
        {each["profile_id"] for each in events} for events in seen
    ]


async def test_stop_tells_clients_to_come_back(rig: Rig) -> None:
    """A process that stops ends its streams at once, and says that it was not the client's fault."""
    instance = await rig.instance()
    async with socket(instance, rig.one) as opened:
        await frame(opened)
        await rig.stop(instance)
        told = await frame(opened)
    assert ("closing", "closing") == (told["kind"], told["reason"])


async def test_stop_waits_for_a_client_that_begins(rig: Rig) -> None:
    """One that still waits for its snapshot gets it, and the last word after it."""
    instance = await rig.instance()
    async with AsyncExitStack() as stack:
        async with instance.hub.reading, instance.hub.reading:
            opened = await stack.enter_async_context(socket(instance, rig.one))
            await met(lambda: instance.value("feed_clients", transport="websocket") == 1)
            stopping = asyncio.create_task(rig.stop(instance))
            assert not (await asyncio.wait({stopping}, timeout=0.5))[0]
        assert ["snapshot", "closing"] == [(await frame(opened))["kind"] for _ in range(2)]
        await stopping
