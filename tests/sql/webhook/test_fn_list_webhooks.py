"""fn_list_webhooks: what is there, and what became of its alerts; never a hash."""

from tests.sql.capital.world import OPERATOR, World
from tests.sql.webhook.posts import HASH, finish, post, route


async def test_it_lists_routes_with_their_alerts(world: World) -> None:
    """By name, counted by state, without deleted ones; another tenant sees none."""
    second, first = await route(world, "b"), await route(world, "a")
    gone = await route(world, "gone")
    await world.call("fn_delete_webhook", world.one.id, gone, OPERATOR)
    await post(world, first, "buy 1")
    dead = await post(world, second, "buy 2")
    await finish(world, dead["alert_id"], 0, "dead", code="BAD_REQUEST")
    rows = await world.leaves_nothing(lambda: world.call("fn_list_webhooks", world.one.id))
    assert [("a", {"received": 1}), ("b", {"dead": 1})] == [(row["name"], row["alerts"]) for row in rows]
    assert HASH.hex() not in str(rows)
    assert [] == await world.call("fn_list_webhooks", world.other.id)
    await world.refused_to_foreign_claim("fn_list_webhooks")
