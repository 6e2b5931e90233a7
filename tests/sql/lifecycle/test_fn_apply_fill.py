"""fn_apply_fill: each fee and each kind of fill by the legs table, once, and never refused."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.sql.capital.trading import confirmed, fill_item, in_doubt, order_item
from tests.sql.capital.world import World, call
from tests.sql.lifecycle.acts import (
    exit_order,
    figures,
    fill,
    finish,
    held,
    legs,
    mode,
    position,
    result,
    state_of,
)

FUNCTION = "fn_apply_fill"
FREE: dict[str, Any] = {"fee_asset": None, "fee_quantity": "0"}
BNB: dict[str, Any] = {"fee_asset": "BNB", "fee_quantity": "0.001", "fee_rate": "600", "rate_source": "test"}
# fee of a buy of 0.004 at 50,000: what the position costs, FEES, what the reservation pays, the quantity
BUYS: dict[str, tuple[dict[str, Any], str, str, str, str]] = {
    "none": ({"fee_asset": None, "fee_quantity": "0"}, "200", "0", "200", "0.004"),
    "quote": ({"fee_asset": "USDT", "fee_quantity": "0.2"}, "200", "0.2", "200.2", "0.004"),
    "quote rebate": ({"fee_asset": "USDT", "fee_quantity": "-0.1"}, "200", "-0.1", "199.9", "0.004"),
    "base": ({"fee_asset": "BTC", "fee_quantity": "0.000004"}, "199.8", "0.2", "200", "0.003996"),
    "base rebate": ({"fee_asset": "BTC", "fee_quantity": "-0.000002"}, "200.1", "-0.1", "200", "0.004002"),
    "third": (BNB, "200", "0.6", "200.6", "0.004"),
    "unvalued": ({**BNB, "fee_rate": None}, "200", "0", "200", "0.004"),
}


@pytest.mark.parametrize("kind", BUYS)
async def test_a_buy_with_each_kind_of_fee(world: World, kind: str) -> None:
    """Cost, fee, reservation and quantity of an entry fill are those of the legs table."""
    fee, cost, fees, paid, quantity = BUYS[kind]
    await confirmed(world)
    answer = await fill(world, "e1", "t1", price="50000", quantity="0.004", **fee)
    assert ("OK", "open", False) == (answer["code"], answer["order_status"], answer["halted"])
    now = await figures(world)
    assert (Decimal(cost), Decimal(fees)) == (now["reserved_for_positions"], now["fees"])
    assert Decimal("500.5") - Decimal(paid) == now["reserved_for_orders"]
    assert Decimal(quantity) == (await position(world))["quantity"]
    booked = await legs(world, answer["event_id"])
    assert Decimal(cost) == booked["DEBIT", "RESERVED_FOR_POSITIONS"]
    assert abs(Decimal(fees)) == booked.get(("DEBIT" if Decimal(fees) > 0 else "CREDIT", "FEES"), 0)
    await world.consistent()


async def test_a_third_assets_fee_is_the_accounts(world: World) -> None:
    """The unassigned holding pays the raw fee and gets its value in quote."""
    await confirmed(world)
    await fill(world, "e1", "t1", **BNB)
    assert ("-0.001", "9000.6") == (await world.unassigned("BNB"), await world.unassigned())


# fee of a sell of 0.004 at 51,000 out of 0.01 that cost 500: AVAILABLE gets, FEES, what is held after
SELLS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "none": ({"fee_asset": None, "fee_quantity": "0"}, "204", "0", "0.006"),
    "quote": ({"fee_asset": "USDT", "fee_quantity": "0.2"}, "203.8", "0.2", "0.006"),
    "quote rebate": ({"fee_asset": "USDT", "fee_quantity": "-0.1"}, "204.1", "-0.1", "0.006"),
    "base at cost": ({"fee_asset": "BTC", "fee_quantity": "0.00001"}, "204", "0.5", "0.00599"),
    "third": (BNB, "203.4", "0.6", "0.006"),
}


@pytest.mark.parametrize("kind", SELLS)
async def test_a_sell_with_each_kind_of_fee(world: World, kind: str) -> None:
    """Proceeds, fee, profit and what remains of an exit fill are those of the legs table."""
    fee, gets, fees, left = SELLS[kind]
    await held(world)
    before = await figures(world)
    await exit_order(world)
    answer = await fill(world, "x1", "s1", side="sell", price="51000", quantity="0.004", **fee)
    assert "filled" == answer["order_status"]
    now = await figures(world)
    assert Decimal(gets) == now["available"] - before["available"]
    assert (Decimal(4), Decimal(fees)) == (now["trading_pnl"], now["fees"])
    assert [Decimal(left), 0] == [(await position(world))[k] for k in ("quantity", "reserved_quantity")]
    await world.consistent()


async def test_average_cost_and_the_last_exits_remainder(world: World) -> None:
    """Cost is shared by quantity to 18 decimals; the last exit takes all that is left of it."""
    await held(world, "0.0003", "a")
    await held(world, "0.0004", "b")
    await world.admin.execute("UPDATE engine.positions SET last_fill_price = 50000")
    await exit_order(world, quantity="0.0003")
    await fill(
        world, "x1", "s1", side="sell", price="40000", quantity="0.0003", fee_quantity="0", fee_asset=None
    )
    assert Decimal(20) == (await position(world))["cost"]
    assert Decimal(-3) == (await figures(world))["trading_pnl"]
    await exit_order(world, "x2", quantity="0.0004")
    await fill(
        world, "x2", "s2", side="sell", price="50000", quantity="0.0004", fee_quantity="0", fee_asset=None
    )
    assert [0, 0] == [(await position(world))[k] for k in ("quantity", "cost")]
    assert 1 == await world.admin.fetchval("SELECT count(*) FROM engine.trade_history")


async def test_replay_books_once(world: World) -> None:
    """The same fill, also from sixteen callers at once, is booked once; each gets the first event."""
    await confirmed(world)
    conns = [await world.database.connect() for _ in range(8)]
    item = fill_item(world.one, "e1", "t1")
    answers = await asyncio.gather(*(call(conn, FUNCTION, world.one.id, [item]) for conn in conns))
    assert ["DUPLICATE"] * 7 + ["OK"] == sorted(a[0]["code"] for a in answers)
    assert 1 == len({a[0]["event_id"] for a in answers})
    again = await world.leaves_nothing(lambda: result(world, FUNCTION, item))
    assert "DUPLICATE" == again["code"]


async def test_an_unknown_order_parks_its_fill(world: World) -> None:
    """A fill of an order that the ledger does not know is kept, once, and moves nothing."""
    item = fill_item(world.one, "e9", "t1")
    assert {"code": "PARKED"} == await result(world, FUNCTION, item)
    await world.leaves_nothing(lambda: result(world, FUNCTION, item))
    assert 1000 == (await figures(world))["available"]


async def test_a_client_order_id_is_presence(world: World) -> None:
    """A fill with our client order id confirms the intent in doubt and is booked, in one transaction."""
    intent = await in_doubt(world)
    mine = await world.admin.fetchval("SELECT client_order_id FROM engine.intents")
    answer = await fill(world, "e7", "t1", client_order_id=mine)
    assert "OK" == answer["code"]
    assert "confirmed" == await state_of(world, intent)
    await world.consistent()


async def test_a_late_fill_takes_from_available(world: World) -> None:
    """After the release of its reservation a fill is paid by AVAILABLE; a complete one makes it filled."""
    intent = await confirmed(world)
    await finish(world, intent, "canceled")
    answer = await fill(world, "e1", "t1", price="50000", quantity="0.01", fee_quantity="0", fee_asset=None)
    assert ("OK", "filled") == (answer["code"], answer["order_status"])
    assert 500 == (await figures(world))["available"]


async def test_a_late_fill_below_zero_halts(world: World) -> None:
    """A fact that takes available below zero is booked and halts the profile in the same update."""
    intent = await confirmed(world, quantity="0.0199")
    await finish(world, intent, "canceled")
    await confirmed(world, "e2", quantity="0.01")
    answer = await fill(world, "e1", "t1", price="50000", quantity="0.0199", fee_quantity="0", fee_asset=None)
    assert ("OK", True) == (answer["code"], answer["halted"])
    assert ("halted", "available below zero") == await mode(world)
    assert Decimal("-495.5") == (await figures(world))["available"]
    denied = await result(world, "fn_open_entry", order_item(world.one, "k9", quantity="0.001"))
    assert "MODE_HALTED" == denied["code"]


async def test_selling_more_than_held_halts_and_is_the_accounts(world: World) -> None:
    """What the position does not hold is taken from unassigned as `uncovered`, and the profile halts."""
    await held(world)
    await exit_order(world, quantity="0.01")
    answer = await fill(
        world, "x1", "s1", side="sell", price="50000", quantity="0.012", fee_quantity="0", fee_asset=None
    )
    assert ("OK", True) == (answer["code"], answer["halted"])
    assert "0.998" == await world.unassigned("BTC")
    assert "halted" == (await mode(world))[0]
    await world.consistent()


async def test_a_late_sell_under_another_open_exit_halts(world: World) -> None:
    """An exit ended unfilled, another took its quantity, then it was filled after all: it halts."""
    await held(world, "0.01")
    first = await exit_order(world, "x1", quantity="0.01")
    await finish(world, first, "canceled", filled_quantity="0")
    await exit_order(world, "x2", quantity="0.01")
    assert ("active", None) == await mode(world)
    booked = await fill(world, "x1", "t9", side="sell", quantity="0.01", price="51000", **FREE)
    assert True is booked["halted"]
    assert ("halted", "open exits are for more than it holds") == await mode(world)
    left = await position(world)
    assert (Decimal(0), Decimal("0.01")) == (left["quantity"], left["reserved_quantity"])
    await world.consistent()


async def test_what_is_no_fill_is_refused(world: World) -> None:
    """Numbers that are not exact, a fee without an asset and the wrong side raise HF422."""
    await confirmed(world)
    for wrong in (
        {"price": "NaN"},
        {"quantity": "1" + "0" * 40},
        {"price": "0.0000000000000000001"},
        {"quantity": "-1"},
        {"fee_asset": None},
        {"side": "sell"},
    ):
        await world.refused("HF422", FUNCTION, world.one.id, [fill_item(world.one, "e1", "t1", **wrong)])


async def test_foreign_tenant(world: World) -> None:
    """Another tenant's call cannot book on our order, and a foreign claim is refused."""
    await confirmed(world)
    item = fill_item(world.one, "e1", "t1")
    before = await figures(world)
    assert {"code": "PARKED"} == await result(world, FUNCTION, item, world.other.id)
    assert before == await figures(world)
    assert 0 == await world.admin.fetchval("SELECT count(*) FROM engine.unmatched_fills")
    await world.refused_to_foreign_claim(FUNCTION, [item])
