"""Executes alerts that wait, on every instance: claimed in the database, in order of arrival per route."""

import asyncio
from collections.abc import Callable

from engine.domain.errors import ErrorCode, HoldfastError
from engine.flows.alert import AlertFlow
from engine.flows.context import FlowContext
from engine.ledger import webhooks
from engine.ledger.translation import passing
from engine.ledger.webhooks import DueAlert
from engine.runtime.log import get_logger
from engine.runtime.tasks import Heartbeat

_LOOK_S = 0.2
_AT_ONCE_MAX = 16
_CLAIM_MS = 30_000  # longer than any order takes; after a kill it is tried again that much later
_log = get_logger(__name__)


class Alerts:
    """Takes what is due; `check` raises NOT_READY while the engine takes no orders: then they wait."""

    def __init__(self, context: FlowContext, flow: AlertFlow, check: Callable[[], None]) -> None:
        self._context = context
        self._flow = flow
        self._check = check

    async def run(self, heartbeat: Heartbeat) -> None:
        """Look five times a second, at once again while there is more."""
        while True:
            heartbeat.beat()
            ended = 0
            try:
                self._check()
                ended = await self.look()
            except HoldfastError as error:
                if not passing(error) and error.code is not ErrorCode.NOT_READY:
                    raise
                _log.debug("alerts wait", reason=str(error))
            if not await heartbeat.pause(0 if ended else _LOOK_S):
                return

    async def look(self) -> int:
        """Execute what is due; returns how many alerts have ended."""
        due = await webhooks.due(self._context.ledger, _AT_ONCE_MAX)
        return sum(await asyncio.gather(*(self._one(each) for each in due)))

    async def _one(self, due: DueAlert) -> bool:
        ledger = self._context.ledger
        try:
            claimed = await webhooks.claim(ledger, due.tenant_id, due.alert_id, _CLAIM_MS)
            if claimed is None:
                return False
            verdict = await self._flow.execute(claimed)
            recorded = await webhooks.finish(ledger, claimed, verdict)
        except HoldfastError as error:  # its claim runs out, and the same key finds what was done
            _log.warning("alert waits", alert_id=str(due.alert_id), reason=str(error))
            return False
        self._context.metrics.webhook_alerts_total.labels(verdict.state, verdict.code).inc()
        return recorded and verdict.state != "received"
