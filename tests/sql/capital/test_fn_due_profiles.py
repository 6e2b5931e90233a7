"""fn_due_profiles: ids of all profiles, over all tenants."""

from tests.sql.capital.world import World


async def test_lists_ids_of_every_tenant(world: World) -> None:
    """Both tenants' profiles are listed, by ids alone."""
    rows = await world.conn.fetch("SELECT * FROM engine.fn_due_profiles()")
    assert {(tenant.id, tenant.profile) for tenant in (world.one, world.other)} == {
        tuple(row) for row in rows
    }
