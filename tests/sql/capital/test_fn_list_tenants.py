"""fn_list_tenants: ids of all tenants, nothing else."""

from tests.sql.capital.world import World


async def test_lists_ids(world: World) -> None:
    """Both tenants' ids are listed."""
    rows = await world.conn.fetch("SELECT * FROM engine.fn_list_tenants()")
    assert {world.one.id, world.other.id} == {row["tenant_id"] for row in rows}
    assert [["tenant_id"]] * 2 == [list(row.keys()) for row in rows]
