"""fn_attribute_orders: whose an order is, by its ids, never by its symbol."""

from typing import Any

from tests.sql.capital.trading import confirmed, in_doubt, order_item
from tests.sql.capital.trading import one as act
from tests.sql.capital.world import SYMBOL, World


def item(exchange_order_id: str, client_order_id: str | None = None, symbol: str = SYMBOL) -> dict[str, Any]:
    return {"symbol": symbol, "exchange_order_id": exchange_order_id, "client_order_id": client_order_id}


async def client_id(world: World, intent: Any) -> str:
    shown = await world.call("fn_get_order", world.one.id, intent)
    return str(shown["client_order_id"])


async def test_by_client_order_id_first_then_by_a_known_exchange_order_id(world: World) -> None:
    """A wrong or missing client order id does not hide an order whose id is known."""
    order = await confirmed(world, quantity="0.001")
    doubt = await in_doubt(world, "e2")
    own, asked = await client_id(world, order), await client_id(world, doubt)
    items = [
        item("unknown", asked),
        item("e1", own),
        item("e1", "wrong"),
        item("e1"),
        item("e1", asked),
        item("x", "web"),
        item("x"),
        item("e1", own, "ETH/USDT"),
    ]
    answer = await world.leaves_nothing(
        lambda: world.call("fn_attribute_orders", world.one.id, world.one.account, items)
    )
    profile = str(world.one.profile)
    doubted = {"profile_id": profile, "intent_id": str(doubt), "state": "in_doubt"}
    known = {"profile_id": profile, "intent_id": str(order), "state": "confirmed"}
    assert [doubted, known, known, known, doubted, None, None, None] == answer
    assert [] == await world.call("fn_attribute_orders", world.one.id, world.one.account, [])


async def test_another_tenants_orders_are_nobodys(world: World) -> None:
    """The same ids under another tenant's account are not found, and a foreign claim is refused."""
    item_ = order_item(world.one, "k1")
    await act(world, "fn_open_entry", item_)
    asked = [item("e1", item_["client_order_id"])]
    other = world.other
    assert [None] == await world.call("fn_attribute_orders", other.id, other.account, asked)
    await world.refused("HF404", "fn_attribute_orders", world.one.id, other.account, asked)
    await world.refused_to_foreign_claim("fn_attribute_orders", world.one.account, asked)
