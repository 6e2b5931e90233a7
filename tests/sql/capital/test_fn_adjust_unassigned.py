"""fn_adjust_unassigned: what an account holds beside its profiles changes only with an explanation."""

import asyncio
from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.world import BAD_NUMBERS, OPERATOR, World, call


async def test_books_each_cause(world: World) -> None:
    """Deposits, withdrawals, foreign fills and adjustments move the holding, each with its event."""
    one = world.one
    for number, (cause, delta) in enumerate(
        (("deposit", "2.5"), ("withdrawal", "-1"), ("foreign_fill", "-0.5"), ("adjustment", "3"))
    ):
        args = (one.id, one.account, "ETH", Decimal(delta), cause, f"k{number}", OPERATOR, "seen")
        answer = await world.call("fn_adjust_unassigned", *args)
    assert "4" == answer["quantity"] == await world.unassigned("ETH")
    assert 4 == len(await world.outbox("unassigned.changed"))
    total = await world.admin.fetchval(
        "SELECT trim_scale(sum(delta))::text FROM engine.unassigned_events WHERE asset = 'ETH'"
    )
    assert "4" == total
    again = await world.leaves_nothing(lambda: world.call("fn_adjust_unassigned", *args))
    assert (answer["event_id"], True, "4") == (again["event_id"], again["replay"], again["quantity"])


async def test_a_shortfall_puts_the_account_in_reducing(world: World) -> None:
    """More gone than was unassigned is a fact: it is booked and the account takes no entries."""
    one = world.one
    await world.allocate("9000")
    args = (one.id, one.account, "USDT", Decimal(-1500), "withdrawal", "k", OPERATOR, "seen")
    assert "-500" == (await world.call("fn_adjust_unassigned", *args))["quantity"]
    (shown,) = await world.call("fn_list_accounts", one.id)
    assert ("reducing", "unassigned USDT below zero") == (shown["mode"], shown["mode_reason"])
    assert 1 == len(await world.outbox("account.reducing"))
    assert "ACCOUNT_CAPITAL_EXCEEDED" == (await world.allocate("1", "more"))["code"]


async def test_refusals_leave_nothing(world: World) -> None:
    """Causes with the wrong sign, bad numbers, reused and missing keys, foreign accounts are refused."""
    one = world.one
    args = ("ETH", Decimal(2), "deposit", "used", OPERATOR, "seen")
    await world.call("fn_adjust_unassigned", one.id, one.account, *args)

    async def all_refused() -> None:
        for delta, cause in (
            (-1, "deposit"),
            (1, "withdrawal"),
            (0, "adjustment"),
            (1, "baseline"),
            (1, None),
        ):
            bad = ("ETH", Decimal(delta), cause, "k", OPERATOR, "seen")
            await world.refused("HF422", "fn_adjust_unassigned", one.id, one.account, *bad)
        for delta in BAD_NUMBERS:
            bad = ("ETH", delta, "adjustment", "k", OPERATOR, "seen")
            await world.refused("HF422", "fn_adjust_unassigned", one.id, one.account, *bad)
        for name, bad in (
            ("HF422", ("", Decimal(1), "deposit", "k", OPERATOR, "seen")),
            ("HF422", ("ETH", Decimal(1), "deposit", "k", OPERATOR, None)),
            ("HF413", ("ETH", Decimal(1), "deposit", None, OPERATOR, "seen")),
            ("HF414", ("ETH", Decimal(3), "deposit", "used", OPERATOR, "seen")),
            ("HF414", ("BNB", Decimal(2), "deposit", "used", OPERATOR, "seen")),
        ):
            await world.refused(name, "fn_adjust_unassigned", one.id, one.account, *bad)
        await world.refused("HF404", "fn_adjust_unassigned", one.id, world.other.account, *args)
        await world.refused("HF404", "fn_adjust_unassigned", one.id, uuid4(), *args)
        await world.refused_to_foreign_claim("fn_adjust_unassigned", one.account, *args)

    await world.leaves_nothing(all_refused)


async def test_the_same_key_at_once_is_one_event(world: World) -> None:
    """Four callers with one key and an asset that is new make one event."""
    one = world.one
    conns = [await world.database.connect() for _ in range(4)]
    args = (one.id, one.account, "SOL", Decimal(3), "deposit", "k", OPERATOR, "seen")
    answers = await asyncio.gather(*(call(conn, "fn_adjust_unassigned", *args) for conn in conns))
    assert 1 == len({answer["event_id"] for answer in answers})
    assert "3" == await world.unassigned("SOL")
