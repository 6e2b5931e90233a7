"""fn_list_events: what happened to a tenant, page by page."""

from typing import Any

from tests.sql.capital.trading import round_trip
from tests.sql.capital.world import OPERATOR, World


async def events(world: World, **only: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await world.call("fn_list_events", world.one.id, only)
    return found


async def test_pages_are_the_whole_and_stay_so(world: World) -> None:
    """Page by page it is what one call gives, in its order, although events come between the pages."""
    await round_trip(world)
    whole = await events(world)
    stored = await world.admin.fetchval(
        "SELECT count(*) FROM engine.facts WHERE tenant_id = $1 AND type IS NOT NULL", world.one.id
    )
    assert stored == len(whole)
    paged: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    for number in range(stored):
        page = await events(world, limit=3, **before)
        paged += page
        if not page:
            break
        before = {"before": page[-1]["event_id"], "before_part": page[-1]["part"]}
        await world.call(
            "fn_set_mode", world.one.id, "profile", world.one.profile, "halted", OPERATOR, f"{number}"
        )
    assert whole == paged


async def test_filters(world: World) -> None:
    """By order, profile and type; each event says what it is of."""
    entry, exit_ = await round_trip(world)
    of_entry = await events(world, order_id=str(entry))
    assert {str(entry)} == {row["order_id"] for row in of_entry}
    assert {"fill"} == {row["type"] for row in await events(world, type="fill")}
    assert 2 == len(await events(world, type="fill", profile_id=str(world.one.profile)))
    assert [] == await events(world, profile_id=str(exit_))


async def test_refusals_and_foreign_tenant(world: World) -> None:
    """A bad filter and a foreign claim are refused; another tenant sees its own events only."""
    entry, _ = await round_trip(world)
    await world.refused("HF422", "fn_list_events", world.one.id, {"limit": "x"})
    await world.refused_to_foreign_claim("fn_list_events", {})
    theirs = await world.call("fn_list_events", world.other.id, {"order_id": str(entry)})
    assert [] == theirs
