"""fn_list_mismatches: differences, newest first, by what they are and whether they stand."""

from tests.sql.capital.world import World
from tests.sql.reconcile.passes import Passes
from tests.sql.reconcile.test_fn_finish_pass import seen


async def test_chosen_by_what_they_are(world: World, passes: Passes) -> None:
    """Account, profile, kind, open and limit choose; a tenant sees its own."""
    one = world.one
    await passes.begin()
    found = [
        seen("balance_shortfall", "USDT", detail={"difference": "-10"}),
        seen("missing_fill", "t", "healed", profile_id=str(one.profile)),
        seen("foreign_order", "f", "explained"),
    ]
    await passes.finish("open", found)
    for chosen, count in (
        ({}, 3),
        ({"open": True}, 1),
        ({"open": False}, 2),
        ({"kind": "missing_fill"}, 1),
        ({"profile_id": str(one.profile)}, 1),
        ({"account_id": str(one.account), "limit": 2}, 2),
        ({"account_id": str(world.other.account)}, 0),
    ):
        assert count == len(await world.call("fn_list_mismatches", one.id, chosen)), chosen
    (shown,) = await world.call("fn_list_mismatches", one.id, {"open": True})
    assert ({"difference": "-10"}, passes.pass_id, "open") == (
        shown["detail"],
        shown["first_pass_id"],
        shown["state"],
    )
    assert [] == await world.call("fn_list_mismatches", world.other.id, {})
    await world.refused("HF422", "fn_list_mismatches", one.id, {"limit": "many"})
    await world.refused_to_foreign_claim("fn_list_mismatches", {})
