"""fn_get_order: one intent with its order."""

from uuid import uuid4

from tests.sql.capital.trading import round_trip
from tests.sql.capital.world import World


async def test_shows_intent_and_order(world: World) -> None:
    """State, status, fills' sums and fees by asset are there; numbers are text."""
    entry, _ = await round_trip(world)
    shown = await world.leaves_nothing(lambda: world.call("fn_get_order", world.one.id, entry))
    assert (str(entry), "confirmed", "0.01", "0") == tuple(
        shown[name] for name in ("id", "state", "quantity", "remaining")
    )
    order = shown["order"]
    assert ("canceled", "0.004", "49990", {"BTC": "0.000004"}) == tuple(
        order[name] for name in ("status", "filled_quantity", "average_price", "fees")
    )
    await world.refused("HF404", "fn_get_order", world.one.id, uuid4())
    await world.refused("HF404", "fn_get_order", world.other.id, entry)
    await world.refused_to_foreign_claim("fn_get_order", entry)
