"""fn_compare_profile: sets of orders and fills, compared by the rules of evidence."""

from uuid import uuid4

from tests.sql.capital.trading import confirmed, in_doubt, sending
from tests.sql.capital.world import SYMBOL, World
from tests.sql.lifecycle.acts import fill, finish
from tests.sql.reconcile.passes import Passes, found, kinds, report, trade


async def test_equal_sets_have_no_difference(world: World, passes: Passes) -> None:
    """An open order that is listed as it is booked, and nothing else, is no mismatch."""
    intent = await confirmed(world)
    await fill(world, "e1", "t1")
    await passes.begin()
    shown = {
        "orders": [report(intent, "e1", filled_quantity="0.004")],
        "fills": [trade("e1", "t1")],
    }
    answer = await world.leaves_nothing(lambda: passes.compare(**shown))
    assert {"compared": 2, "skipped": [], "to_query": [], "mismatches": []} == answer


async def test_an_order_without_intent_confirmed_is_missing(world: World, passes: Passes) -> None:
    """The exchange shows an order of an intent that is in doubt: missing_order, with what is known of both."""
    intent = await in_doubt(world)
    await passes.begin()
    answer = await passes.compare(orders=[report(intent, "e1")], fills=[trade("e1", "t1")])
    assert [("missing_fill", f"{SYMBOL}:e1:t1"), ("missing_order", str(intent))] == kinds(answer)
    (order,) = [one for one in answer["mismatches"] if one["kind"] == "missing_order"]
    assert "in_doubt" == order["detail"]["ledger"]["state"]
    assert ("e1", str(world.one.profile)) == (order["exchange_order_id"], order["profile_id"])
    assert str(intent) == answer["mismatches"][1]["intent_id"]
