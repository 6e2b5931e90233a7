"""fn_compare_profile: sets of orders and fills, compared by the rules of evidence."""

from uuid import uuid4

from tests.sql.capital.trading import confirmed, in_doubt, one, sending
from tests.sql.capital.world import INSTRUMENT, SYMBOL, World
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
    """The exchange shows an order of an intent in doubt: missing_order, with what is known of both."""
    intent = await in_doubt(world)
    await passes.begin()
    answer = await passes.compare(orders=[report(intent, "e1")], fills=[trade("e1", "t1")])
    assert [("missing_fill", f"{SYMBOL}:e1:t1"), ("missing_order", str(intent))] == kinds(answer)
    (order,) = [each for each in answer["mismatches"] if each["kind"] == "missing_order"]
    assert "in_doubt" == order["detail"]["ledger"]["state"]
    assert ("e1", str(world.one.profile)) == (order["exchange_order_id"], order["profile_id"])
    assert str(intent) == answer["mismatches"][1]["intent_id"]


async def test_each_way_an_order_can_differ(world: World, passes: Passes) -> None:
    """Every contradiction of a report with the ledger has its own kind."""
    intent = await confirmed(world)
    await fill(world, "e1", "t1")
    await passes.begin()
    booked = [trade("e1", "t1")]
    for changes, kind in (
        ({"status": "canceled", "filled_quantity": "0.004"}, "status_differs"),
        ({"status": "expired", "filled_quantity": "0.004"}, "status_differs"),
        ({"filled_quantity": "0.005"}, "filled_differs"),
        ({"filled_quantity": "0.003"}, "filled_less"),
        ({"filled_quantity": "0.004", "side": "sell"}, "side_differs"),
        ({"filled_quantity": "0.004", "quantity": "0.02"}, "quantity_differs"),
    ):
        answer = await passes.compare(orders=[report(intent, "e1", **changes)], fills=booked)
        assert [(kind, str(intent))] == kinds(answer), changes
    answer = await passes.compare(orders=[report(intent, "e1", status="filled")], fills=booked)
    both = [("filled_differs", str(intent)), ("status_differs", str(intent))]
    assert both == kinds(answer)
    silent = report(intent, "e1", status=None, filled_quantity=None, side=None, quantity=None)
    assert [] == (await passes.compare(orders=[silent], fills=booked))["mismatches"]


async def test_another_order_under_our_client_order_id_is_a_duplicate(world: World, passes: Passes) -> None:
    """A second exchange order of one intent is shown as such, beside the report of the first."""
    intent = await confirmed(world)
    await passes.begin()
    both = [report(intent, "e1"), report(intent, "e2")]
    assert [("duplicate_order", f"{intent}:e2")] == kinds(await passes.compare(orders=both))
    alone = kinds(await passes.compare(orders=both[1:]))
    assert [("duplicate_order", f"{intent}:e2"), ("order_not_listed", str(intent))] == alone


async def test_an_order_can_be_missing_only_where_all_were_listed(world: World, passes: Passes) -> None:
    """An order not listed is a difference in symbols read completely, unless its trades show why."""
    intent = await confirmed(world)
    await passes.begin()
    (found_one,) = (await passes.compare())["mismatches"]
    shown = (found_one["kind"], found_one["key"], found_one["exchange_order_id"])
    assert ("order_not_listed", str(intent), "e1") == shown
    assert "0" == found_one["detail"]["ledger"]["booked_quantity"]
    assert found_one["detail"]["created_at"]
    assert [] == (await passes.compare(open_symbols=[]))["mismatches"]
    filled = await passes.compare(fills=[trade("e1", "t1", quantity="0.01")])
    assert [("missing_fill", f"{SYMBOL}:e1:t1")] == kinds(filled)


async def test_an_order_that_was_held_for_absent_can_be_missing(world: World, passes: Passes) -> None:
    """Its reservation went back when it was held for absent; as an open order it is compared all the same."""
    intent = await sending(world)
    token = (await world.call("fn_get_order", world.one.id, intent))["fencing_token"]
    gone = {"intent_id": str(intent), "fencing_token": token, "reason": "absent"}
    await one(world, "fn_not_placed", gone)
    await passes.begin()
    shown = await passes.compare(orders=[report(intent, "e1")])
    assert [("missing_order", str(intent))] == kinds(shown)
    told = {"intent_id": str(intent), "exchange_order_id": "e1", "status": "open"}
    assert (await one(world, "fn_persist_entry_lifecycle", told))["false_absence"]
    await passes.begin()
    assert [("order_not_listed", str(intent))] == kinds(await passes.compare())


