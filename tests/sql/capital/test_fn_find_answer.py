"""fn_find_answer: what a key was answered, without opening anything."""

from uuid import uuid4

from tests.sql.capital.trading import sending
from tests.sql.capital.world import World


async def test_known_key(world: World) -> None:
    """A key that opened an intent answers with it; with another body it is refused; nothing is written."""
    await world.allocate("1000")
    intent_id = await sending(world, "e1")
    given = (world.one.id, world.one.robot, "e1", "e1")
    found = await world.leaves_nothing(lambda: world.call("fn_find_answer", *given))
    assert ("REPLAY", str(intent_id)) == (found["code"], found["intent"]["id"])
    reused = await world.call("fn_find_answer", world.one.id, world.one.robot, "e1", "other")
    assert {"code": "IDEMPOTENCY_KEY_REUSED"} == reused


async def test_unknown_or_foreign_key(world: World) -> None:
    """A new key has no answer, nor has another robot's or tenant's; a foreign claim is refused."""
    await world.allocate("1000")
    await sending(world, "e1")
    assert await world.call("fn_find_answer", world.one.id, world.one.robot, "new", "new") is None
    assert await world.call("fn_find_answer", world.one.id, uuid4(), "e1", "e1") is None
    assert await world.call("fn_find_answer", world.other.id, world.one.robot, "e1", "e1") is None
    await world.refused_to_foreign_claim("fn_find_answer", world.one.robot, "e1", "e1")
