"""fn_look_exchange_timer: what the holder has to do, and that a stranger turns the timer off."""

from typing import Any

import pytest

from tests.sql.capital.world import World
from tests.sql.reconcile.passes import Passes
from tests.sql.timer.timers import (
    audited,
    look,
    stranger_orders,
    stranger_trades,
    tell,
    turn_off,
    turn_on,
    wants,
    whole_pass,
)


async def test_never_on_is_nothing(world: World) -> None:
    """Where it was never turned on there is nothing to do, and nothing is written."""
    assert await world.leaves_nothing(lambda: look(world)) is None


async def test_first_armed_after_a_pass(world: World, passes: Passes) -> None:
    """A pass from before it was turned on, a failed one and an open one are not enough; a clean one is."""
    await whole_pass(passes)
    await turn_on(world)
    assert "pass" == await wants(world)
    for outcome in ("failed", "open"):
        await whole_pass(passes, outcome)
        assert "pass" == await wants(world)
    await whole_pass(passes)
    assert "arm" == await world.leaves_nothing(lambda: wants(world))


async def test_renewed_while_it_is_armed(world: World, passes: Passes) -> None:
    """What the exchange has armed is renewed, without a pass; once its time has passed it is armed anew."""
    await turn_on(world)
    await whole_pass(passes)
    await tell(world, passes, 60)
    await turn_on(world, 90)
    assert "renew" == await wants(world)
    await world.database.advance_clock(61)
    assert "arm" == await wants(world)


@pytest.mark.parametrize("trace", [stranger_orders, stranger_trades], ids=["order", "fill"])
async def test_a_stranger_turns_it_off_once(world: World, passes: Passes, trace: Any) -> None:
    """The look that meets the sign says so, with event and audit; later ones only that the disarm is owed."""
    await turn_on(world)
    await whole_pass(passes)
    await tell(world, passes, 60)
    await trace(passes)
    first = await look(world)
    assert (True, False, "stranger", "disarm") == (
        first["tripped"], first["enabled"], first["off_cause"], first["wants"],
    )  # fmt: skip
    again = await world.leaves_nothing(lambda: look(world))
    assert (False, "disarm") == (again["tripped"], again["wants"])
    (event,) = await world.outbox("exchange_timer.off")
    assert ("stranger", first["off_sign"]) == (event["cause"], event["sign"])
    assert [("engine:exchange_timer", None)] == await audited(world, "trip_exchange_timer")


async def test_a_disarm_is_made_twice_and_ends(world: World, passes: Passes) -> None:
    """At once, then once more when no arming call can still be on its way; then nothing is owed."""
    await turn_on(world)
    await turn_off(world)
    await tell(world, passes, None)
    assert "nothing" == await wants(world)
    await world.database.advance_clock(41)
    assert "disarm" == await wants(world)
    await tell(world, passes, None)
    assert "nothing" == await wants(world)
    await world.database.advance_clock(41)
    assert "nothing" == await wants(world)


async def test_what_has_run_out_needs_no_disarm(world: World) -> None:
    """While no daemon ran the timer has done what it does: a late start sends nothing for one that is off."""
    await turn_on(world)
    await turn_off(world)
    await world.database.advance_clock(159)
    assert "disarm" == await wants(world)
    await world.database.advance_clock(2)
    assert "nothing" == await wants(world)


async def test_of_another_tenant(world: World) -> None:
    """By a foreign claim it is refused; for another tenant there is none."""
    await turn_on(world)
    await world.refused_to_foreign_claim("fn_look_exchange_timer", world.one.account)
    assert await world.call("fn_look_exchange_timer", world.other.id, world.one.account) is None
