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


def keyed(world: World, intent: UUID, key: str = "c1", request_hash: str = "h") -> dict[str, str]:
    """A wish under an idempotency key."""
    named = {"robot_id": str(world.one.robot), "idempotency_key": key, "request_hash": request_hash}
    return {**wish(intent), **named}


async def test_a_key_is_claimed_with_the_wish(world: World) -> None:
    """The same wish under its key is a replay that changes nothing; another request's key is refused."""
    intent = await confirmed(world)
    first = await result(world, FUNCTION, keyed(world, intent))
    assert ("OK", False) == (first["code"], first["replay"])
    again = await world.leaves_nothing(lambda: result(world, FUNCTION, keyed(world, intent)))
    assert first | {"replay": True} == again

    async def other() -> None:
        reused = await result(world, FUNCTION, keyed(world, intent, request_hash="h2"))
        assert {"code": "IDEMPOTENCY_KEY_REUSED"} == reused
        assert {"code": "NOT_FOUND"} == await result(world, FUNCTION, keyed(world, uuid4(), "c2"))

    await world.leaves_nothing(other)


async def test_one_refused_key_of_an_array_stops_no_other(world: World) -> None:
    """Items come from many robots in one call: each gets its own answer."""
    intent = await confirmed(world)
    await result(world, FUNCTION, keyed(world, intent))
    items = [keyed(world, intent, request_hash="h2"), wish(intent), keyed(world, intent, "c0")]
    answers = await world.call(FUNCTION, world.one.id, items)
    assert ["IDEMPOTENCY_KEY_REUSED", "OK", "OK"] == [answer["code"] for answer in answers]
    assert [None, False, False] == [answer.get("replay") for answer in answers]
