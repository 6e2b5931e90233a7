"""fn_assign_order: an operator says whose an order is that no intent explains."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from tests.sql.capital.world import OPERATOR, SYMBOL, World, call
from tests.sql.lifecycle.acts import figures, fill, held, mode, position
from tests.sql.reconcile.passes import Passes, found, kinds, owners, trade
from tests.sql.reconcile.test_fn_compare_account import account_mode, order


def args(world: World, reported: dict[str, Any], profile: UUID | None, key: str = "k") -> tuple[Any, ...]:
    """What fn_assign_order takes after the tenant."""
    named = (SYMBOL, reported["exchange_order_id"], profile, reported, key, OPERATOR, "it is theirs")
    return (world.one.account, *named)


async def assign(world: World, reported: dict[str, Any], profile: UUID | None, key: str = "k") -> Any:
    return await world.call("fn_assign_order", world.one.id, *args(world, reported, profile, key))


async def test_an_unknown_order_becomes_a_profiles(world: World, passes: Passes) -> None:
    """Its fills leave the unassigned holding and are the profile's; the next pass lifts the account."""
    await passes.begin()
    own = order("u1", "habcxxxxxxxxxxxxxx", status="canceled", filled_quantity="0.004")
    fills = [
        trade("u1", "t1", client_order_id="habcxxxxxxxxxxxxxx", fee_asset="BTC", fee_quantity="0.000004")
    ]
    balances = {"USDT": "9800.04", "BTC": "1.003996"}
    answer = await passes.account(own_orders=[own], foreign_fills=fills, balances=balances)
    assert [("unknown_own_order", f"{SYMBOL}:u1")] == kinds(answer)
    assert "8800.04" == await world.unassigned()
    await passes.finish("open", found(answer))
    given = await assign(world, own, world.one.profile)
    assert ("OK", False, "confirmed", "canceled") == (
        given["code"],
        given["replay"],
        given["order"]["state"],
        given["order"]["order"]["status"],
    )
    assert ("9000", "1") == (await world.unassigned(), await world.unassigned("BTC"))
    held_now = await position(world)
    assert (Decimal("0.003996"), Decimal("199.76004")) == (held_now["quantity"], held_now["cost"])
    assert Decimal("800.04") == (await figures(world))["available"]
    assert "reducing" == (await account_mode(world))[0]
    await world.consistent()
    again = await world.leaves_nothing(lambda: assign(world, own, world.one.profile))
    assert (True, given["order"]["id"]) == (again["replay"], again["order"]["id"])
    await passes.begin()
    clean = await passes.account(own_orders=[own], foreign_fills=fills, balances=balances)
    assert ([], [], "compared", "active") == (
        clean["mismatches"],
        clean["explained"],
        clean["equations"],
        clean["mode"]["after"],
    )
    part = passes.part(fills=fills)
    assert (
        []
        == (await world.call("fn_compare_profile", world.one.id, world.one.profile, None, part))["mismatches"]
    )
    (row,) = await world.call("fn_list_mismatches", world.one.id, {"kind": "unknown_own_order"})
    assert ("assigned", str(world.one.profile)) == (row["state"], row["profile_id"])


async def test_an_open_order_is_reserved_for(world: World, passes: Passes) -> None:
    """It lives on as the profile's: its reservation stands, its next fill is booked there."""
    await passes.begin()
    given = await assign(world, order("u1", None), world.one.profile)
    assert "open" == given["order"]["order"]["status"]
    assert Decimal("499.5") == (await figures(world))["available"]
    assert "OK" == (await fill(world, "u1", "t1"))["code"]
    await world.consistent()
    (whose,) = await owners(world, world.one, (SYMBOL, "u1", None))
    assert given["order"]["id"] == str(whose[1])


async def test_a_foreign_sell_becomes_the_exit_of_who_held_it(world: World, passes: Passes) -> None:
    """Position and proceeds of the sell are the profile's; after a clean pass an operator resumes it."""
    await held(world, "0.01")
    await passes.begin()
    sold = trade("f1", "t1", client_order_id="web", side="sell", quantity="0.01", price="50000")
    gone = [
        {
            "id": "W1",
            "kind": "withdrawal",
            "asset": "BTC",
            "quantity": "1",
            "fee": "0",
            "at": sold["exchange_time"],
        }
    ]
    balances = {"USDT": "10000", "BTC": "0"}
    answer = await passes.account(foreign_fills=[sold], transfers=gone, balances=balances)
    assert [("holdings_shortfall", "BTC")] == kinds(answer)
    assert ("halted", "foreign sell of BTC") == await mode(world)
    reported = order("f1", "web", side="sell", status="filled", filled_quantity="0.01")
    given = await assign(world, reported, world.one.profile)
    assert ("OK", "exit", "filled") == (
        given["code"],
        given["order"]["kind"],
        given["order"]["order"]["status"],
    )
    assert Decimal(0) == (await position(world))["quantity"]
    assert Decimal(1000) == (await figures(world))["available"]
    await world.consistent()
    await passes.begin()
    assert ([], "active") == (
        (clean := await passes.account(balances=balances))["mismatches"],
        clean["mode"]["after"],
    )
    resume = ("profile", world.one.profile, "active", OPERATOR, "assigned")
    await world.call("fn_set_mode", world.one.id, *resume)
    assert "active" == (await mode(world))[0]


