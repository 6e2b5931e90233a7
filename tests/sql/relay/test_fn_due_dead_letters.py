"""fn_due_dead_letters: how many wait for an operator, by ids and counts alone."""

from uuid import UUID

from tests.sql.capital.world import OPERATOR, World
from tests.sql.relay.claims import claimed, dead, numbered


async def test_counts_open_ones(world: World) -> None:
    """Open letters are counted by tenant and direction; what was dropped is not."""
    await numbered(world)
    token = await claimed(world)
    ids = [await dead(world, token, seq) for seq in (1, 2)]
    look = "SELECT * FROM engine.fn_due_dead_letters()"
    assert [(world.one.id, "out", 2)] == [tuple(row) for row in await world.conn.fetch(look)]
    await world.call("fn_drop_dead_letter", world.one.id, UUID(ids[0]), OPERATOR, "x")
    assert [(world.one.id, "out", 1)] == [tuple(row) for row in await world.conn.fetch(look)]
