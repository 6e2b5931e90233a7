"""fn_read_feed: events after a seq, with the robot's label, without people's names."""

import re
from uuid import UUID, uuid4

from tests.sql.capital.trading import confirmed, fill_item, one, round_trip, sending
from tests.sql.capital.world import World


async def test_pages_follow_without_a_gap(world: World) -> None:
    """Page by page every number comes once, and through_seq says from where to go on."""
    await round_trip(world)
    last = (await world.call("fn_sequence_feed", world.one.id, 10_000))["last_seq"]
    seen, since = [], 0
    while since < last:
        page = await world.call("fn_read_feed", world.one.id, since, 3, None)
        assert (1, last) == (page["epoch"], page["last_seq"])
        seen += [event["seq"] for event in page["events"]]
        since = page["through_seq"]
    assert list(range(1, last + 1)) == seen
    beyond = await world.call("fn_read_feed", world.one.id, last, 3, None)
    assert ([], last) == (beyond["events"], beyond["through_seq"])


async def test_what_waits_is_not_told(world: World) -> None:
    """A fact without a seq is in no page; a tenant without a feed has an empty one."""
    page = await world.call("fn_read_feed", world.one.id, 0, 100, None)
    assert (1, 0, 0, []) == (page["epoch"], page["last_seq"], page["through_seq"], page["events"])


async def test_every_event_of_an_order_carries_the_robots_label(world: World) -> None:
    """Label and robot stand beside each event of the order, whichever function told it."""
    await world.allocate("1000")
    intent = await confirmed(world, label="grid-7")
    await one(world, "fn_apply_fill", fill_item(world.one, "e1", "t1"))
    await one(world, "fn_request_cancel", {"intent_id": str(intent), "actor": "robot:x"})
    ended = {"intent_id": str(intent), "status": "canceled", "filled_quantity": "0.004", "evidence": {}}
    await one(world, "fn_finish_order", ended)
    await world.call("fn_sequence_feed", world.one.id, 10_000)
    page = await world.call("fn_read_feed", world.one.id, 0, 1_000, None)
    events = [event for event in page["events"] if event["order_id"] == str(intent)]
    assert {"entry.sending", "order.confirmed", "fill", "cancel.requested", "order.canceled"} <= {
        event["type"] for event in events
    }
    assert {("grid-7", str(world.one.robot))} == {(event["label"], event["robot_id"]) for event in events}


async def test_a_fill_says_price_fee_and_average(world: World) -> None:
    """A fill carries price, fee, fee asset and the order's average price so far, as text."""
    await world.allocate("1000")
    await confirmed(world)
    await one(world, "fn_apply_fill", fill_item(world.one, "e1", "t1", price="49990", quantity="0.004"))
    await one(world, "fn_apply_fill", fill_item(world.one, "e1", "t2", price="49980", quantity="0.004"))
    await world.call("fn_sequence_feed", world.one.id, 10_000)
    page = await world.call("fn_read_feed", world.one.id, 0, 1_000, None)
    fills = [event["data"] for event in page["events"] if event["type"] == "fill"]
    assert [("49990", "49990"), ("49980", "49985")] == [
        (fill["price"], fill["average_price"]) for fill in fills
    ]
    assert {("0.000004", "BTC")} == {(fill["fee_quantity"], fill["fee_asset"]) for fill in fills}


async def test_denials_carry_the_label_too(world: World) -> None:
    """An order that was denied never became an intent; its event has label and robot nevertheless."""
    from tests.sql.capital.trading import order_item  # noqa: PLC0415 - the one test that wants a bare item

    item = order_item(world.one, "poor", label="grid-8")
    (answer,) = await world.call("fn_open_entry", world.one.id, [item])
    assert "INSUFFICIENT_CAPITAL" == answer["code"]
    await world.call("fn_sequence_feed", world.one.id, 10_000)
    page = await world.call("fn_read_feed", world.one.id, 0, 1_000, None)
    (event,) = [event for event in page["events"] if event["type"] == "entry.denied"]
    assert ("grid-8", str(world.one.robot)) == (event["label"], event["robot_id"])


async def test_an_operator_is_not_named(world: World) -> None:
    """Of a person's act the feed tells that an operator did it, not who."""
    await world.call(
        "fn_set_mode", world.one.id, "profile", world.one.profile, "reducing", "operator:ada", "odd"
    )
    await world.call("fn_sequence_feed", world.one.id, 10_000)
    page = await world.call("fn_read_feed", world.one.id, 0, 1_000, None)
    (event,) = [event for event in page["events"] if event["type"] == "mode.changed"]
    assert "operator" == event["data"]["actor"]
    assert "ada" not in re.findall(r"\w+", str(page))  # a part of an id may read so


async def test_profiles_can_be_chosen(world: World) -> None:
    """Only events of the chosen profiles come; through_seq counts all that was looked at."""
    second = await world.one.add_profile(world.conn, uuid4(), "second")
    await world.allocate("10")
    last = (await world.call("fn_sequence_feed", world.one.id, 10_000))["last_seq"]
    page = await world.call("fn_read_feed", world.one.id, 0, 1_000, (second,))
    assert ({str(second)}, last) == ({event["profile_id"] for event in page["events"]}, page["through_seq"])
    nobodys = await world.call("fn_read_feed", world.one.id, 0, 1_000, (world.other.profile,))
    assert [] == nobodys["events"]


async def test_other_tenants_events_are_not_there(world: World) -> None:
    """A tenant's pages hold its own events alone."""
    for tenant in (world.one, world.other):
        await world.call("fn_sequence_feed", tenant.id, 10_000)
    page = await world.call("fn_read_feed", world.one.id, 0, 1_000, None)
    assert str(world.one.account) in str(page)
    assert str(world.other.account) not in str(page)


async def test_what_is_no_position_is_refused(world: World) -> None:
    """A negative seq, and a limit out of bounds, are refused."""
    for since, limit in ((-1, 10), (None, 10), (0, 0), (0, 10_001), (0, None)):
        await world.refused("HF422", "fn_read_feed", world.one.id, since, limit, None)


async def test_foreign_claim_is_refused(world: World) -> None:
    """Claims of another tenant read nothing."""
    await world.refused_to_foreign_claim("fn_read_feed", 0, 10, None)


async def test_an_intent_that_is_sending_is_told(world: World) -> None:
    """The write-ahead record is an event before anything is sent."""
    await world.allocate("1000")
    intent: UUID = await sending(world, label="early")
    await world.call("fn_sequence_feed", world.one.id, 10_000)
    page = await world.call("fn_read_feed", world.one.id, 0, 1_000, None)
    assert ("entry.sending", str(intent), "early") == (
        page["events"][-1]["type"], page["events"][-1]["order_id"], page["events"][-1]["label"],
    )  # fmt: skip