async def test_nobodys_stays_on_the_unassigned_holding(world: World, passes: Passes) -> None:
    """The decision is remembered, also of an order that no pass has shown yet."""
    await passes.begin()
    fills = [trade("f1", "t1", client_order_id="web")]
    await passes.account(foreign_fills=fills, balances=None)
    given = await assign(world, order("f1", "web"), None)
    assert {"code": "OK", "replay": False, "order": None} == given
    assert ("8800.04", "1.004") == (await world.unassigned(), await world.unassigned("BTC"))
    again = await world.leaves_nothing(lambda: assign(world, order("f1", "web"), None))
    assert again["replay"]
    answer = await passes.account(foreign_orders=[order("f1", "web")], balances=None)
    assert [] == answer["explained"]
    late = await assign(world, order("f1", "web"), world.one.profile, "second thoughts")
    assert "OK" == late["code"]
    assert ("9000", "1") == (await world.unassigned(), await world.unassigned("BTC"))


async def test_no_capital_is_created(world: World, passes: Passes) -> None:
    """A profile that could not have paid for the order, or does not hold what it sells, does not get it."""
    await passes.begin()

    async def all_denied() -> None:
        dear = await assign(world, order("u1", None, quantity="1"), world.one.profile)
        assert {"code": "INSUFFICIENT_CAPITAL", "required": "50050", "available": "1000"} == dear
        short = await assign(world, order("u1", None, side="sell"), world.one.profile)
        assert {"code": "INSUFFICIENT_POSITION", "required": "0.01", "sellable": "0"} == short

    await world.leaves_nothing(all_denied)
    second = await world.one.add_profile(world.conn, uuid4(), "second")
    given = await assign(world, order("u1", None), world.one.profile)
    conflict = {"code": "CONFLICT", "intent_id": given["order"]["id"]}
    assert conflict == await assign(world, order("u1", None), second, "k2")
    assert conflict == await assign(world, order("u1", None), None, "k3")
    named = order("u2", given["order"]["client_order_id"])
    assert conflict == await assign(world, named, world.one.profile, "k4")


async def test_two_operators_at_once_make_one_order(world: World, passes: Passes) -> None:
    """The second finds the first's order, whether a pass has shown its trades or not."""
    await passes.begin()
    await passes.account(foreign_fills=[trade("u1", "t1")], balances=None)
    await both_at_once(world, "u1", "k1")
    await both_at_once(world, "u2", "k2")


async def both_at_once(world: World, name: str, key: str) -> None:
    conns = [await world.database.connect() for _ in range(3)]
    given = args(world, order(name, None, quantity="0.005"), world.one.profile, key)
    answers = await asyncio.gather(*(call(conn, "fn_assign_order", world.one.id, *given) for conn in conns))
    assert [False, True, True] == sorted(answer["replay"] for answer in answers)
    assert 1 == len({answer["order"]["id"] for answer in answers})
    await world.consistent()


async def test_refusals_leave_nothing(world: World, passes: Passes) -> None:
    """Accounts, profiles, instruments, keys, reasons and reports are checked before anything is written."""
    await passes.begin()
    one, good = world.one, order("u1", None)
    await assign(world, order("used", None, quantity="0.001"), one.profile, "used")
    euro = await one.add_profile(world.conn, uuid4(), "euro", "EUR")

    async def all_refused() -> None:
        name = "fn_assign_order"
        for sqlstate, given in (
            ("HF404", (world.other.account, SYMBOL, "u1", None, good, "k", OPERATOR, "r")),
            ("HF404", (one.account, SYMBOL, "u1", world.other.profile, good, "k", OPERATOR, "r")),
            ("HF404", (one.account, SYMBOL, "u1", euro, good, "k", OPERATOR, "r")),
            ("HF404", (one.account, "ETH/USDT", "u1", one.profile, good, "k", OPERATOR, "r")),
            ("HF413", (one.account, SYMBOL, "u1", None, good, None, OPERATOR, "r")),
            ("HF414", (one.account, SYMBOL, "u1", None, good, "used", OPERATOR, "r")),
            ("HF422", (one.account, SYMBOL, "u1", None, good, "k", OPERATOR, None)),
            ("HF422", (one.account, SYMBOL, "", None, good, "k", OPERATOR, "r")),
            ("HF422", (one.account, SYMBOL, "u1", one.profile, {**good, "side": None}, "k", OPERATOR, "r")),
            ("HF422", (one.account, SYMBOL, "u1", one.profile, {**good, "status": "x"}, "k", OPERATOR, "r")),
            (
                "HF422",
                (one.account, SYMBOL, "u1", one.profile, {**good, "quantity": "0"}, "k", OPERATOR, "r"),
            ),
            ("HF422", (one.account, SYMBOL, "u1", one.profile, {**good, "price": None}, "k", OPERATOR, "r")),
        ):
            await world.refused(sqlstate, name, one.id, *given)
        await world.refused_to_foreign_claim(name, *args(world, good, one.profile))

    await world.leaves_nothing(all_refused)
