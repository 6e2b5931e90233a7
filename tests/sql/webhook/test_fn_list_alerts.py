"""fn_list_alerts: what arrived and what came of it, newest first."""

from tests.sql.capital.world import World
from tests.sql.webhook.posts import listed, post, route


async def test_newest_first_of_one_route_or_all(world: World) -> None:
    """By route, bounded, and none of another tenant's."""
    made, second = await route(world), await route(world, "second")
    bodies = ["a", "b", "c"]
    for body in bodies:
        await post(world, made, body)
    await post(world, second, "elsewhere")
    rows = await world.leaves_nothing(lambda: listed(world, made))
    assert bodies[::-1] == [row["body"] for row in rows]
    assert 4 == len(await listed(world))
    assert ["c"] == [row["body"] for row in await world.call("fn_list_alerts", world.one.id, made, 1)]
    assert [] == await world.call("fn_list_alerts", world.other.id, made, 10)
    await world.refused_to_foreign_claim("fn_list_alerts", made, 10)
