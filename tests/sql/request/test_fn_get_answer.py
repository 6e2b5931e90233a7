"""fn_get_answer: what became of a request, by its key alone."""

from uuid import uuid4

import asyncpg
import pytest

from tests.sql.capital.trading import order_item, sending
from tests.sql.capital.world import World

FUNCTION = "fn_get_answer"


async def test_key_of_an_order(world: World) -> None:
    """A key that opened an intent shows it as it is now; nothing is written by asking."""
    await world.allocate("1000")
    intent_id = await sending(world, "e1")
    found = await world.leaves_nothing(lambda: world.call(FUNCTION, world.one.id, world.one.robot, "e1"))
    assert ("order", str(intent_id), "sending", None) == (
        found["of"],
        found["intent"]["id"],
        found["intent"]["state"],
        found["denial"],
    )


async def test_key_of_a_denial(world: World) -> None:
    """A stored denial is shown with its numbers, and no intent."""
    (denied,) = await world.call(
        "fn_open_entry", world.one.id, [order_item(world.one, "poor", quantity="99")]
    )
    found = await world.call(FUNCTION, world.one.id, world.one.robot, "poor")
    assert ("order", None) == (found["of"], found["intent"])
    assert "INSUFFICIENT_CAPITAL" == found["denial"]["code"]
    assert denied["required"] == found["denial"]["required"]


async def test_key_of_another_call(world: World) -> None:
    """The key of a call that places no order shows what the call changed; an order's key comes first."""
    given = (world.one.id, world.one.robot, "k", "h", {}, "robot:test")
    await world.call("fn_cancel_all", *given)
    found = await world.call(FUNCTION, world.one.id, world.one.robot, "k")
    assert ("call", {"ids": []}) == (found["of"], found["answer"])
    await world.allocate("1000")
    await sending(world, "k")
    assert "order" == (await world.call(FUNCTION, world.one.id, world.one.robot, "k"))["of"]


async def test_unknown_or_foreign_key(world: World) -> None:
    """Nothing of a new key, of another robot's or another tenant's; a foreign claim is refused."""
    await world.allocate("1000")
    await sending(world, "e1")
    assert await world.call(FUNCTION, world.one.id, world.one.robot, "new") is None
    assert await world.call(FUNCTION, world.one.id, uuid4(), "e1") is None
    assert await world.call(FUNCTION, world.other.id, world.one.robot, "e1") is None
    await world.refused_to_foreign_claim(FUNCTION, world.one.robot, "e1")
    with pytest.raises(asyncpg.PostgresError) as refused:
        await world.call(FUNCTION, None, world.one.robot, "e1")
    assert "HF401" == refused.value.sqlstate
