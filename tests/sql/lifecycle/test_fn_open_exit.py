"""fn_open_exit: quantity of a position is reserved for a sell; no mode refuses it."""

import asyncio
from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.trading import order_item
from tests.sql.capital.world import World, call, state
from tests.sql.lifecycle.acts import figures, held, position, result, selling, state_of

FUNCTION = "fn_open_exit"


async def test_success_reserves_quantity_and_moves_no_capital(world: World) -> None:
    """An open exit has its intent and its reserved quantity; no economic event, no entry lock."""
    await held(world)
    before = await figures(world)
    item = await selling(world)
    assert Decimal("0.004") == (await position(world))["reserved_quantity"]
    assert before == await figures(world)
    assert "sending" == await state_of(world, item["intent_id"])
    assert 1 == len(await world.outbox("exit.sending"))
    await world.consistent()


async def test_replay_gives_the_present_state(world: World) -> None:
    """The same key opens nothing again; another body is refused."""
    await held(world)
    item = await selling(world)
    again = await world.leaves_nothing(lambda: result(world, FUNCTION, item))
    assert ("REPLAY", item["intent_id"]) == (again["code"], again["intent"]["id"])
    reused = await result(world, FUNCTION, {**item, "request_hash": "other"})
    assert {"code": "IDEMPOTENCY_KEY_REUSED"} == reused


async def test_all_is_what_whole_lots_can_sell(world: World) -> None:
    """Quantity "all" is the held quantity, less other exits, down to the lot; market needs no price."""
    await held(world)
    await world.admin.execute("UPDATE engine.positions SET quantity = 0.01009, cost = cost")
    await selling(world, quantity="0.004")
    market = order_item(world.one, "all", quantity="all", type="market", limit_price=None)
    answer = await result(world, FUNCTION, market)
    assert ("OK", "0.006") == (answer["code"], answer["quantity"])


async def test_more_than_held_is_denied_stored_and_says_what_is_sellable(world: World) -> None:
    """The denial names sellable, held and what other exits hold, and stays with its key."""
    await held(world)
    await selling(world)
    item = order_item(world.one, "k2", quantity="0.007")
    expected = {"code": "INSUFFICIENT_POSITION", "sellable": "0.006", "held": "0.01", "in_exits": "0.004"}
    assert expected == await result(world, FUNCTION, item)
    assert {"code": "REPLAY", "denial": expected} == await result(world, FUNCTION, item)
    assert 1 == len(await world.outbox("exit.denied"))


async def test_modes_do_not_refuse_exits(world: World) -> None:
    """A halted profile, account, tenant and engine still let positions be sold."""
    await held(world)
    for table in ("profile_capital", "exchange_accounts", "tenants", "engine_settings"):
        await world.admin.execute(f"UPDATE engine.{table} SET mode = 'halted'")  # noqa: S608
    assert await selling(world)


async def test_bad_requests_leave_nothing_and_foreign_tenants_see_nothing(world: World) -> None:
    """A request that is wrong in itself, or foreign, is answered with its code and leaves no row."""
    await held(world)
    before = await state(world.admin)
    wrong = {
        "INVALID_NUMBER": {"quantity": "everything"},
        "NOT_FOUND": {"profile_id": str(uuid4())},
        "UNKNOWN_SYMBOL": {"symbol": "ETH/USDT"},
        "INVALID_QUANTITY": {"quantity": "0.00015"},
        "INVALID_PRICE": {"limit_price": "50000.001"},
        "BELOW_MIN_NOTIONAL": {"quantity": "0.0001", "limit_price": "100"},
    }
    for code, changes in wrong.items():
        assert code == (await result(world, FUNCTION, order_item(world.one, "k1", **changes)))["code"]
    item = order_item(world.one, "k1")
    assert {"code": "NOT_FOUND"} == await result(world, FUNCTION, item, world.other.id)
    assert before == await state(world.admin)
    await world.refused_to_foreign_claim(FUNCTION, [item])
    await world.refused("HF422", FUNCTION, world.one.id, [])


async def test_racing_exits_never_sell_more_than_is_held(world: World) -> None:
    """Eight concurrent exits of 0.004 out of 0.01: two are opened."""
    await held(world)
    conns = [await world.database.connect() for _ in range(8)]
    answers = await asyncio.gather(
        *(
            call(conn, FUNCTION, world.one.id, [order_item(world.one, f"x{n}", quantity="0.004")])
            for n, conn in enumerate(conns)
        )
    )
    codes = [answer[0]["code"] for answer in answers]
    assert (2, 6) == (codes.count("OK"), codes.count("INSUFFICIENT_POSITION"))
