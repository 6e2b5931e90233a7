"""fn_list_positions: what profiles hold, and how much of it can be sold."""

from tests.sql.capital.trading import confirmed, fill_item, one, order_item
from tests.sql.capital.world import World


async def test_shows_what_is_held_and_sellable(world: World) -> None:
    """Sellable is what is neither in an exit nor below a lot; average price comes from the cost."""
    await world.allocate("1000")
    await confirmed(world)
    await one(world, "fn_apply_fill", fill_item(world.one, "e1", "t1"))
    await one(world, "fn_open_exit", order_item(world.one, "x1", quantity="0.001", limit_price="60000"))
    (shown,) = await world.call("fn_list_positions", world.one.id, None)
    expected = ("0.003996", "199.76004", "49990", "0.001", "0.0029", False)
    names = ("quantity", "cost", "average_price", "reserved_quantity", "sellable", "is_dust")
    assert expected == tuple(shown[name] for name in names)
    assert [shown] == await world.call("fn_list_positions", world.one.id, world.one.profile)
    assert [] == await world.call("fn_list_positions", world.other.id, None)
    await world.refused("HF404", "fn_list_positions", world.one.id, world.other.profile)
    await world.refused_to_foreign_claim("fn_list_positions", None)
