"""fn_list_robots: robots and the ids of their keys."""

from tests.sql.capital.world import OPERATOR, World


async def test_lists_keys_without_hashes(world: World) -> None:
    """A revoked key stays listed with its time; no hash is shown, no robot of another tenant."""
    one = world.one
    await world.call("fn_revoke_robot_key", one.id, one.key, OPERATOR)
    (shown,) = await world.call("fn_list_robots", one.id)
    assert ("robot", str(one.robot), True) == (shown["name"], shown["robot_id"], shown["enabled"])
    (key,) = shown["keys"]
    assert {"key_id", "created_at", "revoked_at", "scopes", "expires_at", "living"} == set(key)
    assert key["revoked_at"] is not None
    assert (["trade", "cancel", "read"], None, False) == (key["scopes"], key["expires_at"], key["living"])
    await world.refused_to_foreign_claim("fn_list_robots")
