"""Step 1 of an intent's life: opened once, although the reply may get lost on the way."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import UUID

from engine.domain.errors import HoldfastError
from engine.domain.states import IntentState
from engine.flows.context import FlowContext
from engine.flows.inflight import Inflight
from engine.flows.record import Recorder
from engine.ledger import intents, reads
from engine.ledger.intents import Ending, IntentView, Opened, OpenResult, Replayed
from engine.ledger.translation import effect_unknown, passing
from engine.ledger.wire import instant

Open = Callable[[float], Awaitable[OpenResult]]  # takes the call's deadline


class Opener:
    """Opens intents; a repetition after a lost reply finds the own intent and goes on with it."""

    def __init__(self, context: FlowContext, recorder: Recorder, inflight: Inflight) -> None:
        self._context = context
        self._recorder = recorder
        self._inflight = inflight

    async def open(self, tenant_id: UUID, intent_id: UUID, call: Open) -> OpenResult:
        """Open an intent within its time. Raises BUSY or DATABASE_UNAVAILABLE: nothing will be sent."""
        timings = self._context.timings
        deadline = self._context.ledger.deadline(timings.open_timeout_s)
        delay_s, perhaps = timings.retry_delay_s, False
        while True:
            try:
                result = await call(deadline)
            except HoldfastError as error:
                perhaps = perhaps or effect_unknown(error)
                left_s = deadline - self._context.clock.monotonic()
                if not passing(error) or left_s <= delay_s:
                    if perhaps:
                        self._disown_later(tenant_id, intent_id)
                    raise
                await asyncio.sleep(delay_s)
                delay_s *= 2
                continue
            return own(result, intent_id)

    def _disown_later(self, tenant_id: UUID, intent_id: UUID) -> None:
        """End an intent that may have been opened although we were told nothing: we never send it."""
        self._inflight.start(
            self._recorder.within_budget(
                f"disown {intent_id}", lambda deadline: self._disown(tenant_id, intent_id, deadline)
            ),
            f"disown {intent_id}",
        )

    async def _disown(self, tenant_id: UUID, intent_id: UUID, deadline: float) -> None:
        ledger = self._context.ledger
        view = await reads.get_order(ledger, tenant_id, intent_id)
        if view is not None and view["state"] == IntentState.SENDING and _owner(view) == self._context.owner:
            ending = Ending(intent_id, view["fencing_token"], "its opening was not confirmed in time")
            await intents.not_placed(ledger, tenant_id, ending, deadline=deadline)


def own(result: OpenResult, intent_id: UUID) -> OpenResult:
    """Return a replay of our own intent as what it is: the reply that got lost."""
    if not isinstance(result, Replayed) or result.intent is None:
        return result
    view = result.intent
    if UUID(view["id"]) != intent_id or view["state"] != IntentState.SENDING:
        return result
    return Opened(
        intent_id,
        view["client_order_id"],
        view["fencing_token"],
        instant(view["expires_at"]),
        instant(view["exchange_deadline"]),
        Decimal(view["quantity"]),
        Decimal(view["reserved"] or view["quantity"]),
        None,
        view["spec_version"],
    )


def _owner(view: IntentView) -> UUID:
    return UUID(view["owner"])
