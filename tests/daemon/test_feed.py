"""The daemon's feed as a robot reads it: its order's events over the real process, and nothing secret."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from websockets.sync.client import connect

from engine.domain.events import unknown_fields
from tests.daemon.stage import WAIT_S, Stage, Tenant


@pytest.fixture(scope="module")
def tenant(stage: Stage) -> Tenant:
    """One of its own: its feed is read from the first event on."""
    return stage.tenant()


def listen(stage: Stage, address: str, **headers: str) -> Iterator[dict[str, Any]]:
    """Frames of the feed, as they come."""
    with connect(f"ws://127.0.0.1:{stage.port}/v1/feed{address}", additional_headers=headers) as opened:
        while True:
            yield json.loads(opened.recv(timeout=WAIT_S))


def test_an_order_is_told_from_sending_to_filled(stage: Stage, tenant: Tenant) -> None:
    """The robot that listens sees its order's life under its own label, with the fill's price and average."""
    frames = listen(stage, "", Authorization=f"Bearer {tenant.key}")
    snapshot = next(frames)
    assert ("snapshot", "10000") == (snapshot["kind"], snapshot["capital"][0]["available"])
    body = {"profile": "main", "symbol": "BTC/USDT", "type": "market", "quantity": "0.001", "label": "mine"}
    placed = stage.call("POST", "/v1/entries", body, key=tenant.key, idem=uuid4().hex)
    assert 201 == placed.status
    told: list[dict[str, Any]] = []
    while not told or told[-1]["type"] != "order.filled":
        frame = next(frames)
        if frame["kind"] == "event" and frame["order_id"] == placed.body["id"]:
            told.append(frame)
    frames.close()
    assert ["entry.sending", "order.confirmed", "fill", "order.filled"] == [each["type"] for each in told]
    assert {("mine", tenant.profile_id)} == {(each["label"], each["profile_id"]) for each in told}
    fill = told[2]["data"]
    assert ("50010", "50010") == (fill["price"], fill["average_price"])
    assert {"fee_asset", "fee_quantity"} <= set(fill)


def test_all_that_was_told_is_catalogued_and_holds_no_secret(stage: Stage, tenant: Tenant) -> None:
    """From the first event on: no gap, no unknown field, no key; and none of them in the log."""
    last = next(listen(stage, "", Authorization=f"Bearer {tenant.key}"))["seq"]
    made = stage.call("POST", "/v1/feed/tickets", key=tenant.key)
    assert 201 == made.status
    frames = listen(stage, f"?epoch=1&since_seq=0&ticket={made.body['ticket']}")
    events = [next(frames) for _ in range(last)]
    frames.close()
    assert list(range(1, last + 1)) == [each["seq"] for each in events]
    assert {} == {
        each["type"]: unknown for each in events if (unknown := unknown_fields(each["type"], each["data"]))
    }
    log = stage.daemon.log.read_text()
    for secret in (tenant.key, made.body["ticket"]):
        assert secret not in json.dumps(events)
        assert secret not in log
