"""The feed over WebSocket and SSE: snapshot, events, resume, who may listen to what, and how it ends."""

import asyncio
import json
from uuid import uuid4

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.feed.rig import Rig, bearer, frame, frames_to, server_events, socket
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
