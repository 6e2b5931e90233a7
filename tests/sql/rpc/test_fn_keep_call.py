"""fn_keep_call: the answer of a call over RPC is kept under the id that it claimed."""

from uuid import uuid4

from tests.sql.capital.world import World

FUNCTION = "fn_keep_call"


async def test_the_first_answer_stays(world: World) -> None:
    """A second answer under the same id changes nothing."""
    one, call_id = world.one.id, uuid4()
    await world.call("fn_claim_call", one, call_id, "fn_x")
    await world.call(FUNCTION, one, call_id, "first")
    await world.leaves_nothing(lambda: world.call(FUNCTION, one, call_id, "second"))
    assert "first" == await world.call("fn_claim_call", one, call_id, "fn_x")


async def test_refusals(world: World) -> None:
    """An id that nobody claimed, another tenant's id and foreign claims are refused; no tenant too."""
    call_id = uuid4()
    await world.call("fn_claim_call", world.other.id, call_id, "fn_x")
    await world.refused("HF404", FUNCTION, world.one.id, uuid4(), "a")
    await world.refused("HF404", FUNCTION, world.one.id, call_id, "a")
    await world.refused("HF401", FUNCTION, None, call_id, "a")
    await world.refused_to_foreign_claim(FUNCTION, call_id, "a")
