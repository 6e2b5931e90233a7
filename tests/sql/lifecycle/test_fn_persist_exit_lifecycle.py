"""fn_persist_exit_lifecycle: a confirmed exit is recorded once, with its fills and its end."""

from uuid import uuid4

from tests.sql.capital.trading import fill_item, sending
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import held, position, result, selling, state_of

FUNCTION = "fn_persist_exit_lifecycle"


async def test_success_with_fills_and_end_and_replay(world: World) -> None:
    """Confirmed, booked and filled in one call; the same again is a replay that changes nothing."""
    await held(world)
    item = await selling(world)
    sold = fill_item(
        world.one, "x1", "s1", side="sell", price="51000", quantity="0.004", fee_quantity="0", fee_asset=None
    )
    told = {"intent_id": item["intent_id"], "exchange_order_id": "x1", "status": "filled", "fills": [sold]}
    answer = await result(world, FUNCTION, told)
    assert (False, "filled", ["OK"]) == (answer["replay"], answer["order_status"], answer["fills"])
    assert "confirmed" == await state_of(world, item["intent_id"])
    assert 0 == (await position(world))["reserved_quantity"]
    again = await world.leaves_nothing(lambda: result(world, FUNCTION, told))
    assert (True, ["DUPLICATE"]) == (again["replay"], again["fills"])
    await world.consistent()


async def test_errors_and_foreign_tenant(world: World) -> None:
    """An entry is no exit; unknown and foreign are not found; conflicts show; claims are checked."""
    await held(world)
    item = await selling(world)
    told = {"intent_id": item["intent_id"], "exchange_order_id": "x1"}
    assert {"code": "NOT_FOUND"} == await result(world, FUNCTION, told, world.other.id)
    assert {"code": "NOT_FOUND"} == await result(world, FUNCTION, {**told, "intent_id": str(uuid4())})
    entry = await sending(world, "e5", quantity="0.001")
    assert {"code": "NOT_FOUND"} == await result(world, FUNCTION, {**told, "intent_id": str(entry)})
    await world.refused("HF422", FUNCTION, world.one.id, [{**told, "exchange_order_id": None}])
    await world.refused_to_foreign_claim(FUNCTION, [told])
    await result(world, FUNCTION, told)
    answer = await result(world, FUNCTION, {**told, "exchange_order_id": "x9"})
    assert "CONFLICT" == answer["code"]
