"""fn_sweep_switch: the cancels of a fired switch, each requested once, and no others."""

from uuid import UUID, uuid4

from tests.sql.capital.trading import confirmed, in_doubt
from tests.sql.capital.world import OPERATOR, World
from tests.sql.lifecycle.acts import exit_order, finish, held
from tests.sql.switch.timers import arm, fire, shown


async def asked(world: World) -> set[UUID]:
    rows = await world.admin.fetch(
        "SELECT intent_id FROM engine.intents WHERE cancel_actor = 'engine:dead_mans_switch'"
    )
    return {row["intent_id"] for row in rows}


async def test_all_open_orders_of_the_robot_and_nobody_elses(world: World) -> None:
    """Open orders and intents in doubt, both sides; not what has ended, not another robot's; once."""
    another = uuid4()
    await world.call("fn_create_robot", world.one.id, another, "another", OPERATOR)
    await held(world, "0.002")
    ended = await confirmed(world, "ended", quantity="0.001")
    await finish(world, ended, "canceled", filled_quantity="0")
    foreign = await confirmed(world, "foreign", quantity="0.001", robot_id=str(another))
    mine = {
        await exit_order(world, "x1", quantity="0.001"),
        await confirmed(world, "e1", quantity="0.001"),
        await in_doubt(world, "e2"),
    }
    await arm(world)
    await world.database.advance_clock(600)
    await fire(world)
    assert {"cancels": 3} == await world.call("fn_sweep_switch", world.one.id, world.one.robot)
    assert mine == await asked(world)
    assert foreign not in await asked(world)
    assert 3 == len(await world.outbox("cancel.requested"))
    assert 3 == (await shown(world))["fired_cancels"]
    again = await world.leaves_nothing(lambda: world.call("fn_sweep_switch", world.one.id, world.one.robot))
    assert {"cancels": 0} == again


async def test_reduce_leaves_exits_at_the_exchange(world: World) -> None:
    """What sells reduces risk: only entries are canceled."""
    await held(world, "0.002")
    await exit_order(world, "x1", quantity="0.001")
    entry = await confirmed(world, "e1", quantity="0.001")
    await arm(world, "reduce", profile=world.one.profile)
    await world.database.advance_clock(600)
    await fire(world)
    assert {"cancels": 1} == await world.call("fn_sweep_switch", world.one.id, world.one.robot)
    assert {entry} == await asked(world)


async def test_unfired_or_foreign_it_requests_nothing(world: World) -> None:
    """A switch that has not fired, or is another tenant's, sweeps nothing; a foreign claim is refused."""
    await confirmed(world, "e1", quantity="0.001")
    await arm(world)
    for tenant in (world.one, world.other):
        answer = await world.leaves_nothing(
            lambda tenant=tenant: world.call("fn_sweep_switch", tenant.id, world.one.robot)
        )
        assert {"cancels": 0} == answer
    await world.refused_to_foreign_claim("fn_sweep_switch", world.one.robot)
