"""fn_get_capital: the five figures, the mode, and the invariant worked out from its parts."""

from uuid import uuid4

from tests.sql.capital.world import World


async def test_one_profile_or_all(world: World) -> None:
    """One profile is an object, all are an array by name; numbers are text."""
    await world.allocate("100")
    await world.one.add_profile(world.conn, uuid4(), "empty")
    capital = await world.capital()
    assert ("100", "100", "0", "0", "0", "100") == tuple(
        capital[name]
        for name in (
            "allocated",
            "available",
            "reserved_for_orders",
            "reserved_for_positions",
            "realized_pnl",
            "invariant",
        )
    )
    listed = await world.call("fn_get_capital", world.one.id, None)
    assert ["empty", "profile"] == [one["name"] for one in listed]
    assert capital == listed[1]


async def test_a_foreign_profile_does_not_exist(world: World) -> None:
    """A foreign profile is neither shown nor listed; a foreign claim is refused."""
    await world.refused("HF404", "fn_get_capital", world.one.id, world.other.profile)
    assert 1 == len(await world.call("fn_get_capital", world.one.id, None))
    await world.refused_to_foreign_claim("fn_get_capital", None)