async def test_touched_rows_are_skipped_and_queried_the_third_time(world: World, passes: Passes) -> None:
    """What changed after the pass began is no evidence; three times in a row, it is to be queried."""
    intent = await confirmed(world)
    for number, to_query in ((1, []), (2, []), (3, [str(intent)])):
        await passes.begin()
        await fill(world, "e1", f"t{number}", quantity="0.001")
        late = await passes.compare(fills=[trade("e1", "unknown")])
        assert ([], [str(intent)], to_query) == (late["mismatches"], late["skipped"], late["to_query"])
        await passes.finish(skipped=late["skipped"])
    await passes.begin()
    await passes.finish()
    await passes.begin()
    await world.call("fn_request_cancel", world.one.id, [{"intent_id": str(intent), "actor": "robot"}])
    late = await passes.compare()
    assert ([str(intent)], []) == (late["skipped"], late["to_query"])


async def test_fills_that_are_not_booked_are_missing(world: World, passes: Passes) -> None:
    """A trade shown and not booked is one difference, however often shown; its order's filled is none."""
    intent = await confirmed(world)
    await fill(world, "e1", "t1", quantity="0.001")
    await passes.begin()
    shown = [trade("e1", "t1", quantity="0.001"), trade("e1", "t2"), trade("e1", "t2")]
    answer = await passes.compare(orders=[report(intent, "e1", filled_quantity="0.005")], fills=shown)
    assert [("missing_fill", f"{SYMBOL}:e1:t2")] == kinds(answer)
    assert "0.004" == answer["mismatches"][0]["detail"]["quantity"]
    assert 3 == answer["compared"]


async def test_a_trade_after_the_end_is_missing_too(world: World, passes: Passes) -> None:
    """A fill that raced with its order's cancel is found by its trade alone."""
    intent = await confirmed(world)
    await finish(world, intent, "canceled", filled_quantity="0")
    await passes.begin()
    answer = await passes.compare(fills=[trade("e1", "t1")])
    assert [("missing_fill", f"{SYMBOL}:e1:t1")] == kinds(answer)
    later = await passes.compare(orders=[report(intent, "e1", status="filled")])
    assert [("filled_differs", str(intent)), ("status_differs", str(intent))] == kinds(later)
    risen = await passes.compare(orders=[report(intent, "e1", status="open")])
    assert [("status_differs", str(intent))] == kinds(risen)


async def test_booked_with_other_numbers_stands(world: World, passes: Passes) -> None:
    """The same trade with another price is shown with both, and the booked one stands."""
    intent = await confirmed(world)
    await fill(world, "e1", "t1")
    await passes.begin()
    orders = [report(intent, "e1", filled_quantity="0.004")]
    answer = await passes.compare(orders=orders, fills=[trade("e1", "t1", price="49991")])
    (other,) = answer["mismatches"]
    shown = (other["kind"], other["detail"]["price"], other["detail"]["booked_price"])
    assert ("fill_differs", "49991", "49990") == shown


async def test_less_than_a_unit_of_the_last_place_is_equal(world: World, passes: Passes) -> None:
    """Of two quantities the exchange's decimals count, at least eight of them."""
    intent = await confirmed(world)
    await fill(world, "e1", "t1", price="49990.000000001", quantity="0.004000000001")
    await passes.begin()
    orders = [report(intent, "e1", filled_quantity="0.004")]
    assert [] == (await passes.compare(orders=orders, fills=[trade("e1", "t1")]))["mismatches"]
    finer = [trade("e1", "t1", price="49990.000000002")]
    assert [("fill_differs", f"{SYMBOL}:e1:t1")] == kinds(await passes.compare(orders=orders, fills=finer))


async def test_a_fill_that_the_exchange_does_not_know_is_extra(world: World, passes: Passes) -> None:
    """Booked within what was read and not shown: extra, until the exchange shows it."""
    intent = await confirmed(world)
    await fill(world, "e1", "t1")
    await passes.begin()
    orders = [report(intent, "e1", filled_quantity="0.004")]
    key = f"{SYMBOL}:e1:t1"
    answer = await passes.compare(orders=orders)
    assert [("extra_fill", key)] == kinds(answer)
    unread = await passes.compare(orders=orders, trade_symbols=[])
    assert [] == unread["mismatches"]
    since = [{"symbol": SYMBOL, "since": "2098-01-01T00:00:00+00:00"}]
    assert [] == (await passes.compare(orders=orders, trade_symbols=since))["mismatches"]
    await passes.finish("open", found(answer))
    await passes.begin()
    assert [("extra_fill", key)] == kinds(await passes.compare(orders=orders, trade_symbols=since))
    proven = await passes.compare(orders=orders, fills=[trade("e1", "t1")])
    assert [] == proven["mismatches"]
    await passes.finish()
    await passes.begin()
    assert [] == (await passes.compare(orders=orders))["mismatches"]  # proven by a pass, not asked again


