"""Inferred fills: booked once for what is missing, and replaced by the real trades, by difference only."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.sql.capital.trading import confirmed, fill_item
from tests.sql.capital.world import World, call
from tests.sql.lifecycle.acts import exit_order, figures, fill, finish, held, legs, mode, position

NO_FEE: dict[str, Any] = {"fee_quantity": "0", "fee_asset": None}
IN_QUOTE: dict[str, Any] = {"fee_quantity": "0.2", "fee_asset": "USDT"}


async def infer(world: World, order: str, filled: str, **changes: Any) -> Any:
    """Book what an exchange reports as filled without showing it."""
    guess = {"inferred": True, "quantity": "1", "price": "1", "average_price": "50000", **NO_FEE}
    return await fill(world, order, f"inferred:{filled}", **{**guess, **changes})


async def bought(world: World, filled: str = "0.01", **changes: Any) -> UUID:
    """An entry of 0.01 of which a quantity is inferred and nothing was shown; it has ended."""
    intent = await confirmed(world)
    assert "OK" == (await infer(world, "e1", filled, **changes))["code"]
    await finish(world, intent, "filled" if filled == "0.01" else "canceled", filled_quantity=filled)
    return intent


async def events(world: World, kind: str) -> list[int]:
    rows = await world.admin.fetch(
        "SELECT event_id FROM engine.economic_events WHERE type = $1 ORDER BY event_id", kind
    )
    return [row["event_id"] for row in rows]


async def superseded(world: World) -> dict[str, bool]:
    """Every inferred fill, and whether real trades have replaced it whole."""
    rows = await world.admin.fetch(
        "SELECT exchange_trade_id, superseded_at IS NOT NULL AS gone FROM engine.fills WHERE inferred"
    )
    return {row["exchange_trade_id"]: row["gone"] for row in rows}


async def trips(world: World) -> list[tuple[Decimal, Decimal, Decimal]]:
    """Each row of the trade history: sold quantity, profit, fees."""
    rows = await world.admin.fetch("SELECT * FROM engine.trade_history ORDER BY event_id")
    return [(row["sold_quantity"], row["trading_pnl"], row["fees"]) for row in rows]


async def test_what_is_missing_is_booked_once(world: World) -> None:
    """The same report books one fill of what is missing, at the reported average, whatever its item says."""
    await confirmed(world)
    await fill(world, "e1", "t1", price="49000", quantity="0.004", **NO_FEE)
    answer = await infer(world, "e1", "0.010", average_price="49600")
    assert ("OK", "filled") == (answer["code"], answer["order_status"])
    row = await world.admin.fetchrow("SELECT * FROM engine.fills WHERE inferred")
    assert ("inferred:0.01", "inferred") == (row["exchange_trade_id"], row["source"])
    assert (Decimal("0.006"), 50000) == (row["quantity"], row["price"])
    for filled in ("0.01", "0.0100", "0.004", "0.02"):
        answer = await world.leaves_nothing(lambda filled=filled: infer(world, "e1", filled))
        assert "DUPLICATE" == answer["code"]
    assert 496 == (await figures(world))["reserved_for_positions"]
    await world.consistent()


async def test_an_inferred_fill_needs_a_price_and_its_name(world: World) -> None:
    """Without an average the item's price counts; another name than the filled quantity is refused."""
    await confirmed(world)
    guess = {"inferred": True, "price": "49000", "quantity": "1", **NO_FEE}
    for name in ("t1", "inferred:", "inferred:NaN", "inferred:-1"):
        item = {"account_id": str(world.one.account), "symbol": "BTC/USDT", "exchange_order_id": "e1"}
        item |= {"exchange_trade_id": name, "side": "buy", **guess}
        await world.refused("HF422", "fn_apply_fill", world.one.id, [item])
    assert "OK" == (await infer(world, "e1", "0.002", average_price=None, price="49000"))["code"]
    assert 98 == (await figures(world))["reserved_for_positions"]


