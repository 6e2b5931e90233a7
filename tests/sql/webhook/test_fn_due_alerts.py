"""fn_due_alerts: what waits, over all tenants, by the database's clock."""

from tests.sql.capital.world import World
from tests.sql.webhook.posts import claim, due, finish, post, route


async def test_due_are_those_nobody_has_claimed_or_ended(world: World) -> None:
    """Claimed it is due again when its claim has run out, put off when its time has come, ended never."""
    made = await route(world)
    alert = (await post(world, made))["alert_id"]
    await claim(world, alert)
    assert [] == await due(world)
    await world.database.advance_clock(600)
    assert [alert] == await due(world)
    await claim(world, alert)
    await finish(world, alert, 2, "received", code="BUSY", retry_ms=600_000)
    assert [] == await due(world)
    await world.database.advance_clock(600)
    assert [alert] == await due(world)
    await finish(world, alert, 2, "done")
    assert [] == await due(world)
