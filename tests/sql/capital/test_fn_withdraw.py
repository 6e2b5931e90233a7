"""fn_withdraw: capital goes back to unassigned, never below available 0."""

import asyncio
from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.world import BAD_NUMBERS, OPERATOR, World, call


async def test_moves_available_back_to_unassigned(world: World) -> None:
    """A withdrawal is the reverse of an allocation, and a repeated key gives the first event."""
    await world.allocate("100")
    args = (world.one.id, world.one.profile, Decimal(40), "out", OPERATOR, "payout")
    answer = await world.call("fn_withdraw", *args)
    assert ("60", "60") == (answer["capital"]["allocated"], answer["capital"]["available"])
    assert "9940" == await world.unassigned()
    again = await world.leaves_nothing(lambda: world.call("fn_withdraw", *args))
    assert answer["event_id"] == again["event_id"]
    assert again["replay"]
    assert 1 == len(await world.outbox("capital.withdrawn"))
    await world.consistent()


async def test_never_below_available_zero(world: World) -> None:
    """More than available is denied with the numbers and leaves nothing."""
    await world.allocate("100")
    args = (world.one.id, world.one.profile, Decimal("100.01"), "out", OPERATOR, None)
    answer = await world.leaves_nothing(lambda: world.call("fn_withdraw", *args))
    assert {"code": "INSUFFICIENT_CAPITAL", "required": "100.01", "available": "100"} == answer


async def test_profit_can_be_withdrawn(world: World) -> None:
    """A profile that earned may have more withdrawn than was put in: allocated falls below zero."""
    await world.allocate("100")
    one = world.one
    await world.call(
        "fn_adjust",
        one.id,
        one.profile,
        "AVAILABLE",
        "TRADING_PNL",
        Decimal(50),
        None,
        None,
        "p",
        OPERATOR,
        "won",
    )
    answer = await world.call("fn_withdraw", one.id, one.profile, Decimal(150), "out", OPERATOR, None)
    assert ("-50", "0") == (answer["capital"]["allocated"], answer["capital"]["available"])
    assert "10000" == await world.unassigned()
    await world.consistent()


async def test_refusals_leave_nothing(world: World) -> None:
    """Bad numbers, a missing or reused key and a foreign profile change no row."""
    await world.allocate("100")
    one = world.one

    async def all_refused() -> None:
        for amount in (*BAD_NUMBERS, Decimal(0), Decimal(-1)):
            await world.refused("HF422", "fn_withdraw", one.id, one.profile, amount, "bad", OPERATOR, None)
        await world.refused("HF413", "fn_withdraw", one.id, one.profile, Decimal(1), None, OPERATOR, None)
        await world.refused(
            "HF414", "fn_withdraw", one.id, one.profile, Decimal(100), "first", OPERATOR, None
        )
        await world.refused(
            "HF404", "fn_withdraw", one.id, world.other.profile, Decimal(1), "k", OPERATOR, None
        )
        await world.refused_to_foreign_claim("fn_withdraw", one.profile, Decimal(1), "k", OPERATOR, None)

    await world.leaves_nothing(all_refused)


async def test_allocate_and_withdraw_at_once_keep_the_equations(world: World) -> None:
    """Two profiles moved in both directions by four callers end with every unit accounted for."""
    one = world.one
    second = await one.add_profile(world.conn, uuid4(), "second")
    for profile in (one.profile, second):
        await world.call("fn_allocate", one.id, profile, Decimal(4000), f"start-{profile}", OPERATOR, None)
    conns = [await world.database.connect() for _ in range(4)]

    async def moves(number: int) -> None:
        for turn in range(6):
            function = "fn_allocate" if (turn + number) % 2 else "fn_withdraw"
            profile = one.profile if turn % 2 else second
            args = (one.id, profile, Decimal(1500 + number), f"{number}-{turn}", OPERATOR, None)
            await call(conns[number], function, *args)

    await asyncio.gather(*(moves(number) for number in range(4)))
    equations = {row["asset"]: row for row in await world.call("fn_account_equations", one.id, one.account)}
    assert "10000" == equations["USDT"]["expected_exchange_balance"]
    assert 0 <= Decimal(equations["USDT"]["unassigned"])
    await world.consistent()
