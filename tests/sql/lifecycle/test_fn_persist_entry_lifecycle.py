"""fn_persist_entry_lifecycle: a confirmation is recorded once, from anyone, with all that came with it."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from tests.sql.capital.trading import confirmed, fill_item, in_doubt, sending
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import figures, fill, mode, result, state_of, token_of

FUNCTION = "fn_persist_entry_lifecycle"


def told(intent: UUID, order: str = "e1", **changes: Any) -> dict[str, Any]:
    return {"intent_id": str(intent), "exchange_order_id": order, "status": "open", "fills": [], **changes}


async def test_success_confirms_and_frees_the_lock(world: World) -> None:
    """Intent confirmed, order open, lock free, reservation kept, one outbox row."""
    intent = await sending(world)
    answer = await result(world, FUNCTION, told(intent))
    assert {
        "code": "OK",
        "replay": False,
        "order_status": "open",
        "cancel_requested": False,
        "false_absence": False,
        "fills": [],
    } == answer
    assert "confirmed" == await state_of(world, intent)
    assert 0 == await world.admin.fetchval(
        "SELECT count(*) FROM engine.entry_locks WHERE intent_id IS NOT NULL"
    )
    assert Decimal("500.5") == (await figures(world))["reserved_for_orders"]
    assert 1 == len(await world.outbox("order.confirmed"))


async def test_replay_changes_nothing(world: World) -> None:
    """The same confirmation again, fills included, is a replay."""
    intent = await sending(world)
    item = told(intent, status="canceled", fills=[fill_item(world.one, "e1", "t1")])
    await result(world, FUNCTION, item)
    again = await world.leaves_nothing(lambda: result(world, FUNCTION, item))
    assert (True, ["DUPLICATE"], "canceled") == (again["replay"], again["fills"], again["order_status"])


async def test_fills_and_the_end_come_in_the_same_call(world: World) -> None:
    """An immediately filled order is confirmed, booked, filled and released in one transaction."""
    intent = await sending(world)
    whole = fill_item(
        world.one, "e1", "t1", price="50000", quantity="0.01", fee_quantity="0.5", fee_asset="USDT"
    )
    answer = await result(world, FUNCTION, told(intent, status="filled", fills=[whole]))
    assert ("filled", ["OK"]) == (answer["order_status"], answer["fills"])
    now = await figures(world)
    assert (Decimal("499.5"), 0, Decimal("0.5")) == (
        now["available"],
        now["reserved_for_orders"],
        now["fees"],
    )
    await world.consistent()


async def test_parked_fills_are_drained(world: World) -> None:
    """A fill that came before its order was known is booked by the confirmation."""
    intent = await sending(world)
    assert {"code": "PARKED"} == await fill(world, "e1", "t1")
    await result(world, FUNCTION, told(intent))
    assert 1 == await world.admin.fetchval("SELECT count(*) FROM engine.fills")
    assert 0 == await world.admin.fetchval("SELECT count(*) FROM engine.unmatched_fills")


async def test_in_doubt_is_confirmed_without_a_token(world: World) -> None:
    """Facts need no token: an intent in doubt becomes confirmed."""
    intent = await in_doubt(world)
    assert "OK" == (await result(world, FUNCTION, told(intent)))["code"]
    assert "confirmed" == await state_of(world, intent)


async def test_false_absence_books_the_fact_and_halts(world: World) -> None:
    """An order shown after not_placed is confirmed, its fill takes from AVAILABLE, the profile halts."""
    intent = await sending(world)
    token = await token_of(world, intent)
    await result(
        world, "fn_not_placed", {"intent_id": str(intent), "fencing_token": token, "reason": "absent"}
    )
    answer = await result(world, FUNCTION, told(intent, fills=[fill_item(world.one, "e1", "t1")]))
    assert (True, ["OK"]) == (answer["false_absence"], answer["fills"])
    assert ("halted", "false absence") == await mode(world)
    assert Decimal("800.04") == (await figures(world))["available"]
    assert 1 == len(await world.outbox("profile.halted"))
    await world.consistent()


async def test_a_late_fill_that_overdraws_halts(world: World) -> None:
    """A fact is booked even if available falls below zero; the profile is halted by the same update."""
    intent = await sending(world, quantity="0.019")
    token = await token_of(world, intent)
    await result(
        world, "fn_not_placed", {"intent_id": str(intent), "fencing_token": token, "reason": "absent"}
    )
    other = await confirmed(world, "e2", quantity="0.01")
    late = fill_item(world.one, "e1", "t1", price="50000", quantity="0.019", fee_quantity="0", fee_asset=None)
    answer = await result(world, FUNCTION, told(intent, fills=[late]))
    assert ["OK"] == answer["fills"]
    assert Decimal("-450.5") == (await figures(world))["available"]
    assert "halted" == (await mode(world))[0]
    assert "confirmed" == await state_of(world, other)
    await world.consistent()


async def test_another_order_of_the_intent_is_a_conflict_on_record(world: World) -> None:
    """A second exchange order for one intent, or a second intent for one order, is refused and audited."""
    intent = await sending(world, quantity="0.001")
    await result(world, FUNCTION, told(intent))
    assert "CONFLICT" == (await result(world, FUNCTION, told(intent, "e2")))["code"]
    other = await sending(world, "e3", quantity="0.001")
    assert "CONFLICT" == (await result(world, FUNCTION, told(other, "e1")))["code"]
    assert 2 == await world.admin.fetchval("SELECT count(*) FROM engine.audit WHERE code = 'CONFLICT'")


async def test_errors_and_foreign_tenant(world: World) -> None:
    """Unknown and foreign intents are not found; no order id raises; a foreign claim is refused."""
    intent = await sending(world)
    assert {"code": "NOT_FOUND"} == await result(world, FUNCTION, told(uuid4()))
    foreign = await world.leaves_nothing(lambda: result(world, FUNCTION, told(intent), world.other.id))
    assert {"code": "NOT_FOUND"} == foreign
    await world.refused("HF422", FUNCTION, world.one.id, [told(intent, "")])
    await world.refused("HF422", FUNCTION, world.one.id, {})
    await world.refused_to_foreign_claim(FUNCTION, [told(intent)])
