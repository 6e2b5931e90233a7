"""What happens when a robot shows no sign of life: its mode is set, its orders are canceled, once."""

from uuid import UUID

from engine.flows.context import FlowContext
from engine.ledger import switches
from engine.ledger.switches import Cause
from engine.runtime.log import get_logger

_log = get_logger(__name__)


class SwitchFlow:
    """Fires dead-man's switches: two transactions, each once whoever calls; after a crash it goes on.

    The cancels it requests are sent by whoever holds the lease of each order's account, like all that wait.
    """

    def __init__(self, context: FlowContext) -> None:
        self._context = context

    async def act(self, tenant_id: UUID, robot_id: UUID, cause: Cause = "timeout") -> bool:
        """Fire a switch if it is due, and sweep; tell whether it fired. Raises DATABASE_UNAVAILABLE, BUSY."""
        ledger = self._context.ledger
        answer = await switches.fire(ledger, tenant_id, robot_id, cause)
        fired = bool(answer["fired"])
        if fired:
            self._context.metrics.dead_mans_switches_fired_total.labels(str(answer["action"]), cause).inc()
            _log.warning(
                "dead-man's switch fired", tenant_id=str(tenant_id), robot_id=str(robot_id), cause=cause
            )
        if answer["sweep"]:
            cancels = await switches.sweep(ledger, tenant_id, robot_id)
            _log.info("cancels requested", robot_id=str(robot_id), count=cancels)
        return fired

    async def disconnected(self, tenant_id: UUID, robot_id: UUID) -> bool:
        """Act on the end of a robot's last feed connection, if it has asked for that. Raises like `act`."""
        return await self.act(tenant_id, robot_id, "disconnect")
