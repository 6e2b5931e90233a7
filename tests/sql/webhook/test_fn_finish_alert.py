"""fn_finish_alert: the claimant's word, once; what can never be executed becomes a dead letter."""

import json
from uuid import UUID, uuid4

import pytest

from tests.sql.capital.world import World
from tests.sql.webhook.posts import claim, finish, only, post, route


@pytest.mark.parametrize("state", ["done", "refused"])
async def test_it_ends_and_is_published(world: World, state: str) -> None:
    """State, code and result are kept and published; a second word changes nothing."""
    alert = (await post(world, await route(world)))["alert_id"]
    await claim(world, alert)
    assert {"code": "OK"} == await finish(world, alert, 1, state, code="OK", result={"order_id": "o"})
    row = await only(world)
    assert (state, "OK", {"order_id": "o"}) == (row["state"], row["code"], row["result"])
    again = await world.leaves_nothing(lambda: finish(world, alert, 1, "dead", code="INTERNAL"))
    assert {"code": "STALE_TOKEN"} == again
    (told,) = await world.outbox(f"alert.{state}")
    assert ("tv", alert) == (told["route"], told["alert_id"])
    assert 0 == await world.admin.fetchval("SELECT count(*) FROM engine.dead_letters")


async def test_a_dead_one_is_kept_with_code_and_trace(world: World) -> None:
    """Its dead letter has its id, direction, source, body, code, trace and attempts."""
    made = await route(world)
    alert = (await post(world, made, "nonsense"))["alert_id"]
    await claim(world, alert)
    await finish(world, alert, 1, "dead", code="BAD_REQUEST", trace="where it broke")
    row = dict(await world.admin.fetchrow("SELECT * FROM engine.dead_letters"))
    payload = json.loads(row.pop("payload"))
    assert {"alert_id": alert, "route_id": str(made), "body": "nonsense"} == payload
    assert row.pop("created_at") is not None
    assert {
        "tenant_id": world.one.id,
        "dead_letter_id": UUID(alert),
        "direction": "in",
        "source": "webhook:tv",
        "code": "BAD_REQUEST",
        "trace": "where it broke",
        "attempts": 1,
        "state": "open",
    } == row


async def test_an_older_attempt_changes_nothing(world: World) -> None:
    """Who lost the claim while it worked is not believed: the later attempt finds what was done."""
    alert = (await post(world, await route(world)))["alert_id"]
    await claim(world, alert)
    await world.database.advance_clock(600)
    await claim(world, alert)
    late = await world.leaves_nothing(lambda: finish(world, alert, 1, "refused", code="BUSY"))
    assert {"code": "STALE_TOKEN"} == late


async def test_what_it_refuses(world: World) -> None:
    """An unknown state, no code, no time for another try, an unknown or foreign alert, a foreign claim."""
    alert = (await post(world, await route(world)))["alert_id"]
    ident = UUID(alert)
    for wrong in (
        (0, "lost", "OK", {}, 0, None),
        (0, "done", None, {}, 0, None),
        (0, "received", "BUSY", {}, None, None),
        (0, "received", "BUSY", {}, -1, None),
    ):
        await world.refused("HF422", "fn_finish_alert", world.one.id, ident, *wrong)
    good = (0, "done", "OK", {}, 0, None)
    await world.refused("HF404", "fn_finish_alert", world.one.id, uuid4(), *good)
    await world.refused("HF404", "fn_finish_alert", world.other.id, ident, *good)
    await world.refused_to_foreign_claim("fn_finish_alert", ident, *good)
