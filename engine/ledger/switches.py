"""Dead-man's switches: a robot's timer in the database, and what is done when it has run out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from engine.ledger.seam import Ledger

Cause = Literal["timeout", "disconnect"]


@dataclass(frozen=True, slots=True)
class Setting:
    """How a switch is armed. `action` is cancel, reduce or halt; the last two name whose mode they set."""

    timeout_ms: int
    action: str
    profile_id: UUID | None
    cancel_on_disconnect: bool


@dataclass(frozen=True, slots=True)
class DueSwitch:
    """A switch that has to act."""

    tenant_id: UUID
    robot_id: UUID


async def arm(ledger: Ledger, tenant_id: UUID, robot_id: UUID, setting: Setting) -> Mapping[str, Any]:
    """Arm a switch, or let its time begin anew. Raises NOT_FOUND, BAD_REQUEST."""
    view: Mapping[str, Any] = await ledger.call(
        "fn_arm_switch",
        tenant_id,
        robot_id,
        setting.timeout_ms,
        setting.action,
        setting.profile_id,
        setting.cancel_on_disconnect,
    )
    return view


async def disarm(ledger: Ledger, tenant_id: UUID, robot_id: UUID) -> Mapping[str, Any] | None:
    """Disarm a switch; None if there is none."""
    view: Mapping[str, Any] | None = await ledger.call("fn_disarm_switch", tenant_id, robot_id)
    return view


async def get(ledger: Ledger, tenant_id: UUID, robot_id: UUID) -> Mapping[str, Any] | None:
    """Return a robot's switch; None if it never had one."""
    view: Mapping[str, Any] | None = await ledger.call("fn_get_switch", tenant_id, robot_id)
    return view


async def due(ledger: Ledger, limit: int = 100) -> list[DueSwitch]:
    """Return switches whose time has passed, or whose cancels are not requested yet."""
    return [DueSwitch(**row) for row in await ledger.rows("fn_due_switches", limit)]


async def fire(ledger: Ledger, tenant_id: UUID, robot_id: UUID, cause: Cause) -> Mapping[str, Any]:
    """Fire a switch if it is due: {fired, sweep}."""
    answer: Mapping[str, Any] = await ledger.call("fn_fire_switch", tenant_id, robot_id, cause)
    return answer


async def sweep(ledger: Ledger, tenant_id: UUID, robot_id: UUID) -> int:
    """Request the cancels that a fired switch owes; returns how many."""
    answer: Mapping[str, Any] = await ledger.call("fn_sweep_switch", tenant_id, robot_id)
    return int(answer["cancels"])
