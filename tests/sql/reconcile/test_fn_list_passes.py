"""fn_list_passes: what passes there were and how they ended, newest first."""

from tests.sql.capital.world import World
from tests.sql.reconcile.passes import Passes


async def test_newest_first(world: World, passes: Passes) -> None:
    """Account, outcome and limit choose; a tenant sees its own."""
    one = world.one
    for outcome in ("clean", "failed", "healed"):
        await passes.begin(cause=outcome)
        await passes.finish(outcome)
    rows = await world.call("fn_list_passes", one.id, {})
    assert ["healed", "failed", "clean"] == [row["outcome"] for row in rows]
    assert rows[0]["finished_at"]
    assert {"complete": True, "skipped": []} == rows[0]["compared"]
    for chosen, count in (
        ({"outcome": "failed"}, 1),
        ({"limit": 2, "account_id": str(one.account)}, 2),
        ({"account_id": str(world.other.account)}, 0),
    ):
        assert count == len(await world.call("fn_list_passes", one.id, chosen)), chosen
    assert [] == await world.call("fn_list_passes", world.other.id, {})
    await world.refused("HF422", "fn_list_passes", one.id, {"limit": "many"})
    await world.refused_to_foreign_claim("fn_list_passes", {})
