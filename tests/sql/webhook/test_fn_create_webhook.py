"""fn_create_webhook: a route of a robot and a profile; of the secret only the hash."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World
from tests.sql.webhook.posts import HASH, TEMPLATE, route


async def test_it_is_there_and_published(world: World) -> None:
    """The route is listed, and the event names it without template and hash."""
    made = await route(world)
    (row,) = await world.call("fn_list_webhooks", world.one.id)
    assert (str(made), "tv", TEMPLATE, 3600) == tuple(
        row[name] for name in ("route_id", "name", "template", "max_lag_s")
    )
    (created,) = await world.outbox("webhook.created")
    assert {"route_id", "name", "robot_id", "profile_id", "max_lag_s"} == set(created)


async def test_what_it_refuses(world: World) -> None:
    """A name or id that exists, unknown or foreign robot and profile, bad forms, a foreign claim."""
    one, other = world.one, world.other
    made = await route(world)
    good = [uuid4(), "new", one.robot, one.profile, HASH, TEMPLATE, 30, OPERATOR]

    async def refused(sqlstate: str, place: int, value: object) -> None:
        wrong = [*good[:place], value, *good[place + 1 :]]
        await world.leaves_nothing(lambda: world.refused(sqlstate, "fn_create_webhook", one.id, *wrong))

    for place, value in ((0, made), (1, "tv")):
        await refused("HF415", place, value)
    for place, value in ((2, uuid4()), (2, other.robot), (3, uuid4()), (3, other.profile)):
        await refused("HF404", place, value)
    for place, value in ((1, "two words"), (4, b"short"), (5, []), (6, 0), (6, 86_401), (7, "")):
        await refused("HF422", place, value)
    await world.refused_to_foreign_claim("fn_create_webhook", *good)
