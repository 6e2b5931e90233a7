"""fn_list_instruments: an account's instruments by symbol."""

from tests.sql.capital.world import INSTRUMENT, World


async def test_gives_back_what_was_stored(world: World) -> None:
    """What was upserted is shown as it was given, numbers as text; a foreign account does not exist."""
    one = world.one
    (shown,) = await world.call("fn_list_instruments", one.id, one.account)
    assert INSTRUMENT == {name: shown[name] for name in INSTRUMENT}
    await world.refused("HF404", "fn_list_instruments", one.id, world.other.account)
    await world.refused_to_foreign_claim("fn_list_instruments", one.account)
