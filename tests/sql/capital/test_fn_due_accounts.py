"""fn_due_accounts: ids of all accounts, over all tenants."""

from tests.sql.capital.world import World


async def test_lists_ids_of_every_tenant(world: World) -> None:
    """Both tenants' accounts are listed, by ids alone."""
    rows = await world.conn.fetch("SELECT * FROM engine.fn_due_accounts()")
    assert {(tenant.id, tenant.account) for tenant in (world.one, world.other)} == {
        tuple(row) for row in rows
    }