# fee of the real trade of a buy: cost of the position, FEES, quantity, what AVAILABLE lost in all
BUYS: dict[str, tuple[dict[str, Any], str, str, str, str]] = {
    "none": (NO_FEE, "490", "0", "0.01", "490"),
    "quote": (IN_QUOTE, "490", "0.2", "0.01", "490.2"),
    "rebate": ({"fee_quantity": "-0.1", "fee_asset": "USDT"}, "490", "-0.1", "0.01", "489.9"),
    "base": ({"fee_quantity": "0.00001", "fee_asset": "BTC"}, "489.51", "0.49", "0.00999", "490"),
    "base rebate": ({"fee_quantity": "-0.00001", "fee_asset": "BTC"}, "490.49", "-0.49", "0.01001", "490"),
    "third": (
        {"fee_quantity": "0.001", "fee_asset": "BNB", "fee_rate": "600"},
        "490",
        "0.6",
        "0.01",
        "490.6",
    ),
    "unvalued": ({"fee_quantity": "0.001", "fee_asset": "BNB"}, "490", "0", "0.01", "490"),
}


@pytest.mark.parametrize("kind", BUYS)
async def test_a_real_buy_replaces_an_inferred_one(world: World, kind: str) -> None:
    """Price difference and fee are booked after the order's end: the books are the real trade's."""
    fee, cost, fees, quantity, spent = BUYS[kind]
    await bought(world)
    assert 500 == (await figures(world))["available"]
    answer = await fill(world, "e1", "t1", price="49000", quantity="0.01", **fee)
    assert ("OK", "filled", False) == (answer["code"], answer["order_status"], answer["halted"])
    now = await figures(world)
    assert (Decimal(cost), Decimal(fees), 0) == (
        now["reserved_for_positions"],
        now["fees"],
        now["trading_pnl"],
    )
    assert (1000 - Decimal(spent), 0) == (now["available"], now["reserved_for_orders"])
    assert Decimal(quantity) == (await position(world))["quantity"]
    assert ({"inferred:0.01": True}, [answer["event_id"]]) == (
        await superseded(world),
        await events(world, "fill_correction"),
    )
    again = await world.leaves_nothing(lambda: fill(world, "e1", "t1", price="49000", quantity="0.01", **fee))
    assert "DUPLICATE" == again["code"]
    (told,) = await world.outbox("fill.corrected")
    assert ("0.01", "-10") == (told["replaced_quantity"], told["notional_difference"])
    await world.consistent()


async def test_an_open_orders_reservation_pays_the_difference(world: World) -> None:
    """While the order lives its reservation pays a dearer trade and takes back what a cheaper one leaves."""
    await confirmed(world)
    await infer(world, "e1", "0.004", average_price="49000")
    assert Decimal("304.5") == (await figures(world))["reserved_for_orders"]
    await fill(world, "e1", "t1", price="50000", quantity="0.002", **IN_QUOTE)
    assert Decimal("302.3") == (await figures(world))["reserved_for_orders"]
    await fill(world, "e1", "t2", price="40000", quantity="0.002", **NO_FEE)
    now = await figures(world)
    assert (Decimal("320.3"), Decimal("499.5")) == (now["reserved_for_orders"], now["available"])
    assert Decimal(180) == (await position(world))["cost"]
    await world.consistent()


async def test_an_equal_trade_moves_nothing(world: World) -> None:
    """A real trade at the inferred price without a fee is recorded without an economic event."""
    await bought(world)
    before = await figures(world)
    answer = await fill(world, "e1", "t1", price="50000", quantity="0.01", **NO_FEE)
    assert "OK" == answer["code"]
    assert (before, []) == (await figures(world), await events(world, "fill_correction"))
    assert {"inferred:0.01": True} == await superseded(world)
    await world.consistent()


