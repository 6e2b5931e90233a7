"""fn_get_order_by_client_id: the same order by the id we send to the exchange."""

from tests.sql.capital.trading import sending
from tests.sql.capital.world import World


async def test_is_the_same_order(world: World) -> None:
    """Both ids lead to one view; a foreign tenant finds nothing under it."""
    await world.allocate("1000")
    intent = await sending(world)
    shown = await world.call("fn_get_order", world.one.id, intent)
    client_id = shown["client_order_id"]
    assert shown == await world.call("fn_get_order_by_client_id", world.one.id, client_id)
    await world.refused("HF404", "fn_get_order_by_client_id", world.one.id, "nobody")
    await world.refused("HF404", "fn_get_order_by_client_id", world.other.id, client_id)
    await world.refused_to_foreign_claim("fn_get_order_by_client_id", client_id)
