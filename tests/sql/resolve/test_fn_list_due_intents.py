"""fn_list_due_intents: what the resolver of one account has to look at, as views."""

from tests.sql.capital.trading import in_doubt, sending
from tests.sql.capital.world import World
from tests.sql.resolve.looks import lease


async def test_lists_doubt_and_expired_sends_of_the_account(world: World) -> None:
    """In doubt at once, sending only past its expiry, bounded; what waits for an operator is counted."""
    doubted = await in_doubt(world)
    token = await lease(world)
    args = (world.one.id, world.one.account)
    found = await world.leaves_nothing(lambda: world.call("fn_list_due_intents", *args, 10, None))
    assert ([str(doubted)], 0) == ([view["id"] for view in found["due"]], found["needs_operator"])
    await world.call("fn_needs_operator", world.one.id, doubted, token, "why", None)
    profile = await world.one.add_profile(world.conn, world.other.profile, "second")
    moved = (world.one.id, world.one.profile)
    await world.call("fn_withdraw", *moved, 400, "w", "operator:test", "move")
    await world.call("fn_allocate", world.one.id, profile, 400, "a", "operator:test", "move")
    fresh = await sending(world, "e2", profile_id=str(profile), quantity="0.001")
    assert {"due": [], "needs_operator": 1} == await world.call("fn_list_due_intents", *args, 10, None)
    await world.database.advance_clock(31)
    assert [str(fresh)] == [
        view["id"] for view in (await world.call("fn_list_due_intents", *args, 10, None))["due"]
    ]
    assert [] == (await world.call("fn_list_due_intents", *args, 0, None))["due"]
    assert [] == (await world.call("fn_list_due_intents", *args, 10, fresh))["due"]
    other = (world.other.id, world.one.account)
    assert {"due": [], "needs_operator": 0} == await world.call("fn_list_due_intents", *other, 10, None)
    await world.refused_to_foreign_claim("fn_list_due_intents", world.one.account, 10, None)
