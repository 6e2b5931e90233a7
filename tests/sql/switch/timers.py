"""A robot's dead-man's switch for the tests of its functions."""

from typing import Any
from uuid import UUID

from tests.sql.capital.world import World


async def arm(
    world: World,
    action: str = "cancel",
    timeout_ms: int = 600_000,
    profile: UUID | None = None,
    *,
    on_disconnect: bool = False,
) -> dict[str, Any]:
    """Arm the first tenant's robot's switch."""
    one = world.one
    answer: dict[str, Any] = await world.call(
        "fn_arm_switch", one.id, one.robot, timeout_ms, action, profile, on_disconnect
    )
    return answer


async def fire(world: World, cause: str = "timeout") -> dict[str, Any]:
    answer: dict[str, Any] = await world.call("fn_fire_switch", world.one.id, world.one.robot, cause)
    return answer


async def shown(world: World) -> dict[str, Any]:
    answer: dict[str, Any] = await world.call("fn_get_switch", world.one.id, world.one.robot)
    return answer


async def due(world: World) -> list[UUID]:
    rows = await world.conn.fetch("SELECT robot_id FROM engine.fn_due_switches(10)")
    return [row["robot_id"] for row in rows]