async def test_several_trades_replace_several_inferred_fills(world: World) -> None:
    """Trades of any size replace the oldest inferred fills first; what exceeds them is new."""
    await confirmed(world)
    await infer(world, "e1", "0.002")
    await infer(world, "e1", "0.005")
    await fill(world, "e1", "t3", price="50000", quantity="0.003", **NO_FEE)
    assert {"inferred:0.002": True, "inferred:0.005": False} == await superseded(world)
    answer = await fill(world, "e1", "t4", price="49000", quantity="0.006", **IN_QUOTE)
    assert "open" == answer["order_status"]
    assert {"inferred:0.002": True, "inferred:0.005": True} == await superseded(world)
    row = await world.admin.fetchrow("SELECT * FROM engine.orders")
    assert (Decimal("0.009"), 444, 0) == (
        row["booked_quantity"],
        row["booked_notional"],
        row["inferred_quantity"],
    )
    assert 444 == (await position(world))["cost"]
    assert (
        "filled" == (await fill(world, "e1", "t5", price="50000", quantity="0.001", **NO_FEE))["order_status"]
    )
    await world.consistent()


async def test_guesses_and_trades_at_once(world: World) -> None:
    """Reports and trades that reach the ledger at the same time end as the trades alone, in any order."""
    await confirmed(world)
    conns = [await world.database.connect() for _ in range(8)]
    guess = {"inferred": True, "quantity": "1", "price": "1", "average_price": "49500", **NO_FEE}
    told = [
        fill_item(world.one, "e1", "inferred:0.004", **guess),
        fill_item(world.one, "e1", "inferred:0.01", **guess),
        fill_item(world.one, "e1", "t1", price="49000", quantity="0.005", **IN_QUOTE),
        fill_item(world.one, "e1", "t2", price="50000", quantity="0.005", **NO_FEE),
    ]
    calls = [
        call(conn, "fn_apply_fill", world.one.id, [item]) for conn, item in zip(conns, told * 2, strict=True)
    ]
    assert {"OK", "DUPLICATE"} >= {answer[0]["code"] for answer in await asyncio.gather(*calls)}
    assert (495, Decimal("504.8")) == (
        (await position(world))["cost"],
        (await figures(world))["available"],
    )
    assert all((await superseded(world)).values())
    await world.consistent()


async def test_the_difference_of_what_was_sold_is_profit(world: World) -> None:
    """Of a late trade's difference the share that is still held changes the cost, the rest TRADING_PNL."""
    await bought(world)
    await exit_order(world, quantity="0.006")
    await fill(world, "x1", "s1", side="sell", price="50000", quantity="0.006", **NO_FEE)
    answer = await fill(world, "e1", "t1", price="49000", quantity="0.01", **NO_FEE)
    assert Decimal(196) == (await position(world))["cost"]
    assert Decimal(6) == (await figures(world))["trading_pnl"]
    booked = await legs(world, answer["event_id"])
    assert {
        ("DEBIT", "AVAILABLE"): 10,
        ("CREDIT", "RESERVED_FOR_POSITIONS"): 4,
        ("CREDIT", "TRADING_PNL"): 6,
    } == booked
    await world.consistent()


async def test_a_position_that_is_sold_keeps_its_history(world: World) -> None:
    """After the round trip has ended the difference is profit, told by a row of its own in the history."""
    await bought(world)
    await exit_order(world, quantity="0.01")
    await fill(world, "x1", "s1", side="sell", price="50000", quantity="0.01", **NO_FEE)
    await fill(world, "e1", "t1", price="49000", quantity="0.01", **IN_QUOTE)
    now = await figures(world)
    assert (Decimal("1009.8"), 10, Decimal("0.2")) == (now["available"], now["trading_pnl"], now["fees"])
    assert [(Decimal("0.01"), 0, 0), (0, 10, Decimal("0.2"))] == await trips(world)
    await world.consistent()


