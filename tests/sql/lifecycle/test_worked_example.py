"""The worked example of the design: every intermediate figure, and the legs of each kind of event."""

from decimal import Decimal

from tests.sql.capital.trading import confirmed, fill_item
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import figures, fill, finish, legs, position, result, selling


async def test_every_figure_of_the_worked_example(world: World) -> None:
    """Reserve, partial fill with a base fee, cancel, exit with a quote fee, dust: all figures as written."""
    entry = await confirmed(world)
    assert Decimal("499.5") == (await figures(world))["available"]
    bought = await fill(world, "e1", "t1")
    assert {
        ("DEBIT", "RESERVED_FOR_POSITIONS"): Decimal("199.76004"),
        ("DEBIT", "FEES"): Decimal("0.19996"),
        ("CREDIT", "RESERVED_FOR_ORDERS"): Decimal("199.96"),
    } == await legs(world, bought["event_id"])
    now = await figures(world)
    assert (Decimal("499.5"), Decimal("0.19996")) == (now["available"], now["fees"])
    assert {
        "quantity": Decimal("0.003996"),
        "cost": Decimal("199.76004"),
        "reserved_quantity": 0,
        "is_dust": False,
    } == await position(world)
    assert "canceled" == (await finish(world, entry, "canceled"))["order_status"]
    assert Decimal("800.04") == (await figures(world))["available"]
    item = await selling(world, quantity="0.0039")
    told = {"intent_id": item["intent_id"], "exchange_order_id": "x1", "status": "open"}
    await result(world, "fn_persist_exit_lifecycle", told)
    sale = fill_item(world.one, "x1", "t2", side="sell", price="51000", quantity="0.0039", fee_asset="USDT")
    sold = await result(world, "fn_apply_fill", {**sale, "fee_quantity": "0.1989"})
    assert "filled" == sold["order_status"]
    assert {
        ("DEBIT", "AVAILABLE"): Decimal("198.7011"),
        ("DEBIT", "FEES"): Decimal("0.1989"),
        ("CREDIT", "RESERVED_FOR_POSITIONS"): Decimal("194.961"),
        ("CREDIT", "TRADING_PNL"): Decimal("3.939"),
    } == await legs(world, sold["event_id"])
    assert {
        "available": Decimal("998.7411"),
        "reserved_for_orders": 0,
        "reserved_for_positions": 0,
        "dust": Decimal("4.79904"),
        "trading_pnl": Decimal("3.939"),
        "fees": Decimal("0.39886"),
    } == await figures(world)
    assert {
        "quantity": Decimal("0.000096"),
        "cost": Decimal("4.79904"),
        "reserved_quantity": 0,
        "is_dust": True,
    } == await position(world)
    (trip,) = await world.admin.fetch("SELECT * FROM engine.trade_history")
    assert (Decimal("3.939"), Decimal("0.39886"), Decimal("4.79904")) == (
        trip["trading_pnl"],
        trip["fees"],
        trip["dust_cost"],
    )
    await world.consistent()


async def test_dust_comes_back_with_the_next_entry_at_its_cost(world: World) -> None:
    """The next fill takes the dust out of DUST into the position before it is booked."""
    await test_every_figure_of_the_worked_example(world)
    await confirmed(world, "e2", quantity="0.001")
    await fill(world, "e2", "t3", price="50000", quantity="0.001", fee_quantity="0", fee_asset=None)
    now = await figures(world)
    assert (0, Decimal("54.79904")) == (now["dust"], now["reserved_for_positions"])
    assert Decimal("0.001096") == (await position(world))["quantity"]
    assert 1 == len(await world.outbox("position.dust_returned"))
    assert 1 == len(await world.outbox("order.filled")) - 1
    await world.consistent()
