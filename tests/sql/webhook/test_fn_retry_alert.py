"""fn_retry_alert: an operator's word lets an alert be executed again, as if it had just arrived."""

from uuid import UUID, uuid4

from tests.sql.capital.world import OPERATOR, World
from tests.sql.webhook.posts import claim, due, finish, post, route


async def retry(world: World, alert: str) -> None:
    await world.call("fn_retry_alert", world.one.id, UUID(alert), OPERATOR)


async def test_a_dead_one_is_due_again_under_its_key(world: World) -> None:
    """Its time begins anew, its dead letter says retried, and its order keeps its key."""
    alert = (await post(world, await route(world)))["alert_id"]
    await claim(world, alert)
    await finish(world, alert, 1, "dead", code="INTERNAL")
    await world.database.advance_clock(36_000)
    await retry(world, alert)
    assert [alert] == await due(world)
    claimed = await claim(world, alert)
    assert (1, 0) == (claimed["attempts"], claimed["retries"])
    assert claimed["left_ms"] > 0
    assert "retried" == await world.admin.fetchval("SELECT state FROM engine.dead_letters")
    await finish(world, alert, 1, "dead", code="INTERNAL")
    assert "open" == await world.admin.fetchval("SELECT state FROM engine.dead_letters")


async def test_a_refused_one_gets_a_new_key(world: World) -> None:
    """The refusal stays with the old key, so the order is asked for under another."""
    alert = (await post(world, await route(world)))["alert_id"]
    await claim(world, alert)
    await finish(world, alert, 1, "refused", code="MODE_HALTED")
    await retry(world, alert)
    assert 1 == (await claim(world, alert))["retries"]


async def test_what_it_refuses(world: World) -> None:
    """One that waits or is done, an unknown or foreign one, no actor, a foreign claim."""
    alert = (await post(world, await route(world)))["alert_id"]
    ident = UUID(alert)
    await world.refused("HF409", "fn_retry_alert", world.one.id, ident, OPERATOR)
    await claim(world, alert)
    await finish(world, alert, 1, "done")
    await world.refused("HF409", "fn_retry_alert", world.one.id, ident, OPERATOR)
    await world.refused("HF404", "fn_retry_alert", world.one.id, uuid4(), OPERATOR)
    await world.refused("HF404", "fn_retry_alert", world.other.id, ident, OPERATOR)
    await world.admin.execute("UPDATE engine.alerts SET state = 'dead'")
    await world.refused("HF422", "fn_retry_alert", world.one.id, ident, "")
    await world.refused_to_foreign_claim("fn_retry_alert", ident, OPERATOR)
