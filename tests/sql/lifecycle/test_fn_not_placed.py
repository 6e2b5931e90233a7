"""fn_not_placed: what was never sent, or is proven absent, releases all it holds."""

from uuid import uuid4

from tests.sql.capital.trading import in_doubt, sending
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import figures, held, position, result, selling, state_of, token_of

FUNCTION = "fn_not_placed"


async def test_success_for_an_entry_and_replay(world: World) -> None:
    """An entry in doubt that is proven absent releases capital and lock; again is a replay."""
    intent = await in_doubt(world)
    item = {
        "intent_id": str(intent),
        "fencing_token": await token_of(world, intent),
        "reason": "absent twice",
    }
    assert {"code": "OK", "replay": False} == await result(world, FUNCTION, item)
    assert "not_placed" == await state_of(world, intent)
    assert 1000 == (await figures(world))["available"]
    assert "absent twice" == (await world.outbox("entry.not_placed"))[0]["reason"]
    again = await world.leaves_nothing(lambda: result(world, FUNCTION, item))
    assert {"code": "OK", "replay": True} == again
    await world.consistent()


async def test_success_for_an_exit(world: World) -> None:
    """An exit that was never sent gives its quantity back."""
    await held(world)
    item = await selling(world)
    assert "OK" == (await result(world, FUNCTION, {**item, "reason": "circuit open"}))["code"]
    assert 0 == (await position(world))["reserved_quantity"]
    assert 1 == len(await world.outbox("exit.not_placed"))


async def test_errors_and_foreign_tenant(world: World) -> None:
    """Stale token, unknown, foreign and confirmed each have their code; nothing is released."""
    intent = await sending(world)
    item = {"intent_id": str(intent), "fencing_token": await token_of(world, intent), "reason": "r"}
    assert "STALE_TOKEN" == (await result(world, FUNCTION, {**item, "fencing_token": 0}))["code"]
    assert "NOT_FOUND" == (await result(world, FUNCTION, item, world.other.id))["code"]
    assert "NOT_FOUND" == (await result(world, FUNCTION, {**item, "intent_id": str(uuid4())}))["code"]
    await world.refused_to_foreign_claim(FUNCTION, [item])
    told = {"intent_id": str(intent), "exchange_order_id": "e1"}
    await result(world, "fn_persist_entry_lifecycle", told)
    assert "ILLEGAL_TRANSITION" == (await result(world, FUNCTION, item))["code"]
