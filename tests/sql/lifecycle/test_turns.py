"""Lone entries of one profile wait in line for its capital; nobody else has to."""

import asyncio
from decimal import Decimal

from tests.sql.capital.trading import next_intent, order_item
from tests.sql.capital.world import World, call
from tests.sql.lifecycle.test_plain_arrays import plain, prepare

CALLERS = 6
_WAITING = "SELECT locktype FROM pg_locks WHERE NOT granted"


async def test_lone_entries_stand_in_line(world: World) -> None:
    """They wait for their turn, not for the row that is being changed, and all get what they asked for."""
    ids = [str(next_intent()) for _ in range(20)]
    await prepare(world, world.one, next_intent())
    first = await world.database.connect()
    transaction = first.transaction()
    await transaction.start()
    await call(first, "fn_open_entry", world.one.id, [plain(world.one, 0, ids, symbol="S12")])
    waiting = [
        asyncio.create_task(
            call(await world.database.connect(), "fn_open_entry", world.one.id, [plain(world.one, n, ids)])
        )
        for n in range(1, CALLERS + 1)
    ]
    async with asyncio.timeout(20):
        while len(locks := [row[0] for row in await world.admin.fetch(_WAITING)]) < CALLERS:
            assert not any(task.done() for task in waiting)
    assert ["advisory"] * CALLERS == locks
    await transaction.commit()
    assert {"OK"} == {answer["code"] for answers in await asyncio.gather(*waiting) for answer in answers}
    await world.consistent()


async def test_an_array_does_not_stand_in_line(world: World) -> None:
    """It waits for the row alone, and neither way of waiting makes the other one wrong."""
    ids = [str(next_intent()) for _ in range(20)]
    await prepare(world, world.one, next_intent())
    first = await world.database.connect()
    transaction = first.transaction()
    await transaction.start()
    await call(first, "fn_open_entry", world.one.id, [plain(world.one, 1, ids)])
    arrays = [[plain(world.one, n, ids) for n in (2, 3)], [order_item(world.one, "alone", quantity="0.001")]]
    waiting = [
        asyncio.create_task(call(await world.database.connect(), "fn_open_entry", world.one.id, array))
        for array in arrays
    ]
    async with asyncio.timeout(20):
        while len(locks := {row[0] for row in await world.admin.fetch(_WAITING)}) < len(arrays):
            assert not any(task.done() for task in waiting)
    assert {"advisory", "transactionid"} == locks
    await transaction.commit()
    assert {"OK"} == {answer["code"] for answers in await asyncio.gather(*waiting) for answer in answers}
    held = await world.admin.fetchval(
        "SELECT reserved_for_orders FROM engine.profile_capital WHERE profile_id = $1", world.one.profile
    )
    assert Decimal("200.2") == held
    await world.consistent()
