"""fn_due_cancels: open orders whose cancel was asked for."""

from tests.sql.capital.trading import EXCHANGE_TIME, confirmed, one
from tests.sql.capital.world import OPERATOR, World

READ = """
SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::integer
FROM pg_stat_xact_all_tables WHERE schemaname = 'engine' AND relname IN ('intents', 'orders')
"""


async def test_lists_what_waits_for_its_cancel(world: World) -> None:
    """An open order appears once its cancel is asked for, and not before."""
    await world.allocate("1000")
    intent = await confirmed(world)
    assert [] == await world.conn.fetch("SELECT * FROM engine.fn_due_cancels(10)")
    await one(world, "fn_request_cancel", {"intent_id": str(intent), "actor": OPERATOR})
    rows = await world.conn.fetch("SELECT * FROM engine.fn_due_cancels(10)")
    assert [(world.one.id, world.one.account, intent)] == [tuple(row) for row in rows]
    assert [] == await world.conn.fetch("SELECT * FROM engine.fn_due_cancels(0)")


async def test_what_was_canceled_before_costs_nothing(world: World) -> None:
    """Of forty orders that were asked to end and did, a look for the one that waits reads none."""
    await world.allocate("1000")
    for number in range(40):
        ended = await confirmed(world, f"e{number}")
        await one(world, "fn_request_cancel", {"intent_id": str(ended), "actor": OPERATOR})
        item = {"intent_id": str(ended), "status": "canceled", "filled_quantity": "0", "evidence": {}}
        await one(world, "fn_finish_order", {**item, "exchange_time": EXCHANGE_TIME})
    waits = await confirmed(world, "waits")
    await one(world, "fn_request_cancel", {"intent_id": str(waits), "actor": OPERATOR})
    async with world.conn.transaction():
        before = await world.conn.fetchval(READ)
        rows = await world.conn.fetch("SELECT intent_id FROM engine.fn_due_cancels(10)")
        read = await world.conn.fetchval(READ) - before
    assert ([waits], 2) == ([row["intent_id"] for row in rows], read)
