"""fn_order_timeline: everything that happened to an order, in order, with its ledger entries."""

from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.trading import round_trip
from tests.sql.capital.world import World


async def test_shows_events_entries_and_fills(world: World) -> None:
    """Reservation, fill and release are there with both legs; debits equal credits in every event."""
    entry, _ = await round_trip(world)
    events = await world.leaves_nothing(lambda: world.call("fn_order_timeline", world.one.id, entry))
    assert sorted(event["event_id"] for event in events) == [event["event_id"] for event in events]
    economic = [event["event"]["type"] for event in events if event["event"]]
    assert ["reserve", "entry_fill", "release"] == economic
    for event in events:
        sums = {"DEBIT": Decimal(0), "CREDIT": Decimal(0)}
        for leg in event["entries"]:
            sums[leg["type"]] += Decimal(leg["amount"])
        assert sums["DEBIT"] == sums["CREDIT"]
        assert bool(event["entries"]) == (event["event"] is not None)
    (fill,) = [event["fill"] for event in events if event["fill"]]
    assert ("t1", "0.004", "199.96", "0.19996") == tuple(
        fill[name] for name in ("exchange_trade_id", "quantity", "notional", "fee_value")
    )
    await world.refused("HF404", "fn_order_timeline", world.one.id, uuid4())
    await world.refused("HF404", "fn_order_timeline", world.other.id, entry)
    await world.refused_to_foreign_claim("fn_order_timeline", entry)
