"""fn_adjust: an operator's correction keeps the ledger and the account's equations true."""

from decimal import Decimal
from typing import Any

from tests.sql.capital.world import BAD_NUMBERS, OPERATOR, SYMBOL, World

RESERVED = "RESERVED_FOR_POSITIONS"


async def adjust(world: World, debit: str, credit: str, amount: str, *position: str, key: str = "k") -> Any:
    symbol, quantity = (position[0], Decimal(position[1])) if position else (None, None)
    one = world.one
    args = (one.id, one.profile, debit, credit, Decimal(amount), symbol, quantity, key, OPERATOR, "why")
    return await world.call("fn_adjust", *args)


async def balances(world: World) -> dict[str, str]:
    rows = await world.call("fn_account_equations", world.one.id, world.one.account)
    return {row["asset"]: row["expected_exchange_balance"] for row in rows}


async def test_available_against_capital_and_pnl(world: World) -> None:
    """What the profile gains the unassigned holding loses, and the other way round."""
    await world.allocate("100")
    assert "OK" == (await adjust(world, "AVAILABLE", "CAPITAL", "10", key="a"))["code"]
    assert "OK" == (await adjust(world, "AVAILABLE", "TRADING_PNL", "5", key="b"))["code"]
    answer = await adjust(world, "CAPITAL", "AVAILABLE", "30", key="c")
    capital = answer["capital"]
    assert ("80", "85", "5") == (capital["allocated"], capital["available"], capital["trading_pnl"])
    assert "9915" == await world.unassigned()
    assert {"BTC": "1", "USDT": "10000"} == await balances(world)
    assert 3 == len(await world.outbox("capital.adjusted"))
    await world.consistent()


async def test_a_position_moves_base(world: World) -> None:
    """A position is raised from unassigned base and lowered back; at zero its round trip closes."""
    await world.allocate("100")
    await adjust(world, RESERVED, "CAPITAL", "50", SYMBOL, "0.5", key="up")
    (position,) = await world.call("fn_list_positions", world.one.id, world.one.profile)
    assert ("0.5", "50", "100") == (position["quantity"], position["cost"], position["average_price"])
    assert "0.5" == await world.unassigned("BTC")
    capital = await world.capital()
    assert ("150", "100") == (capital["allocated"], capital["available"])
    await adjust(world, "TRADING_PNL", RESERVED, "20", SYMBOL, "0", key="cost")
    await adjust(world, "TRADING_PNL", RESERVED, "30", SYMBOL, "0.5", key="down")
    assert [] == await world.call("fn_list_positions", world.one.id, world.one.profile)
    (trip,) = await world.call("fn_trade_history", world.one.id, {})
    assert "-50" == trip["trading_pnl"]
    assert {"BTC": "1", "USDT": "10000"} == await balances(world)
    await world.consistent()


async def test_a_repeated_key_gives_the_first_event(world: World) -> None:
    """The same content is answered with the first event, other content refused, for both shapes."""
    await world.allocate("100")
    first = await adjust(world, "AVAILABLE", "CAPITAL", "10", key="a")
    second = await adjust(world, RESERVED, "CAPITAL", "50", SYMBOL, "0.5", key="p")

    async def repeated() -> None:
        for event, args in (
            (first, ("AVAILABLE", "CAPITAL", "10")),
            (second, (RESERVED, "CAPITAL", "50", SYMBOL, "0.5")),
        ):
            again = await adjust(world, *args, key="a" if event is first else "p")
            assert (event["event_id"], True) == (again["event_id"], again["replay"])
        one = world.one
        for key, debit, credit, amount, symbol, quantity in (
            ("a", "AVAILABLE", "CAPITAL", 11, None, None),
            ("a", "AVAILABLE", "TRADING_PNL", 10, None, None),
            ("a", RESERVED, "CAPITAL", 10, SYMBOL, Decimal(10)),
            ("p", RESERVED, "CAPITAL", 50, SYMBOL, Decimal("0.4")),
            ("first", "AVAILABLE", "CAPITAL", 100, None, None),
        ):
            args = (debit, credit, Decimal(amount), symbol, quantity, key, OPERATOR, "why")
            await world.refused("HF414", "fn_adjust", one.id, one.profile, *args)

    await world.leaves_nothing(repeated)


