"""fn_finish_order: fills before terminal states, the whole rest released once, dust decided at the end."""

from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.trading import confirmed
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import exit_order, figures, fill, finish, held, position, result

FUNCTION = "fn_finish_order"


async def test_success_releases_the_rest_once(world: World) -> None:
    """A canceled order gives all that remains back by one event; again is a replay."""
    intent = await confirmed(world)
    assert {"code": "OK", "order_status": "canceled"} == await finish(world, intent, "canceled")
    assert 1000 == (await figures(world))["available"]
    again = await world.leaves_nothing(lambda: finish(world, intent, "canceled"))
    assert again["replay"]
    assert 1 == len(await world.outbox("order.canceled"))
    await world.consistent()


async def test_fills_are_awaited(world: World) -> None:
    """An end that is ahead of its fills leaves the order open and unconfirmed until they are booked."""
    intent = await confirmed(world)
    answer = await finish(world, intent, "canceled", filled_quantity="0.004")
    assert {"code": "OK", "order_status": "open", "fills_missing": "0.004"} == answer
    assert Decimal("500.5") == (await figures(world))["reserved_for_orders"]
    assert "canceled" == (await fill(world, "e1", "t1"))["order_status"]
    assert 0 == (await figures(world))["reserved_for_orders"]


async def test_by_the_exchanges_order_id_and_the_exits_quantity(world: World) -> None:
    """An exit found by account, symbol and exchange order id gives the rest of its quantity back."""
    await held(world)
    await exit_order(world)
    item = {"account_id": str(world.one.account), "symbol": "BTC/USDT", "exchange_order_id": "x1"}
    answer = await result(world, FUNCTION, {**item, "status": "expired"})
    assert "expired" == answer["order_status"]
    assert 0 == (await position(world))["reserved_quantity"]


async def test_dust_waits_for_the_last_open_order(world: World) -> None:
    """While another order of the profile and symbol is open, a remainder is no dust yet."""
    entry = await confirmed(world)
    await fill(world, "e1", "t1", price="50000", quantity="0.00009", fee_quantity="0", fee_asset=None)
    other = await confirmed(world, "e2", quantity="0.001")
    await finish(world, entry, "canceled")
    assert not (await position(world))["is_dust"]
    await finish(world, other, "canceled")
    assert (await position(world))["is_dust"]
    assert Decimal("4.5") == (await figures(world))["dust"]


async def test_errors_and_foreign_tenant(world: World) -> None:
    """Illegal ends, unknown orders, statuses that are not terminal and foreign tenants are refused."""
    intent = await confirmed(world)
    await world.refused("HF422", FUNCTION, world.one.id, [{"intent_id": str(intent), "status": "open"}])
    await finish(world, intent, "canceled")
    answer = await finish(world, intent, "expired")
    assert {"code": "ILLEGAL_TRANSITION", "order_status": "canceled"} == answer
    assert {"code": "NOT_FOUND"} == await finish(world, uuid4(), "canceled")
    item = {"intent_id": str(intent), "status": "canceled"}
    assert {"code": "NOT_FOUND"} == await result(world, FUNCTION, item, world.other.id)
    await world.refused_to_foreign_claim(FUNCTION, [item])
