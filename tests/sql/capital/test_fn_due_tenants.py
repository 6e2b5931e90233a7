"""fn_due_tenants: ids of all tenants, over all tenants."""

from tests.sql.capital.world import World


async def test_lists_ids_of_every_tenant(world: World) -> None:
    """Both tenants' tenants are listed, by ids alone."""
    rows = await world.conn.fetch("SELECT * FROM engine.fn_due_tenants()")
    assert {(tenant.id,) for tenant in (world.one, world.other)} == {tuple(row) for row in rows}