async def test_more_than_unassigned_is_denied(world: World) -> None:
    """Money and base that the account does not have cannot be given to a profile."""

    async def denied() -> None:
        answer = await adjust(world, "AVAILABLE", "CAPITAL", "10001")
        assert {
            "code": "ACCOUNT_CAPITAL_EXCEEDED",
            "asset": "USDT",
            "required": "10001",
            "unassigned": "10000",
        } == answer
        answer = await adjust(world, RESERVED, "CAPITAL", "1", SYMBOL, "1.5")
        assert ("BTC", "1.5", "1") == (answer["asset"], answer["required"], answer["unassigned"])

    await world.leaves_nothing(denied)


async def test_available_below_zero_halts(world: World) -> None:
    """A correction is a fact: it is booked, and the profile halts in the same UPDATE."""
    await world.allocate("10")
    answer = await adjust(world, "TRADING_PNL", "AVAILABLE", "15")
    capital = answer["capital"]
    assert ("-5", "halted", "available below zero") == (
        capital["available"],
        capital["mode"],
        capital["mode_reason"],
    )
    assert 1 == len(await world.outbox("profile.halted"))
    await world.consistent()


async def test_refusals_leave_nothing(world: World) -> None:
    """Other pairs of accounts, bad numbers, positions that cannot give it, foreign things are refused."""
    await world.allocate("100")
    await adjust(world, RESERVED, "CAPITAL", "50", SYMBOL, "0.5", key="up")
    one = world.one

    async def refused(code: str, debit: str, credit: str, amount: Any, *position: Any) -> None:
        args = (debit, credit, amount, *(position or (None, None)), "k", OPERATOR, "why")
        await world.refused(code, "fn_adjust", one.id, one.profile, *args)

    async def all_refused() -> None:
        for debit, credit in (
            ("AVAILABLE", "FEES"),
            ("CAPITAL", "TRADING_PNL"),
            ("AVAILABLE", RESERVED),
            ("RESERVED_FOR_ORDERS", "CAPITAL"),
            ("X", "CAPITAL"),
        ):
            await refused("HF422", debit, credit, Decimal(1))
        for number in (*BAD_NUMBERS, Decimal(-1), Decimal(0)):
            await refused("HF422", "AVAILABLE", "CAPITAL", number)
        for number in (*BAD_NUMBERS, Decimal(-1)):
            await refused("HF422", RESERVED, "CAPITAL", Decimal(1), SYMBOL, number)
        await refused("HF422", "AVAILABLE", "CAPITAL", Decimal(1), SYMBOL, Decimal(1))
        await refused("HF422", RESERVED, "CAPITAL", Decimal(1), SYMBOL, None)
        await refused("HF422", RESERVED, "CAPITAL", Decimal(1))
        await refused("HF422", "CAPITAL", RESERVED, Decimal(1), SYMBOL, Decimal("0.6"))
        await refused("HF422", "CAPITAL", RESERVED, Decimal(51), SYMBOL, Decimal("0.1"))
        await refused("HF422", "CAPITAL", RESERVED, Decimal(49), SYMBOL, Decimal("0.5"))
        await refused("HF422", "CAPITAL", "DUST", Decimal(1), SYMBOL, Decimal("0.1"))
        await refused("HF404", RESERVED, "CAPITAL", Decimal(1), "ETH/USDT", Decimal(1))
        rest = ("AVAILABLE", "CAPITAL", Decimal(1), None, None)
        await world.refused("HF422", "fn_adjust", one.id, one.profile, *rest, "k", OPERATOR, " ")
        await world.refused("HF422", "fn_adjust", one.id, one.profile, *rest, "k", None, "why")
        await world.refused("HF413", "fn_adjust", one.id, one.profile, *rest, None, OPERATOR, "why")
        await world.refused("HF404", "fn_adjust", one.id, world.other.profile, *rest, "k", OPERATOR, "why")
        await world.refused_to_foreign_claim("fn_adjust", one.profile, *rest, "k", OPERATOR, "why")

    await world.leaves_nothing(all_refused)
