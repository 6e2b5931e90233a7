"""fn_reject_exit: a definitive refusal by the exchange releases what the exit holds."""

from uuid import uuid4

from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import figures, held, position, result, selling, state_of, token_of

FUNCTION = "fn_reject_exit"


async def test_success_gives_the_quantity_back(world: World) -> None:
    """Rejected: the reserved quantity is the position's again; capital did not move; again is a replay."""
    await held(world)
    before = await figures(world)
    item = await selling(world)
    assert "0.004" == str((await position(world))["reserved_quantity"].normalize())
    answer = await result(world, FUNCTION, {**item, "exchange_code": "-1013"})
    assert {"code": "OK", "replay": False} == answer
    assert 0 == (await position(world))["reserved_quantity"]
    assert before == await figures(world)
    assert 1 == len(await world.outbox("exit.rejected"))
    again = await world.leaves_nothing(lambda: result(world, FUNCTION, item))
    assert {"code": "OK", "replay": True} == again


async def test_errors_and_foreign_tenant(world: World) -> None:
    """Stale token, confirmed, unknown, foreign, and an entry given as an exit each have their code."""
    entry = await held(world)
    item = await selling(world)
    stale = await result(world, FUNCTION, {**item, "fencing_token": 0})
    assert "STALE_TOKEN" == stale["code"]
    assert "NOT_FOUND" == (await result(world, FUNCTION, item, world.other.id))["code"]
    assert "NOT_FOUND" == (await result(world, FUNCTION, {**item, "intent_id": str(uuid4())}))["code"]
    wrong = {"intent_id": str(entry), "fencing_token": await token_of(world, entry)}
    assert "NOT_FOUND" == (await result(world, FUNCTION, wrong))["code"]
    await world.refused_to_foreign_claim(FUNCTION, [item])
    told = {"intent_id": item["intent_id"], "exchange_order_id": "x1"}
    await result(world, "fn_persist_exit_lifecycle", told)
    assert "ILLEGAL_TRANSITION" == (await result(world, FUNCTION, item))["code"]
    assert "confirmed" == await state_of(world, item["intent_id"])
    assert "sell" == (await world.call("fn_get_order", world.one.id, item["intent_id"]))["side"]
