"""fn_attribute_orders: whose an order is, by its ids, never by its symbol."""

from typing import Any

from tests.sql.capital.trading import confirmed, in_doubt, order_item
from tests.sql.capital.trading import one as act
from tests.sql.capital.world import SYMBOL, World
from tests.sql.reconcile.passes import owners

NOTHING: dict[str, list[str]] = {"symbol": [], "exchange_order_id": [], "client_order_id": []}


async def client_id(world: World, intent: Any) -> str:
    shown = await world.call("fn_get_order", world.one.id, intent)
    return str(shown["client_order_id"])


async def test_by_client_order_id_first_then_by_a_known_exchange_order_id(world: World) -> None:
    """A wrong or missing client order id does not hide an order whose id is known."""
    order = await confirmed(world, quantity="0.001")
    doubt = await in_doubt(world, "e2")
    own, asked = await client_id(world, order), await client_id(world, doubt)
    orders = [
        (SYMBOL, "unknown", asked),
        (SYMBOL, "e1", own),
        (SYMBOL, "e1", "wrong"),
        (SYMBOL, "e1", None),
        (SYMBOL, "e1", asked),
        (SYMBOL, "x", "web"),
        (SYMBOL, "x", None),
        ("ETH/USDT", "e1", own),
    ]
    answer = await world.leaves_nothing(lambda: owners(world, world.one, *orders))
    doubted = (world.one.profile, doubt, "in_doubt")
    known = (world.one.profile, order, "confirmed")
    assert [doubted, known, known, known, doubted, None, None, None] == answer
    assert [] == await owners(world, world.one)


async def test_another_tenants_orders_are_nobodys(world: World) -> None:
    """The same ids under another tenant's account are not found, and a foreign claim is refused."""
    item = order_item(world.one, "k1")
    await act(world, "fn_open_entry", item)
    assert [None] == await owners(world, world.other, (SYMBOL, "e1", item["client_order_id"]))
    await world.refused("HF404", "fn_attribute_orders", world.one.id, world.other.account, NOTHING)
    await world.refused_to_foreign_claim("fn_attribute_orders", world.one.account, NOTHING)


async def test_columns_of_different_lengths_are_refused(world: World) -> None:
    """Columns whose rows would be torn apart are an error, not an answer."""
    for columns in ({}, {**NOTHING, "client_order_id": ["a"]}, {**NOTHING, "symbol": [SYMBOL]}):
        await world.refused("HF422", "fn_attribute_orders", world.one.id, world.one.account, columns)