async def test_many_orders_are_compared_as_few_are(world: World, passes: Passes) -> None:
    """What is held, what is only open, what has ended and what was never held are found in one comparison."""
    every = [SYMBOL, "ETH/USDT", "SOL/USDT"]
    listed = [{**INSTRUMENT, "symbol": symbol} for symbol in every]
    await world.call("fn_upsert_instruments", world.one.id, world.one.account, listed)
    held = await confirmed(world)
    ended = await confirmed(world, "e2", symbol="ETH/USDT", limit_price="1000")
    await finish(world, ended, "canceled", filled_quantity="0")
    gone = await sending(world, "e3", symbol="SOL/USDT", limit_price="1000")
    token = (await world.call("fn_get_order", world.one.id, gone))["fencing_token"]
    await one(world, "fn_not_placed", {"intent_id": str(gone), "fencing_token": token, "reason": "absent"})
    told = {"intent_id": str(gone), "exchange_order_id": "e3", "status": "open"}
    assert (await one(world, "fn_persist_entry_lifecycle", told))["false_absence"]
    await passes.begin()
    shown = [report(held, "e1"), report(ended, "e2", status="canceled"), report(gone, "e3")]
    answer = await passes.compare(orders=shown, open_symbols=every)
    assert (3, []) == (answer["compared"], answer["mismatches"])
    alone = await passes.compare(orders=shown[1:2], open_symbols=every)
    both = [("order_not_listed", str(held)), ("order_not_listed", str(gone))]
    assert (3, sorted(both)) == (alone["compared"], kinds(alone))


async def test_only_this_profile_is_compared(world: World, passes: Passes) -> None:
    """Another profile's orders and trades on the same account are no difference of this one."""
    other = await world.one.add_profile(world.conn, uuid4(), "second")
    intent = await confirmed(world)
    await fill(world, "e1", "t1", quantity="0.001")
    await passes.begin()
    part = passes.part(orders=[report(intent, "e1", status="canceled")], fills=[trade("e1", "t9")])
    answer = await world.call("fn_compare_profile", world.one.id, other, None, part)
    assert {"compared": 0, "skipped": [], "to_query": [], "mismatches": []} == answer


async def test_the_more_advanced_of_two_reports_counts(world: World, passes: Passes) -> None:
    """One order listed open and closed in one snapshot is closed."""
    intent = await confirmed(world)
    await fill(world, "e1", "t1", quantity="0.01")
    await passes.begin()
    both = [
        report(intent, "e1", filled_quantity="0.005"),
        report(intent, "e1", status="filled", filled_quantity="0.01"),
    ]
    fills = [trade("e1", "t1", quantity="0.01")]
    for orders in (both, both[::-1]):
        assert [] == (await passes.compare(orders=orders, fills=fills))["mismatches"]


async def test_refusals(world: World, passes: Passes) -> None:
    """Without its lock, its profile or its beginning nothing is compared; a dry run needs no lock."""
    own = world.one
    await sending(world)
    await passes.begin()
    part = passes.part()
    await world.call("fn_compare_profile", own.id, own.profile, None, part)
    await world.refused("HF404", "fn_compare_profile", own.id, world.other.profile, None, part)
    await world.refused("HF410", "fn_compare_profile", own.id, own.profile, passes.lock_token + 1, part)
    await world.refused("HF422", "fn_compare_profile", own.id, own.profile, None, {})
    torn = {**part["orders"], "status": ["open"]}
    for orders in (None, [], {}, torn):
        await world.refused(
            "HF422", "fn_compare_profile", own.id, own.profile, None, {**part, "orders": orders}
        )
    await world.refused_to_foreign_claim("fn_compare_profile", own.profile, None, part)
    await world.database.advance_clock(601)
    await world.refused("HF410", "fn_compare_profile", own.id, own.profile, passes.lock_token, part)
