"""fn_accept_alert: an alert is kept once, by its identity or its body, and not if it is too old."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

from tests.sql.capital.world import World, call
from tests.sql.webhook.posts import HASH, due, listed, only, post, route


async def test_it_is_kept_and_due(world: World) -> None:
    """Received with its body, due at once; nothing of it is published before it has ended."""
    made = await route(world)
    kept = await post(world, made)
    assert (False, "received") == (kept["duplicate"], kept["state"])
    assert [kept["alert_id"]] == await due(world)
    row = await only(world)
    assert ("buy 1", 0) == (row["body"], row["attempts"])


async def test_the_same_alert_is_kept_once(world: World) -> None:
    """By identity for ever; without one by its body within max_lag_s; another route's is another."""
    made, second = await route(world), await route(world, "second")
    first = await post(world, made, "buy 1", "id-1")
    again = await world.leaves_nothing(lambda: post(world, made, "buy 2", "id-1"))
    assert (first["alert_id"], True) == (again["alert_id"], again["duplicate"])
    body = await post(world, made, "sell 1")
    assert body["alert_id"] == (await post(world, made, "sell 1"))["alert_id"]
    assert not (await post(world, second, "sell 1"))["duplicate"]
    await world.database.advance_clock(3601)
    assert (await post(world, made, "sell 1"))["duplicate"] is False
    assert (await post(world, made, "buy 3", "id-1"))["duplicate"] is True


async def test_two_of_one_alert_at_once_are_one(world: World) -> None:
    """Eight senders of the same body in the same moment: one row, seven are told that it is there."""
    made = await route(world)
    conns = [await world.database.connect() for _ in range(8)]
    body, digest = "buy 1", sha256(b"buy 1").digest()
    answers = await asyncio.gather(
        *(
            call(conn, "fn_accept_alert", world.one.id, made, uuid4(), None, body, digest, None)
            for conn in conns
        )
    )
    assert 7 == sum(answer["duplicate"] for answer in answers)
    assert 1 == len({answer["alert_id"] for answer in answers})


async def test_an_old_one_is_refused_and_kept(world: World) -> None:
    """By the time it names; one from the future counts as of now, and does not live longer for it."""
    made = await route(world)
    now = datetime.now(UTC)
    old = await post(world, made, "a", said_at=now - timedelta(seconds=3605))
    assert ("refused", "INTENT_EXPIRED", 3600) == (old["state"], old["code"], old["max_lag_s"])
    assert old["lag_s"] >= 3605
    early = await post(world, made, "b", said_at=now + timedelta(hours=1))
    assert ("received", 0) == (early["state"], early["lag_s"])
    assert [early["alert_id"]] == await due(world)
    assert 1 == len(await world.outbox("alert.refused"))
    assert {"refused", "received"} == {row["state"] for row in await listed(world)}


async def test_what_it_refuses(world: World) -> None:
    """An unknown route, another tenant's, a foreign claim: no row."""
    made = await route(world)
    args = (uuid4(), None, "b", HASH, None)
    await world.refused("HF404", "fn_accept_alert", world.one.id, uuid4(), *args)
    await world.refused("HF404", "fn_accept_alert", world.other.id, made, *args)
    await world.refused_to_foreign_claim("fn_accept_alert", made, *args)
    assert 0 == await world.admin.fetchval("SELECT count(*) FROM engine.alerts")
