"""fn_trip_exchange_timer: a stream's sign of a stranger turns the timer off, an order of ours does not."""

from typing import Any

from tests.sql.capital.trading import confirmed
from tests.sql.capital.world import SYMBOL, World
from tests.sql.timer.timers import look, turn_on

SIGN = {"seen": "stream", "symbol": SYMBOL, "exchange_order_id": "f1"}


async def trip(world: World, sign: dict[str, Any]) -> Any:
    return await world.call("fn_trip_exchange_timer", world.one.id, world.one.account, sign)


async def test_off_once(world: World) -> None:
    """On it goes off with the sign; repeated, or never on, nothing happens."""
    assert {"tripped": False} == await world.leaves_nothing(lambda: trip(world, SIGN))
    await turn_on(world)
    assert {"tripped": True} == await trip(world, SIGN)
    seen = await look(world)
    assert (False, "stranger", SIGN, "disarm") == (
        seen["enabled"], seen["off_cause"], seen["off_sign"], seen["wants"],
    )  # fmt: skip
    assert {"tripped": False} == await world.leaves_nothing(lambda: trip(world, SIGN))
    assert 1 == len(await world.outbox("exchange_timer.off"))


async def test_an_order_of_ours_is_no_sign(world: World) -> None:
    """Whatever a stream said of it: what the ledger knows by the exchange's id is ours."""
    await world.allocate("1000")
    await confirmed(world, "ours-1")
    await turn_on(world)
    sign = {**SIGN, "exchange_order_id": "ours-1"}
    assert {"tripped": False} == await world.leaves_nothing(lambda: trip(world, sign))


async def test_refusals(world: World) -> None:
    """A sign that names no order; a foreign claim; another tenant's account stays on."""
    await turn_on(world)
    one = world.one
    await world.refused("HF422", "fn_trip_exchange_timer", one.id, one.account, {"symbol": SYMBOL})
    await world.refused("HF422", "fn_trip_exchange_timer", one.id, one.account, {"exchange_order_id": "1"})
    await world.refused_to_foreign_claim("fn_trip_exchange_timer", one.account, SIGN)
    foreign = await world.call("fn_trip_exchange_timer", world.other.id, one.account, SIGN)
    assert ({"tripped": False}, True) == (foreign, (await look(world))["enabled"])
