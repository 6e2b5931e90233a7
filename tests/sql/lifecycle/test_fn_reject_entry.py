"""fn_reject_entry: a definitive refusal by the exchange releases what the entry holds."""

from uuid import uuid4

from tests.sql.capital.trading import sending
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import figures, result, state_of, token_of

FUNCTION = "fn_reject_entry"


async def test_success_releases_capital_and_lock(world: World) -> None:
    """Rejected: capital is back in AVAILABLE by one event, the lock is free, the code is kept."""
    intent = await sending(world)
    item = {
        "intent_id": str(intent),
        "fencing_token": await token_of(world, intent),
        "exchange_code": "-2010",
    }
    assert {"code": "OK", "replay": False} == await result(world, FUNCTION, item)
    assert "rejected" == await state_of(world, intent)
    assert (1000, 0) == tuple((await figures(world)).values())[:2]
    assert "-2010" == (await world.outbox("entry.rejected"))[0]["exchange_code"]
    again = await world.leaves_nothing(lambda: result(world, FUNCTION, item))
    assert {"code": "OK", "replay": True} == again
    assert 0 == await world.admin.fetchval(
        "SELECT count(*) FROM engine.entry_locks WHERE intent_id IS NOT NULL"
    )
    await world.consistent()


async def test_a_stale_token_changes_nothing_but_is_evidence(world: World) -> None:
    """The answer of an owner that was taken over is kept in the audit; the reservation stays."""
    intent = await sending(world)
    item = {"intent_id": str(intent), "fencing_token": 0, "exchange_code": "-2010"}
    assert {"code": "STALE_TOKEN", "state": "sending"} == await result(world, FUNCTION, item)
    assert "sending" == await state_of(world, intent)
    assert 1 == await world.admin.fetchval("SELECT count(*) FROM engine.audit WHERE code = 'STALE_TOKEN'")


async def test_errors_and_foreign_tenant(world: World) -> None:
    """A confirmed entry cannot be rejected; unknown and foreign are not found; a foreign claim is refused."""
    intent = await sending(world)
    item = {"intent_id": str(intent), "fencing_token": await token_of(world, intent), "exchange_code": "x"}
    assert "NOT_FOUND" == (await result(world, FUNCTION, item, world.other.id))["code"]
    assert "NOT_FOUND" == (await result(world, FUNCTION, {**item, "intent_id": str(uuid4())}))["code"]
    await world.refused_to_foreign_claim(FUNCTION, [item])
    told = {"intent_id": str(intent), "exchange_order_id": "e1"}
    await result(world, "fn_persist_entry_lifecycle", told)
    assert {"code": "ILLEGAL_TRANSITION", "state": "confirmed"} == await result(world, FUNCTION, item)
