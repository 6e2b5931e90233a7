"""fn_schema_hash: what the database was deployed from, for an engine that cannot read its catalog."""

from engine.deploy.sources import read_tree
from tests.sql.capital.world import World


async def test_tells_what_was_deployed(world: World) -> None:
    """The hash is that of sql/ with the clock that tests deploy; without a record it is NULL."""
    assert read_tree().schema_hash(test_clock=True) == await world.call("fn_schema_hash")
    await world.admin.execute("DELETE FROM engine.schema_objects WHERE (kind, name) = ('schema', 'hash')")
    assert await world.call("fn_schema_hash") is None
