"""fn_request_cancel: a wish that is recorded once, whatever the intent's state."""

from uuid import UUID, uuid4

from tests.sql.capital.trading import confirmed, sending
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import finish, result

FUNCTION = "fn_request_cancel"


def wish(intent: UUID) -> dict[str, str]:
    return {"intent_id": str(intent), "actor": "robot:test"}


async def test_an_open_order_shall_be_canceled_now(world: World) -> None:
    """An open order's cancel is to be sent, with all ids that it takes; again changes nothing."""
    intent = await confirmed(world)
    answer = await result(world, FUNCTION, wish(intent))
    assert ("OK", True, False, "e1") == (
        answer["code"],
        answer["send"],
        answer["final"],
        answer["exchange_order_id"],
    )
    again = await world.leaves_nothing(lambda: result(world, FUNCTION, wish(intent)))
    assert answer == again
    assert 1 == len(await world.outbox("cancel.requested"))


async def test_an_intent_still_sending_is_canceled_when_it_is_proven_present(world: World) -> None:
    """The wish is recorded before the outcome is known, and the confirmation reports it."""
    intent = await sending(world)
    answer = await result(world, FUNCTION, wish(intent))
    assert ("sending", False, False) == (answer["state"], answer["send"], answer["final"])
    told = {"intent_id": str(intent), "exchange_order_id": "e1"}
    assert (await result(world, "fn_persist_entry_lifecycle", told))["cancel_requested"]


async def test_a_finished_order_is_final(world: World) -> None:
    """There is nothing to send for an order that has ended, and nothing is written."""
    intent = await confirmed(world)
    await finish(world, intent, "canceled")
    answer = await world.leaves_nothing(lambda: result(world, FUNCTION, wish(intent)))
    assert ("OK", False, True) == (answer["code"], answer["send"], answer["final"])


async def test_errors_and_foreign_tenant(world: World) -> None:
    """Unknown and foreign intents are not found; a foreign claim is refused."""
    intent = await confirmed(world)
    assert {"code": "NOT_FOUND"} == await result(world, FUNCTION, wish(uuid4()))
    assert {"code": "NOT_FOUND"} == await result(world, FUNCTION, wish(intent), world.other.id)
    await world.refused_to_foreign_claim(FUNCTION, [wish(intent)])
