"""fn_list_dead_letters: a tenant's own, oldest first."""

from tests.sql.capital.world import World
from tests.sql.relay.claims import claimed, dead, letters, numbered


async def test_filters_and_order(world: World) -> None:
    """By id, state and direction, oldest first, as many as wanted; another tenant has none of them."""
    await numbered(world)
    token = await claimed(world)
    ids = [await dead(world, token, seq) for seq in (1, 2, 3)]
    assert ids == [each["dead_letter_id"] for each in await letters(world)]
    assert ids[:2] == [each["dead_letter_id"] for each in await letters(world, limit=2)]
    assert [ids[1]] == [each["dead_letter_id"] for each in await letters(world, id=ids[1])]
    assert (3, 0, 0) == (
        len(await letters(world, state="open")),
        len(await letters(world, state="dropped")),
        len(await letters(world, direction="in")),
    )
    assert [] == await world.call("fn_list_dead_letters", world.other.id, {"id": ids[0]})


async def test_what_is_no_filter_is_refused(world: World) -> None:
    """A filter is an object with a whole limit."""
    await world.refused("HF422", "fn_list_dead_letters", world.one.id, {"limit": "many"})


async def test_foreign_claim_is_refused(world: World) -> None:
    """JWT claims of another tenant list nothing."""
    await world.refused_to_foreign_claim("fn_list_dead_letters", {})
