"""fn_list_specs: the versions of a profile's rules, page by page."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_pages_go_on_where_they_ended(world: World) -> None:
    """Newest first; a version that comes between two pages moves neither."""
    one = world.one
    for version in (1, 2):
        await world.call("fn_put_spec", one.id, one.profile, version, {"symbols": []}, "h", OPERATOR)
    first = await world.call("fn_list_specs", one.id, one.profile, {"limit": 2})
    await world.call("fn_put_spec", one.id, one.profile, 3, {}, "h4", OPERATOR)
    second = await world.call("fn_list_specs", one.id, one.profile, {"limit": 2, "before": 2})
    assert ([3, 2], [1]) == ([row["version"] for row in first], [row["version"] for row in second])
    assert "hash" == second[0]["revision"]


async def test_refusals(world: World) -> None:
    """Unknown and foreign profiles are not found; a bad filter and a foreign claim are refused."""
    one = world.one
    await world.refused("HF404", "fn_list_specs", one.id, uuid4(), {})
    await world.refused("HF404", "fn_list_specs", one.id, world.other.profile, {})
    await world.refused("HF422", "fn_list_specs", one.id, one.profile, {"limit": "x"})
    await world.refused_to_foreign_claim("fn_list_specs", one.profile, {})
