"""fn_tell_exchange_timer: until when it is armed by the exchange's word, told by the holder alone."""

from datetime import UTC, datetime

from tests.sql.capital.world import World
from tests.sql.reconcile.passes import Passes
from tests.sql.timer.timers import look, tell, turn_off, turn_on, wants


async def test_what_the_exchange_said_is_kept(world: World, passes: Passes) -> None:
    """Told twice it is the same; a disarm leaves no moment."""
    await turn_on(world)
    as_of = (await look(world))["as_of"]
    view = await tell(world, passes, 60, as_of)
    assert 60 == (datetime.fromisoformat(view["armed_until"]) - datetime.fromisoformat(as_of)).total_seconds()
    assert view == await world.leaves_nothing(lambda: tell(world, passes, 60, as_of))
    assert (await tell(world, passes, None))["armed_until"] is None
    assert (await look(world))["enabled"]


async def test_an_early_disarm_ends_no_debt(world: World, passes: Passes) -> None:
    """A disarm by a look from before it was turned off may have come before the last arming call."""
    await turn_on(world)
    before = (await look(world))["as_of"]
    await turn_off(world)
    await tell(world, passes, None, before)
    assert "disarm" == await wants(world)


async def test_an_arming_call_that_comes_late_is_known(world: World, passes: Passes) -> None:
    """Told after it was turned off, the moment is shown and the disarm stays owed."""
    await turn_on(world)
    before = (await look(world))["as_of"]
    await turn_off(world)
    assert (await tell(world, passes, 60, before))["armed_until"] is not None
    assert "disarm" == await wants(world)


async def test_refusals(world: World, passes: Passes) -> None:
    """Never on, another's lease, no moment of the look, a foreign claim and a foreign account."""
    one, other, now = world.one, world.other, datetime.now(UTC)
    name, token = "fn_tell_exchange_timer", passes.token
    await world.refused("HF404", name, one.id, one.account, token, now, now)
    await turn_on(world)
    refused = world.refused
    await world.leaves_nothing(lambda: refused("HF410", name, one.id, one.account, token + 1, now, now))
    await world.leaves_nothing(lambda: refused("HF410", name, other.id, one.account, token, now, now))
    await refused("HF422", name, one.id, one.account, token, now, None)
    await world.refused_to_foreign_claim(name, one.account, token, now, now)
