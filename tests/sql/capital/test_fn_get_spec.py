"""fn_get_spec: one version of a profile's rules."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_current_and_earlier_versions(world: World) -> None:
    """Without a number it is the current one; an earlier one is as it was."""
    one = world.one
    await world.call("fn_put_spec", one.id, one.profile, 1, {"symbols": []}, "hash2", OPERATOR)
    current = await world.call("fn_get_spec", one.id, one.profile, None)
    assert (2, True, {"symbols": []}, "hash2", "profile") == (
        current["version"],
        current["current"],
        current["spec"],
        current["revision"],
        current["name"],
    )
    first = await world.call("fn_get_spec", one.id, one.profile, 1)
    assert (1, False, {}, "hash") == (first["version"], first["current"], first["spec"], first["revision"])


async def test_refusals(world: World) -> None:
    """Unknown versions, unknown and foreign profiles are not found; a foreign claim is refused."""
    one = world.one
    await world.refused("HF404", "fn_get_spec", one.id, one.profile, 2)
    await world.refused("HF404", "fn_get_spec", one.id, uuid4(), None)
    await world.refused("HF404", "fn_get_spec", one.id, world.other.profile, None)
    await world.refused_to_foreign_claim("fn_get_spec", one.profile, None)
