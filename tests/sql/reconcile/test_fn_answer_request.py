"""fn_answer_request: a request gets the result of the pass that was made for it, once."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World
from tests.sql.reconcile.passes import Passes


async def test_the_first_answer_stands(world: World, passes: Passes) -> None:
    """The same or another answer later changes nothing."""
    one = world.one
    request = await world.call("fn_request_reconciliation", one.id, one.account, None, False, OPERATOR)
    await passes.begin()
    args = (request, passes.pass_id)
    first = await world.call("fn_answer_request", one.id, *args, {"outcome": "clean"})
    assert (passes.pass_id, {"outcome": "clean"}) == (first["pass_id"], first["result"])
    again = await world.leaves_nothing(lambda: world.call("fn_answer_request", one.id, *args, {"x": 1}))
    assert first == again == await world.call("fn_get_request", one.id, request)


async def test_refusals(world: World, passes: Passes) -> None:
    """No such request, or a pass that is not of its account."""
    one = world.one
    request = await world.call("fn_request_reconciliation", one.id, one.account, None, False, OPERATOR)
    await passes.begin()
    await world.refused("HF404", "fn_answer_request", one.id, uuid4(), passes.pass_id, {})
    await world.refused("HF404", "fn_answer_request", one.id, request, 1, {})
    await world.refused("HF404", "fn_answer_request", world.other.id, request, passes.pass_id, {})
    await world.refused_to_foreign_claim("fn_answer_request", request, passes.pass_id, {})
