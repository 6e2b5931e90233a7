"""fn_take_request: the holder of the lease finds what was asked, the oldest first."""

from tests.sql.capital.world import OPERATOR, World
from tests.sql.reconcile.passes import Passes


async def test_the_oldest_unanswered_request(world: World, passes: Passes) -> None:
    """It is found again until it is answered, so that a crash of its holder loses nothing."""
    one = world.one
    assert None is await world.call("fn_take_request", one.id, one.account, passes.token)
    asked = [
        await world.call("fn_request_reconciliation", one.id, one.account, None, False, OPERATOR)
        for _ in range(2)
    ]
    await passes.begin()
    for request in asked:
        for _ in range(2):
            found = await world.leaves_nothing(
                lambda: world.call("fn_take_request", one.id, one.account, passes.token)
            )
            assert str(request) == found["request_id"]
        await world.call("fn_answer_request", one.id, request, passes.pass_id, {})
    assert None is await world.call("fn_take_request", one.id, one.account, passes.token)


async def test_refusals(world: World, passes: Passes) -> None:
    """Only the holder of the account's lease takes requests."""
    one = world.one
    await world.refused("HF410", "fn_take_request", one.id, one.account, passes.token + 1)
    await world.refused("HF410", "fn_take_request", one.id, world.other.account, passes.token)
    await world.refused_to_foreign_claim("fn_take_request", one.account, passes.token)
