"""fn_needs_operator: what the exchange cannot prove is given to a person, with everything it holds."""

from uuid import uuid4

from tests.sql.capital.trading import in_doubt, one, sending
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import state_of, token_of
from tests.sql.resolve.looks import lease, look, verdicts


async def test_keeps_capital_and_lock_and_tells(world: World) -> None:
    """State, reason and event say so; reservation and lock stay; the same call again changes nothing."""
    intent, token = await in_doubt(world), await lease(world)
    own = await token_of(world, intent)
    args = (world.one.id, intent, token, "cannot be asked", await look(world, intent))
    assert (await world.call("fn_needs_operator", *args))["replay"] is False
    view = await world.call("fn_get_order", world.one.id, intent)
    assert ("needs_operator", "cannot be asked") == (view["state"], view["reason"])
    assert own < view["fencing_token"]
    assert "500.5" == (await world.capital())["reserved_for_orders"]
    assert ["cannot be asked"] == [told["reason"] for told in await world.outbox("intent.needs_operator")]
    assert ["nothing_shown"] == await verdicts(world, intent)
    assert (await world.leaves_nothing(lambda: world.call("fn_needs_operator", *args)))["replay"]
    await world.consistent()


async def test_sending_waits_for_its_expiry(world: World) -> None:
    """A sender at work keeps its intent; once its time is over it can be given to an operator."""
    intent, token = await sending(world), await lease(world)
    args = (world.one.id, intent, token, "why", None)
    assert "ILLEGAL_TRANSITION" == (await world.call("fn_needs_operator", *args))["code"]
    await world.database.advance_clock(31)
    assert "OK" == (await world.call("fn_needs_operator", *args))["code"]
    assert "needs_operator" == await state_of(world, intent)


async def test_presence_still_settles_it(world: World) -> None:
    """A confirmation ends the wait for an operator; after it there is nothing to give."""
    intent, token = await in_doubt(world), await lease(world)
    await world.call("fn_needs_operator", world.one.id, intent, token, "why", None)
    fact = {"intent_id": str(intent), "exchange_order_id": "x1", "status": "open", "fills": []}
    await one(world, "fn_persist_entry_lifecycle", fact)
    answer = await world.call("fn_needs_operator", world.one.id, intent, token, "why", None)
    assert ("ILLEGAL_TRANSITION", "confirmed") == (answer["code"], answer["state"])


async def test_refusals_leave_nothing(world: World) -> None:
    """Without the lease, without a reason, for unknown and foreign intents nothing happens."""
    intent, token = await in_doubt(world), await lease(world)
    fine = ("why", None)

    async def all_refused() -> None:
        await world.refused("HF410", "fn_needs_operator", world.one.id, intent, token + 1, *fine)
        await world.refused("HF422", "fn_needs_operator", world.one.id, intent, token, " ", None)
        await world.refused("HF404", "fn_needs_operator", world.one.id, uuid4(), token, *fine)
        await world.refused("HF404", "fn_needs_operator", world.other.id, intent, token, *fine)
        await world.refused_to_foreign_claim("fn_needs_operator", intent, token, *fine)

    await world.leaves_nothing(all_refused)
