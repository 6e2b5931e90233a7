"""fn_due_profile_owner: whose profile an id is, by ids alone."""

from uuid import uuid4

from tests.sql.capital.world import World


async def test_names_the_tenant_of_a_profile(world: World) -> None:
    """Each profile's tenant is found over all tenants; an unknown id has none."""
    for profile, owners in (
        (world.one.profile, [world.one.id]), (world.other.profile, [world.other.id]), (uuid4(), []),
    ):  # fmt: skip
        rows = await world.conn.fetch("SELECT * FROM engine.fn_due_profile_owner($1)", profile)
        assert owners == [row["tenant_id"] for row in rows]
