"""fn_due_cancels: open orders whose cancel was asked for."""

from tests.sql.capital.trading import confirmed, one
from tests.sql.capital.world import OPERATOR, World


async def test_lists_what_waits_for_its_cancel(world: World) -> None:
    """An open order appears once its cancel is asked for, and not before."""
    await world.allocate("1000")
    intent = await confirmed(world)
    assert [] == await world.conn.fetch("SELECT * FROM engine.fn_due_cancels(10)")
    await one(world, "fn_request_cancel", {"intent_id": str(intent), "actor": OPERATOR})
    rows = await world.conn.fetch("SELECT * FROM engine.fn_due_cancels(10)")
    assert [(world.one.id, world.one.account, intent)] == [tuple(row) for row in rows]
    assert [] == await world.conn.fetch("SELECT * FROM engine.fn_due_cancels(0)")