async def test_a_new_position_pays_nothing_for_an_old_one(world: World) -> None:
    """A late trade of a round trip that has ended does not touch the cost of the next one."""
    await bought(world)
    await exit_order(world, quantity="0.01")
    await fill(world, "x1", "s1", side="sell", price="50000", quantity="0.01", **NO_FEE)
    await held(world, "0.01", "e2")
    await fill(world, "e1", "t1", price="49000", quantity="0.01", **NO_FEE)
    assert (Decimal(500), 10) == ((await position(world))["cost"], (await figures(world))["trading_pnl"])
    await world.consistent()


async def test_a_base_fee_of_what_was_sold_is_uncovered(world: World) -> None:
    """A late base fee that the position does not hold any more was the account's; the profile halts."""
    await bought(world)
    await exit_order(world, quantity="0.01")
    await fill(world, "x1", "s1", side="sell", price="50000", quantity="0.01", **NO_FEE)
    answer = await fill(
        world, "e1", "t1", price="50000", quantity="0.01", fee_quantity="0.00001", fee_asset="BTC"
    )
    assert ("OK", True) == (answer["code"], answer["halted"])
    assert ("halted", "sold more than it held") == await mode(world)
    assert "0.99999" == await world.unassigned("BTC")
    now = await figures(world)
    assert (1000, Decimal("0.5"), Decimal("0.5")) == (now["available"], now["trading_pnl"], now["fees"])
    await world.consistent()


# fee of the real trade of a sell of 0.004 out of 0.01 that cost 500: AVAILABLE, FEES, quantity, cost
SELLS: dict[str, tuple[dict[str, Any], str, str, str, str]] = {
    "none": (NO_FEE, "204", "0", "0.006", "300"),
    "quote": (IN_QUOTE, "203.8", "0.2", "0.006", "300"),
    "base at cost": ({"fee_quantity": "0.00001", "fee_asset": "BTC"}, "204", "0.5", "0.00599", "299.5"),
    "base rebate": ({"fee_quantity": "-0.00001", "fee_asset": "BTC"}, "204", "-0.5", "0.00601", "300.5"),
    "third": (
        {"fee_quantity": "0.001", "fee_asset": "BNB", "fee_rate": "600"},
        "203.4",
        "0.6",
        "0.006",
        "300",
    ),
}


@pytest.mark.parametrize("kind", SELLS)
async def test_a_real_sell_replaces_an_inferred_one(world: World, kind: str) -> None:
    """The price difference of a sell is profit, its fee is booked, what is held is as after the real one."""
    fee, got, fees, quantity, cost = SELLS[kind]
    await held(world)
    intent = await exit_order(world)
    await infer(world, "x1", "0.004", side="sell", average_price="50500")
    await finish(world, intent, "filled")
    assert 2 == (await figures(world))["trading_pnl"]
    answer = await fill(world, "x1", "s1", side="sell", price="51000", quantity="0.004", **fee)
    assert "filled" == answer["order_status"]
    now = await figures(world)
    assert (500 + Decimal(got), 4, Decimal(fees)) == (now["available"], now["trading_pnl"], now["fees"])
    left = await position(world)
    assert (Decimal(quantity), Decimal(cost), 0) == (
        left["quantity"],
        left["cost"],
        left["reserved_quantity"],
    )
    await world.consistent()


async def test_an_open_exit_sells_the_rest(world: World) -> None:
    """A real trade larger than the inferred one sells its own part at cost and frees that reservation."""
    await held(world)
    await exit_order(world)
    await infer(world, "x1", "0.001", side="sell", average_price="51000")
    answer = await fill(world, "x1", "s1", side="sell", price="51000", quantity="0.003", **NO_FEE)
    assert "open" == answer["order_status"]
    left = await position(world)
    assert (Decimal("0.007"), 350, Decimal("0.001")) == (
        left["quantity"],
        left["cost"],
        left["reserved_quantity"],
    )
    assert 3 == (await figures(world))["trading_pnl"]
    await world.consistent()


