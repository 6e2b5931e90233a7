"""fn_rebuild_capital: the journal alone gives the stored balances, and a forged row is found."""

import asyncio
from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.world import OPERATOR, SYMBOL, World, call

FORGERIES = {
    "balance": "UPDATE engine.profile_capital SET allocated = allocated + 1, available = available + 1",
    "version": "UPDATE engine.profile_capital SET version = version + 1",
    "journal": "UPDATE engine.facts SET lines[1].amount = (lines[1]).amount + 1 WHERE lines IS NOT NULL",
    "last balance": "UPDATE engine.facts SET lines[1].debit_balance = (lines[1]).debit_balance + 1"
    " WHERE lines IS NOT NULL",
    "empty event": "UPDATE engine.facts SET lines = NULL",
    "gap": "DELETE FROM engine.economic_events WHERE version = 1",
    "position": "UPDATE engine.positions SET cost = cost + 1",
    "reservation": "UPDATE engine.positions SET reserved_quantity = 0.1",
}


async def test_equal_after_real_events_and_different_after_each_forgery(world: World) -> None:
    """Every kind of forged row makes it unequal and is named; a rollback makes it equal again."""
    one = world.one
    await world.allocate("100")
    position = ("RESERVED_FOR_POSITIONS", "CAPITAL", Decimal(50), SYMBOL, Decimal("0.5"))
    await world.call("fn_adjust", one.id, one.profile, *position, "k", OPERATOR, "why")
    fine = await world.leaves_nothing(lambda: world.call("fn_rebuild_capital", one.id, one.profile))
    assert fine["equal"]
    assert {"stored": 2, "journal": 2} == fine["versions"]
    assert fine["stored"] == fine["rebuilt"]
    found = {}
    for name, statement in FORGERIES.items():
        await world.admin.execute("SET session_replication_role = replica")
        transaction = world.admin.transaction()
        await transaction.start()
        await world.admin.execute(statement)
        forged = await world.admin.fetchval(
            "SELECT engine.fn_rebuild_capital($1, $2)::text", one.id, one.profile
        )
        found[name] = '"equal": false' in forged
        await transaction.rollback()
    assert dict.fromkeys(FORGERIES, True) == found
    assert fine == await world.call("fn_rebuild_capital", one.id, one.profile)


async def test_a_foreign_profile_does_not_exist(world: World) -> None:
    """Foreign and unknown profiles answer 404, a foreign claim 403."""
    await world.refused("HF404", "fn_rebuild_capital", world.one.id, world.other.profile)
    await world.refused("HF404", "fn_rebuild_capital", world.one.id, uuid4())
    await world.refused_to_foreign_claim("fn_rebuild_capital", world.one.profile)


async def test_is_one_snapshot(world: World) -> None:
    """While two callers move capital every rebuild is equal: balances and journal are of one moment."""
    one = world.one
    movers = [await world.database.connect() for _ in range(2)]

    async def move(number: int) -> None:
        for turn in range(20):
            args = (one.id, one.profile, Decimal(1), f"{number}-{turn}", OPERATOR, None)
            await call(movers[number], "fn_allocate", *args)

    moving = asyncio.gather(move(0), move(1))
    while not moving.done():
        assert (await world.call("fn_rebuild_capital", one.id, one.profile))["equal"]
        await asyncio.sleep(0)
    await moving
    assert "40" == (await world.capital())["allocated"]
