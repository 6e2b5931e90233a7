"""fn_get_tenant: a tenant's name and mode."""

from uuid import uuid4

from tests.sql.capital.world import World


async def test_shows_itself_alone(world: World) -> None:
    """A tenant sees its own row; one that does not exist answers 404, a foreign claim 403."""
    shown = await world.call("fn_get_tenant", world.one.id)
    assert (str(world.one.id), "one", "active", None) == (
        shown["tenant_id"],
        shown["name"],
        shown["mode"],
        shown["mode_reason"],
    )
    await world.refused("HF404", "fn_get_tenant", uuid4())
    await world.refused("HF401", "fn_get_tenant", None)
    await world.refused_to_foreign_claim("fn_get_tenant")
