"""fn_claim_alert: one claimant at a time, and in order of arrival for each route."""

import asyncio
from uuid import UUID, uuid4

from tests.sql.capital.world import World, call
from tests.sql.webhook.posts import TEMPLATE, claim, finish, post, route


async def test_it_is_had_once_and_again_when_its_claim_has_run_out(world: World) -> None:
    """Of eight instances one claims it, with all that its execution needs; each claim is another attempt."""
    made = await route(world)
    alert = (await post(world, made))["alert_id"]
    conns = [await world.database.connect() for _ in range(8)]
    answers = await asyncio.gather(
        *(call(conn, "fn_claim_alert", world.one.id, UUID(alert), 600_000) for conn in conns)
    )
    (claimed,) = [answer for answer in answers if answer is not None]
    assert ("buy 1", 1, True, TEMPLATE, "tv") == tuple(
        claimed[name] for name in ("body", "attempts", "open", "template", "route")
    )
    assert 0 < claimed["left_ms"] <= 3_600_000
    await world.database.advance_clock(601)
    later = await claim(world, alert)
    assert 2 == later["attempts"]
    assert later["left_ms"] <= 2_999_000


async def test_a_later_alert_waits_for_the_earlier_one(world: World) -> None:
    """While the first has not ended the second is not to be had; another route's is."""
    made, other = await route(world), await route(world, "other")
    first, second = [(await post(world, made, body))["alert_id"] for body in ("buy 1", "sell 1")]
    elsewhere = (await post(world, other))["alert_id"]
    assert await claim(world, second) is None
    assert await claim(world, elsewhere) is not None
    await claim(world, first)
    assert await claim(world, second) is None
    await finish(world, first, 1, "done")
    assert await claim(world, second) is not None
    assert await claim(world, first) is None


async def test_what_it_refuses(world: World) -> None:
    """No such alert or another tenant's is NULL; a claim of no time and a foreign claim are refused."""
    made = await route(world)
    alert = UUID((await post(world, made))["alert_id"])
    assert await world.call("fn_claim_alert", world.one.id, uuid4(), 1000) is None
    assert await world.call("fn_claim_alert", world.other.id, alert, 1000) is None
    for wrong in (0, 600_001, None):
        await world.refused("HF422", "fn_claim_alert", world.one.id, alert, wrong)
    await world.refused_to_foreign_claim("fn_claim_alert", alert, 1000)
