"""fn_allocate: capital comes from the account's unassigned holding and is never given twice."""

import asyncio
from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.world import BAD_NUMBERS, OPERATOR, World, call


async def test_moves_unassigned_into_the_profile(world: World) -> None:
    """An allocation raises allocated and available, lowers unassigned, and writes one event."""
    answer = await world.allocate("1000.5")
    assert "OK" == answer["code"]
    assert not answer["replay"]
    assert ("1000.5", "1000.5") == (answer["capital"]["allocated"], answer["capital"]["available"])
    assert "8999.5" == await world.unassigned()
    row = await world.admin.fetchrow(
        "SELECT e.version, e.type, j.debit_account, j.credit_account, trim_scale(j.debit_balance)::text"
        " FROM engine.economic_events e JOIN engine.journal j USING (tenant_id, event_id)"
        " WHERE e.event_id = $1",
        answer["event_id"],
    )
    assert (1, "allocate", "AVAILABLE", "CAPITAL", "1000.5") == tuple(row)
    facts = await world.outbox("capital.allocated")
    assert [{"amount": "1000.5", "asset": "USDT", "actor": OPERATOR, "reason": "start"}] == facts
    await world.consistent()


async def test_a_repeated_key_gives_the_first_event(world: World) -> None:
    """The same key with the same content changes nothing; with other content it is refused."""
    first = await world.allocate("100")
    again = await world.leaves_nothing(lambda: world.allocate("100.00"))
    assert (first["event_id"], True) == (again["event_id"], again["replay"])
    one = world.one
    await world.refused("HF414", "fn_allocate", one.id, one.profile, Decimal(101), "first", OPERATOR, None)
    await world.refused("HF414", "fn_withdraw", one.id, one.profile, Decimal(100), "first", OPERATOR, None)
    elsewhere = await one.add_profile(world.conn, uuid4(), "second")
    await world.refused("HF414", "fn_allocate", one.id, elsewhere, Decimal(100), "first", OPERATOR, None)


async def test_a_missing_key_is_refused_in_strict_mode(world: World) -> None:
    """Strict mode is the default; without it a call may go without a key."""
    args = (world.one.id, world.one.profile, Decimal(1), None, OPERATOR, None)
    await world.leaves_nothing(lambda: world.refused("HF413", "fn_allocate", *args))
    await world.admin.execute("UPDATE engine.engine_settings SET strict_idempotency = false")
    first, second = await world.call("fn_allocate", *args), await world.call("fn_allocate", *args)
    assert first["event_id"] != second["event_id"]


async def test_more_than_unassigned_is_denied_with_numbers(world: World) -> None:
    """A denial is an answer with the figures, and leaves no row."""
    answer = await world.leaves_nothing(lambda: world.allocate("10000.000000000000000001"))
    expected = {
        "code": "ACCOUNT_CAPITAL_EXCEEDED",
        "asset": "USDT",
        "required": "10000.000000000000000001",
        "unassigned": "10000",
    }
    assert expected == answer


async def test_bad_arguments_leave_nothing(world: World) -> None:
    """NaN, infinity, 10^40, excess scale, zero, a negative amount and a blank actor are refused."""
    one = world.one

    async def all_refused() -> None:
        for amount in (*BAD_NUMBERS, Decimal(0), Decimal(-1)):
            await world.refused("HF422", "fn_allocate", one.id, one.profile, amount, "bad", OPERATOR, None)
        await world.refused("HF422", "fn_allocate", one.id, one.profile, Decimal(1), "bad", " ", None)
        await world.refused("HF422", "fn_allocate", one.id, one.profile, Decimal(1), "", OPERATOR, None)

    await world.leaves_nothing(all_refused)


async def test_a_foreign_profile_does_not_exist(world: World) -> None:
    """Another tenant's profile answers 404, another tenant's claim 403; nothing moves."""

    async def both_refused() -> None:
        foreign = (world.one.id, world.other.profile, Decimal(1), "k", OPERATOR, None)
        await world.refused("HF404", "fn_allocate", *foreign)
        await world.refused_to_foreign_claim("fn_allocate", *foreign[1:])

    await world.leaves_nothing(both_refused)


async def test_two_profiles_race_for_the_last_money(world: World) -> None:
    """Of two profiles that take the last 10,000 at once exactly one gets it, whatever the order."""
    one = world.one
    second = await one.add_profile(world.conn, uuid4(), "second")
    mine, theirs = await world.database.connect(), await world.database.connect()
    answers = await asyncio.gather(
        call(mine, "fn_allocate", one.id, one.profile, Decimal(10000), "a", OPERATOR, None),
        call(theirs, "fn_allocate", one.id, second, Decimal(10000), "b", OPERATOR, None),
    )
    assert ["ACCOUNT_CAPITAL_EXCEEDED", "OK"] == sorted(answer["code"] for answer in answers)
    assert "0" == await world.unassigned()
    await world.consistent()


async def test_the_same_key_at_once_is_one_event(world: World) -> None:
    """Eight callers with one key make one event; all get its id."""
    one = world.one
    conns = [await world.database.connect() for _ in range(4)]
    answers = await asyncio.gather(
        *(call(conn, "fn_allocate", one.id, one.profile, Decimal(7), "k", OPERATOR, None) for conn in conns)
    )
    assert 1 == len({answer["event_id"] for answer in answers})
    assert 1 == sum(not answer["replay"] for answer in answers)
    assert "7" == (await world.capital())["allocated"]
