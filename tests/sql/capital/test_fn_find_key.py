"""fn_find_key: from a key's hash to tenant and key, over all tenants, ids only."""

from tests.sql.capital.world import OPERATOR, World


async def test_finds_whose_key_it_is(world: World) -> None:
    """Each tenant's key leads to that tenant; an unknown hash to nobody."""
    for tenant in (world.one, world.other):
        rows = await world.conn.fetch("SELECT * FROM engine.fn_find_key($1)", tenant.key_hash)
        assert [{"tenant_id": tenant.id, "key_id": tenant.key}] == [dict(row) for row in rows]
    assert [] == await world.conn.fetch("SELECT * FROM engine.fn_find_key($1)", b"unknown")


async def test_a_key_that_ended_is_not_found(world: World) -> None:
    """A revoked key and one past its end lead to nobody."""
    await world.call("fn_revoke_robot_key", world.one.id, world.one.key, OPERATOR)
    await world.admin.execute(
        "UPDATE engine.robot_keys SET expires_at = engine.fn_clock() WHERE key_id = $1", world.other.key
    )
    for tenant in (world.one, world.other):
        assert [] == await world.conn.fetch("SELECT * FROM engine.fn_find_key($1)", tenant.key_hash)
