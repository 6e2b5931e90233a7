"""fn_change_mode: a robot's call sets a mode of its tenant's own, once per key."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from tests.sql.capital.trading import order_item
from tests.sql.capital.world import OPERATOR, World
from tests.sql.lifecycle.acts import result

FUNCTION = "fn_change_mode"


def args(world: World, key: str | None = "k", mode: str = "halted", **changes: Any) -> list[Any]:
    one = world.one
    given: dict[str, Any] = {
        "tenant": one.id,
        "robot": one.robot,
        "key": key,
        "hash": "h1",
        "level": "profile",
        "id": one.profile,
        "mode": mode,
        "actor": "robot:test",
        "reason": "odd fills",
    }
    return list((given | changes).values())


async def test_a_mode_is_set_once_per_key(world: World) -> None:
    """The key again gives the first answer although the mode has changed since, and changes nothing."""
    first = await world.call(FUNCTION, *args(world))
    assert ("profile", "active", "halted", False) == (
        first["level"],
        first["before"],
        first["mode"],
        first["replay"],
    )
    await world.call(FUNCTION, *args(world, "k2", "active"))
    again = await world.leaves_nothing(lambda: world.call(FUNCTION, *args(world)))
    assert first | {"replay": True} == again
    assert "active" == (await world.capital())["mode"]


async def test_entries_on_another_connection_are_denied_at_once(world: World) -> None:
    """What one connection sets, fn_open_entry on another reads: no process remembers a mode."""
    elsewhere = World(world.database, await world.database.connect(), world.admin, world.one, world.other)
    await world.call(FUNCTION, *args(world, level="account", id=world.one.account, mode="reducing"))
    denied = await result(elsewhere, "fn_open_entry", order_item(world.one, "e1"))
    assert ("MODE_REDUCING", "account", "odd fills") == (denied["code"], denied["level"], denied["reason"])
    await world.call(FUNCTION, *args(world, "k2", "active", level="account", id=world.one.account))
    assert "OK" == (await result(elsewhere, "fn_open_entry", order_item(world.one, "e2")))["code"]


async def test_refusals_leave_the_key_free(world: World) -> None:
    """No key, no reason, bad modes and levels, foreign things and claims: nothing is written."""
    other = world.other

    async def all_refused() -> None:
        await world.refused("HF413", FUNCTION, *args(world, None))
        await world.refused("HF422", FUNCTION, *args(world, mode="paused"))
        await world.refused("HF422", FUNCTION, *args(world, level="engine", id=None))
        await world.refused("HF422", FUNCTION, *args(world, mode="active", reason=" "))
        await world.refused("HF404", FUNCTION, *args(world, id=uuid4()))
        await world.refused("HF404", FUNCTION, *args(world, id=other.profile))
        await world.refused("HF404", FUNCTION, *args(world, level="tenant", id=other.id))
        await world.refused_to_foreign_claim(FUNCTION, *args(world)[1:])

    await world.leaves_nothing(all_refused)
    await world.call(FUNCTION, *args(world))
    await world.leaves_nothing(lambda: world.refused("HF414", FUNCTION, *args(world, hash="h2")))


async def test_a_profile_below_zero_cannot_resume(world: World) -> None:
    """The invariant stands before the robot's wish, and the key stays free for the time after."""
    lost = ("TRADING_PNL", "AVAILABLE", Decimal(1001), None, None, "loss", OPERATOR, "lost")
    await world.call("fn_adjust", world.one.id, world.one.profile, *lost)
    await world.leaves_nothing(lambda: world.refused("HF412", FUNCTION, *args(world, mode="active")))
    await world.allocate("1", "more")
    assert "active" == (await world.call(FUNCTION, *args(world, mode="active")))["mode"]
