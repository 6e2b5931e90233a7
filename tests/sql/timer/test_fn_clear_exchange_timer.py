"""fn_clear_exchange_timer: off by an operator, with the disarm owed to the exchange."""

from tests.sql.capital.world import OPERATOR, World
from tests.sql.timer.timers import audited, turn_off, turn_on, wants


async def test_off_once(world: World) -> None:
    """It is off, its holder owes the disarm, and a second call changes nothing; never on is null."""
    assert await world.leaves_nothing(lambda: turn_off(world)) is None
    await turn_on(world)
    view = await turn_off(world)
    assert (False, "operator") == (view["enabled"], view["off_cause"])
    assert "disarm" == await wants(world)
    assert view == await world.leaves_nothing(lambda: turn_off(world))
    (event,) = await world.outbox("exchange_timer.off")
    assert ("operator", OPERATOR, "it is over") == (event["cause"], event["actor"], event["reason"])
    assert [(OPERATOR, "it is over")] == await audited(world, "clear_exchange_timer")


async def test_refusals(world: World) -> None:
    """No actor, no reason, no such account of this tenant, a foreign claim."""
    one, other = world.one, world.other
    await world.refused("HF422", "fn_clear_exchange_timer", one.id, one.account, "", "why")
    await world.refused("HF422", "fn_clear_exchange_timer", one.id, one.account, OPERATOR, None)
    await world.refused("HF404", "fn_clear_exchange_timer", other.id, one.account, OPERATOR, "why")
    await world.refused_to_foreign_claim("fn_clear_exchange_timer", one.account, OPERATOR, "why")
