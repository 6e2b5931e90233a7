"""fn_mark_in_doubt: an unknown outcome keeps reservation and lock."""

from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.trading import sending
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import figures, result, state_of, token_of

FUNCTION = "fn_mark_in_doubt"


async def test_success_keeps_everything_and_replays(world: World) -> None:
    """In doubt: capital stays reserved, the lock stays held, one outbox row; again is a replay."""
    intent = await sending(world)
    item = {"intent_id": str(intent), "fencing_token": await token_of(world, intent), "reason": "timeout"}
    assert {"code": "OK", "replay": False} == await result(world, FUNCTION, item)
    assert "in_doubt" == await state_of(world, intent)
    assert Decimal("500.5") == (await figures(world))["reserved_for_orders"]
    assert intent == await world.admin.fetchval("SELECT intent_id FROM engine.entry_locks")
    again = await world.leaves_nothing(lambda: result(world, FUNCTION, item))
    assert {"code": "OK", "replay": True} == again
    assert 1 == len(await world.outbox("intent.in_doubt"))


async def test_errors_and_foreign_tenant(world: World) -> None:
    """Stale token, unknown, foreign and confirmed each have their code."""
    intent = await sending(world)
    item = {"intent_id": str(intent), "fencing_token": await token_of(world, intent), "reason": "r"}
    assert "STALE_TOKEN" == (await result(world, FUNCTION, {**item, "fencing_token": 0}))["code"]
    assert "NOT_FOUND" == (await result(world, FUNCTION, item, world.other.id))["code"]
    assert "NOT_FOUND" == (await result(world, FUNCTION, {**item, "intent_id": str(uuid4())}))["code"]
    await world.refused_to_foreign_claim(FUNCTION, [item])
    told = {"intent_id": str(intent), "exchange_order_id": "e1"}
    await result(world, "fn_persist_entry_lifecycle", told)
    assert "ILLEGAL_TRANSITION" == (await result(world, FUNCTION, item))["code"]
