"""Finishes what robots asked for and flows could not: cancels recorded while their order was away."""

from engine.domain.errors import HoldfastError
from engine.flows.accounts import OrderIds
from engine.flows.cancel import CancelFlow
from engine.flows.context import FlowContext
from engine.ledger import reads, work
from engine.ledger.translation import passing
from engine.runtime.log import get_logger
from engine.runtime.tasks import Heartbeat

_LOOK_S = 1.0
_log = get_logger(__name__)


class Trading:
    """Sends cancels that are due, of the accounts whose lease this process holds.

    Facts that wait for the database are repeated by their recorder.
    """

    def __init__(self, context: FlowContext, cancels: CancelFlow) -> None:
        self._context = context
        self._cancels = cancels

    async def run(self, heartbeat: Heartbeat) -> None:
        """Look once a second."""
        while True:
            heartbeat.beat()
            try:
                await self._look(heartbeat)
            except HoldfastError as error:
                if not passing(error):
                    raise
                _log.info("cancels wait for the database", reason=str(error))
            if not await heartbeat.pause(_LOOK_S):
                return

    async def _look(self, heartbeat: Heartbeat) -> None:
        for due in await work.due_cancels(self._context.ledger):
            if self._context.accounts.holds(due.tenant_id, due.account_id):
                await self._cancel(due)
            heartbeat.beat()

    async def _cancel(self, due: work.DueOrder) -> None:
        view = await reads.get_order(self._context.ledger, due.tenant_id, due.intent_id)
        if view is None or view["exchange_order_id"] is None:
            return
        ids = OrderIds(
            due.tenant_id,
            due.account_id,
            due.intent_id,
            view["symbol"],
            view["exchange_order_id"],
            view["client_order_id"],
        )
        try:
            await self._cancels.send(ids)
        except HoldfastError as error:
            _log.info("cancel waits", intent_id=str(due.intent_id), reason=str(error))
