"""fn_list_profiles: profiles with their present spec and mode."""

from uuid import uuid4

from tests.sql.capital.world import World


async def test_lists_by_name(world: World) -> None:
    """All profiles of the tenant and none of another."""
    await world.one.add_profile(world.conn, uuid4(), "a")
    shown = await world.call("fn_list_profiles", world.one.id)
    assert [("a", 1, {}, "active"), ("profile", 1, {}, "active")] == [
        (one["name"], one["spec_version"], one["spec"], one["mode"]) for one in shown
    ]
    assert str(world.one.profile) == shown[1]["profile_id"]
    assert [str(world.other.profile)] == [
        one["profile_id"] for one in await world.call("fn_list_profiles", world.other.id)
    ]
    await world.refused_to_foreign_claim("fn_list_profiles")
