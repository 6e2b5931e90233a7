"""fn_find_key: from a key's hash to tenant and key, over all tenants, ids only."""

from tests.sql.capital.world import World


async def test_finds_whose_key_it_is(world: World) -> None:
    """Each tenant's key leads to that tenant; an unknown hash to nobody."""
    for tenant in (world.one, world.other):
        rows = await world.conn.fetch("SELECT * FROM engine.fn_find_key($1)", tenant.key_hash)
        assert [{"tenant_id": tenant.id, "key_id": tenant.key}] == [dict(row) for row in rows]
    assert [] == await world.conn.fetch("SELECT * FROM engine.fn_find_key($1)", b"unknown")
