"""fn_cancel_all: every unfinished order of a tenant, or some of them, shall be canceled; once per key."""

from typing import Any
from uuid import UUID, uuid4

from tests.sql.capital.trading import confirmed, in_doubt, sending
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import finish, held, selling

FUNCTION = "fn_cancel_all"


def args(
    world: World, key: str | None = "k", only: dict[str, Any] | None = None, hash_: str = "h"
) -> list[Any]:
    return [world.one.id, world.one.robot, key, hash_, only or {}, "robot:test"]


async def test_every_unfinished_order_and_no_other(world: World) -> None:
    """Open, sending and in doubt are asked to end, finished ones are left; each says whether to send."""
    await held(world)
    gone = await confirmed(world, "gone", quantity="0.001")
    await finish(world, gone, "canceled")
    still = await confirmed(world, "open", quantity="0.001")
    exit_ = UUID((await selling(world))["intent_id"])
    answer = await world.call(FUNCTION, *args(world))
    assert not answer["replay"]
    assert [(str(still), "entry", True), (str(exit_), "exit", False)] == [
        (row["id"], row["kind"], row["send"]) for row in answer["orders"]
    ]
    asked = await world.admin.fetch(
        "SELECT intent_id FROM engine.intents WHERE cancel_requested_at IS NOT NULL ORDER BY 1"
    )
    assert [still, exit_] == [row["intent_id"] for row in asked]


async def test_a_key_speaks_of_the_same_orders(world: World) -> None:
    """A repeat gives the orders of the first call as they are now, and does not touch a later one."""
    first = await confirmed(world, quantity="0.001")
    assert [str(first)] == [row["id"] for row in (await world.call(FUNCTION, *args(world)))["orders"]]
    await finish(world, first, "canceled")
    later = await in_doubt(world, "later")
    again = await world.leaves_nothing(lambda: world.call(FUNCTION, *args(world)))
    assert (True, [(str(first), True, False)]) == (
        again["replay"],
        [(row["id"], row["final"], row["send"]) for row in again["orders"]],
    )
    fresh = await world.call(FUNCTION, *args(world, "k2"))
    assert [(str(later), "in_doubt")] == [(row["id"], row["state"]) for row in fresh["orders"]]


async def test_only_those_of_a_profile_symbol_or_robot(world: World) -> None:
    """A filter leaves the others alone; no order at all is an empty answer."""
    one = world.one
    order = str(await sending(world, quantity="0.001"))
    for number, (only, found) in enumerate(
        (
            ({"symbol": "ETH/USDT"}, []),
            ({"robot_id": str(uuid4())}, []),
            ({"profile_id": str(await one.add_profile(world.conn, uuid4(), "second"))}, []),
            ({"profile_id": str(one.profile), "symbol": "BTC/USDT", "robot_id": str(one.robot)}, [order]),
        )
    ):
        answer = await world.call(FUNCTION, *args(world, f"k{number}", only))
        assert found == [row["id"] for row in answer["orders"]], only


async def test_refusals_leave_nothing(world: World) -> None:
    """No key, another request's key, foreign profiles and claims are refused; foreign orders are not seen."""
    other = world.other

    async def all_refused() -> None:
        await world.refused("HF413", FUNCTION, *args(world, None))
        await world.refused("HF404", FUNCTION, *args(world, only={"profile_id": str(other.profile)}))
        await world.refused_to_foreign_claim(FUNCTION, *args(world)[1:])

    await world.leaves_nothing(all_refused)
    await confirmed(world)
    theirs = await world.call(FUNCTION, other.id, other.robot, "k", "h", {}, "robot:test")
    assert [] == theirs["orders"]
    await world.call(FUNCTION, *args(world))
    await world.leaves_nothing(lambda: world.refused("HF414", FUNCTION, *args(world, hash_="h2")))
