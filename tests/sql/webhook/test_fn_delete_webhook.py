"""fn_delete_webhook: nothing is taken for it any more; its name is free, its alerts stay."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World
from tests.sql.webhook.posts import HASH, claim, listed, post, route


async def test_deleted_it_takes_nothing(world: World) -> None:
    """Not found any more, by whichever function; what waits says that its route is closed; once."""
    made = await route(world)
    kept = await post(world, made)
    assert await world.call("fn_delete_webhook", world.one.id, made, OPERATOR)
    again = await world.leaves_nothing(lambda: world.call("fn_delete_webhook", world.one.id, made, OPERATOR))
    assert again is False
    args = (uuid4(), None, "b", HASH, None)
    await world.refused("HF404", "fn_accept_alert", world.one.id, made, *args)
    assert await world.call("fn_get_webhook", world.one.id, made) is None
    assert 1 == len(await listed(world, made))
    assert (await claim(world, kept["alert_id"]))["open"] is False
    await route(world)


async def test_what_it_refuses(world: World) -> None:
    """No such route, another tenant's, no actor, a foreign claim."""
    made = await route(world)
    await world.refused("HF404", "fn_delete_webhook", world.one.id, uuid4(), OPERATOR)
    await world.refused("HF404", "fn_delete_webhook", world.other.id, made, OPERATOR)
    await world.refused("HF422", "fn_delete_webhook", world.one.id, made, "")
    await world.refused_to_foreign_claim("fn_delete_webhook", made, OPERATOR)