async def test_dust_takes_its_share_where_it_lies(world: World) -> None:
    """A correction of a position that is dust by now changes DUST; a part of its own takes the dust back."""
    intent = await bought(world, "0.004")
    await exit_order(world, quantity="0.0039")
    await fill(world, "x1", "s1", side="sell", price="50000", quantity="0.0039", **NO_FEE)
    assert Decimal(5) == (await figures(world))["reserved_for_positions"]  # worth as much as the least order
    await world.admin.execute("UPDATE engine.positions SET last_fill_price = 40000")
    await finish(world, intent, "canceled", filled_quantity="0.004")
    await exit_order(world, "x2", quantity="0.0001", limit_price="60000")
    await finish(world, await order_of(world, "x2"), "canceled", filled_quantity="0")
    assert (Decimal(5), True) == ((await figures(world))["dust"], (await position(world))["is_dust"])
    await fill(world, "e1", "t1", price="40000", quantity="0.002", **NO_FEE)
    now = await figures(world)
    assert (Decimal("4.5"), 0, Decimal("19.5")) == (
        now["dust"],
        now["reserved_for_positions"],
        now["trading_pnl"],
    )
    await fill(world, "e1", "t2", price="50000", quantity="0.004", **NO_FEE)
    now = await figures(world)
    assert (0, Decimal("104.5"), False) == (
        now["dust"],
        now["reserved_for_positions"],
        (await position(world))["is_dust"],
    )
    await world.consistent()


async def order_of(world: World, exchange_order_id: str) -> UUID:
    intent: UUID = await world.admin.fetchval(
        "SELECT intent_id FROM engine.orders WHERE exchange_order_id = $1", exchange_order_id
    )
    return intent


async def test_a_difference_below_zero_halts(world: World) -> None:
    """A dearer real trade is booked in any case, and halts a profile whose available falls below zero."""
    await bought(world)
    await held(world, "0.0099", "e2")
    answer = await fill(world, "e1", "t1", price="51000", quantity="0.005", **NO_FEE)
    assert ("OK", False) == (answer["code"], answer["halted"])
    answer = await fill(world, "e1", "t2", price="51000", quantity="0.005", **NO_FEE)
    assert ("OK", True) == (answer["code"], answer["halted"])
    assert ("halted", "available below zero") == await mode(world)
    assert (-5, {"inferred:0.01": True}) == ((await figures(world))["available"], await superseded(world))
    await world.consistent()


async def test_an_unvalued_fee_of_an_ended_order(world: World) -> None:
    """A late trade's fee without a rate is flagged, and valued later out of AVAILABLE."""
    await bought(world)
    fee = {"fee_quantity": "0.001", "fee_asset": "BNB"}
    await fill(world, "e1", "t1", price="50000", quantity="0.01", **fee)
    item = {"account_id": str(world.one.account), "symbol": "BTC/USDT", "exchange_order_id": "e1"}
    item |= {"exchange_trade_id": "t1", "fee_rate": "600", "rate_source": "test"}
    (answer,) = await world.call("fn_value_fee", world.one.id, [item])
    assert ("OK", "0.6") == (answer["code"], answer["fee_value"])
    now = await figures(world)
    assert (Decimal("499.4"), Decimal("0.6")) == (now["available"], now["fees"])
    await world.consistent()


async def test_another_word_on_a_known_trade(world: World) -> None:
    """A trade told again with other data is kept as it was booked, and the answer says so; nothing moves."""
    await confirmed(world)
    first = {"price": "50000", "quantity": "0.004", **IN_QUOTE}
    await fill(world, "e1", "t1", **first)
    kept = {"price": "50000", "quantity": "0.004", "fee_asset": "USDT", "fee_quantity": "0.2"}
    for changes in ({"price": "50050"}, {"quantity": "0.005"}, {"fee_quantity": "10"}, {"fee_asset": "BNB"}):
        answer = await world.leaves_nothing(
            lambda changes=changes: fill(world, "e1", "t1", **{**first, **changes})
        )
        assert ("DUPLICATE", kept) == (answer["code"], answer["kept"])
    for same in (first, {**first, "price": "50000.00"}, {**first, **NO_FEE}):
        assert "kept" not in await fill(world, "e1", "t1", **same)
