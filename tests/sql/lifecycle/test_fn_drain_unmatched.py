"""fn_drain_unmatched: what was parked is booked as soon as its order is known, whoever made it known."""

from tests.sql.capital.trading import confirmed, fill_item, sending
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import figures, fill, result, state_of

FUNCTION = "fn_drain_unmatched"


async def drain(world: World) -> dict[str, int]:
    answer: dict[str, int] = await world.call(FUNCTION, world.one.id, world.one.account)
    return answer


async def park(world: World, order: str, trade: str) -> None:
    """Leave a parked fill behind as two transactions that do not see each other do."""
    item = fill_item(world.one, "nobody's", trade)
    assert {"code": "PARKED"} == await result(world, "fn_apply_fill", item)
    await world.admin.execute(
        "UPDATE engine.unmatched_fills SET exchange_order_id = $1,"
        " fill = fill || jsonb_build_object('exchange_order_id', $1::text) WHERE exchange_trade_id = $2",
        order,
        trade,
    )


async def test_a_fill_parked_beside_its_confirmation_is_booked(world: World) -> None:
    """A fill that was parked while its order was confirmed is booked by the next drain, once."""
    await confirmed(world)
    await park(world, "e1", "t1")
    assert {"known": 1, "left": 0} == await drain(world)
    assert 0 < (await figures(world))["reserved_for_positions"]
    again = await world.leaves_nothing(lambda: drain(world))
    assert {"known": 0, "left": 0} == again
    assert "DUPLICATE" == (await fill(world, "e1", "t1"))["code"]
    await world.consistent()


async def test_a_parked_fill_with_our_client_order_id_is_presence(world: World) -> None:
    """A parked fill that names an intent without an order confirms it."""
    intent = await sending(world)
    await park(world, "e1", "t1")
    mine = await world.admin.fetchval("SELECT client_order_id FROM engine.intents")
    await world.admin.execute(
        "UPDATE engine.unmatched_fills SET fill = fill || jsonb_build_object('client_order_id', $1::text)",
        mine,
    )
    assert {"known": 1, "left": 0} == await drain(world)
    assert "confirmed" == await state_of(world, intent)


async def test_what_nobody_knows_stays(world: World) -> None:
    """A fill of an order that is not ours stays parked and moves nothing."""
    await park(world, "foreign", "t1")
    answer = await world.leaves_nothing(lambda: drain(world))
    assert {"known": 0, "left": 1} == answer


async def test_foreign_tenant(world: World) -> None:
    """Another tenant drains nothing of ours, and a foreign claim is refused."""
    await confirmed(world)
    await park(world, "e1", "t1")
    answer = await world.call(FUNCTION, world.other.id, world.one.account)
    assert {"known": 0, "left": 0} == answer
    await world.refused_to_foreign_claim(FUNCTION, world.one.account)
