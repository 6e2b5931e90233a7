"""Looks for dead-man's switches that have run out, on every instance; the database lets each act once."""

from engine.domain.errors import HoldfastError
from engine.flows.context import FlowContext
from engine.flows.switch import SwitchFlow
from engine.ledger import switches
from engine.ledger.translation import passing
from engine.runtime.log import get_logger
from engine.runtime.tasks import Heartbeat

_LOOK_S = 0.25
_log = get_logger(__name__)


class Switches:
    """Acts on what is due."""

    def __init__(self, context: FlowContext, flow: SwitchFlow) -> None:
        self._context = context
        self._flow = flow

    async def run(self, heartbeat: Heartbeat) -> None:
        """Look four times a second: a switch acts that much late at most, and its cancels a second later."""
        while True:
            heartbeat.beat()
            try:
                await self.look()
            except HoldfastError as error:
                if not passing(error):
                    raise
                _log.info("switches wait for the database", reason=str(error))
            if not await heartbeat.pause(_LOOK_S):
                return

    async def look(self) -> int:
        """Act on every switch that is due; returns how many fired. One that fails holds up no other."""
        fired = 0
        for each in await switches.due(self._context.ledger):
            try:
                fired += await self._flow.act(each.tenant_id, each.robot_id)
            except HoldfastError as error:
                _log.warning("switch waits", robot_id=str(each.robot_id), reason=str(error))
        return fired
