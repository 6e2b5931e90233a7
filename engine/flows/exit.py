"""Exits: a robot's wish to sell what its profile holds; the same life as an entry, without its lock."""

from uuid import UUID

from engine.domain.errors import HoldfastError
from engine.domain.ids import client_order_id
from engine.domain.instruments import check_order
from engine.flows.cancel import CancelFlow
from engine.flows.commands import Answer, ExitCommand, denied
from engine.flows.context import FlowContext, new_id
from engine.flows.inflight import Inflight
from engine.flows.opening import Opener
from engine.flows.placing import Moment, Placer, Ready, Wish, wish_of
from engine.flows.preview import Preview, previewed, refused
from engine.flows.queue import TurnQueue
from engine.flows.record import Recorder
from engine.flows.replay import of_known_key, of_replay
from engine.ledger import exits
from engine.ledger.exits import OpenExit
from engine.ledger.intents import Denied, Replayed
from engine.runtime.log import bound


class ExitFlow:
    """Runs exits, in order of arrival for each profile and symbol; no mode refuses one."""

    def __init__(self, context: FlowContext, recorder: Recorder, cancels: CancelFlow) -> None:
        self._context = context
        self._inflight = Inflight()
        self._opener = Opener(context, recorder, self._inflight)
        self._placer = Placer(context, recorder, cancels)
        self._queue = TurnQueue(
            context.clock,
            context.timings.queue_length_max,
            context.metrics.queue_depth_intents.labels("exit"),
        )

    async def run(self, command: ExitCommand) -> Answer:
        """Check, open, send once, record, answer. A cancelled caller does not stop what was begun."""
        started = self._context.clock.monotonic()
        with bound(tenant_id=command.tenant_id, profile=command.profile, symbol=command.symbol):
            try:
                answer = await self._queued(command, started)
            except HoldfastError as error:
                answer = await of_known_key(self._context.ledger, command, error)
        self._count(answer, started)
        return answer

    async def close(self, timeout_s: float) -> int:
        """Refuse who waits, let what is in flight end; returns how many were cancelled."""
        self._queue.close()
        return await self._inflight.drain(timeout_s)

    async def _queued(self, command: ExitCommand, started: float) -> Answer:
        wish = await wish_of(self._context, command, started)
        instrument = wish.session.instrument(command.symbol)
        if command.quantity is not None:
            check_order(instrument, command.quantity, command.limit_price, command.type)
        await self._queue.take(wish.key, wish.expires_at)
        return await self._inflight.finish(self._in_turn(wish), f"exit {command.idempotency_key}")

    async def _in_turn(self, wish: Wish[ExitCommand]) -> Answer:
        try:
            return await self._leave(wish)
        finally:
            self._queue.give_back(wish.key)

    async def _leave(self, wish: Wish[ExitCommand]) -> Answer:
        context, command = self._context, wish.command
        moment = self._placer.moment(wish.session, wish.expires_at)
        intent_id = new_id(context.clock)
        exit_ = self._open(wish, moment, intent_id)
        result = await self._opener.open(
            command.tenant_id,
            intent_id,
            lambda deadline: exits.open_exit(context.ledger, command.tenant_id, exit_, deadline=deadline),
        )
        if isinstance(result, Replayed):
            return of_replay(result)
        if isinstance(result, Denied):
            return denied(result.code, result.details)
        with bound(intent_id=intent_id, client_order_id=result.client_order_id):
            ready = Ready("exit", wish, result, moment, command.limit_price, exit_.time_in_force)
            return await self._placer.place(ready)

    async def preview(self, command: ExitCommand) -> Preview:
        """Tell what this exit would be answered now. It waits for no turn and leaves nothing."""
        context = self._context
        try:
            wish = await wish_of(context, command, context.clock.monotonic())
            instrument = wish.session.instrument(command.symbol)
            if command.quantity is not None:
                check_order(instrument, command.quantity, command.limit_price, command.type)
        except HoldfastError as error:
            return refused(error)
        moment = self._placer.moment(wish.session, wish.expires_at)
        item = self._open(wish, moment, new_id(context.clock)).item()
        return await previewed(context.ledger, command.tenant_id, "exit", item, command.limit_price)

    def _open(self, wish: Wish[ExitCommand], moment: Moment, intent_id: UUID) -> OpenExit:
        """Return what step 1 is asked for."""
        context, command, profile = self._context, wish.command, wish.profile
        return OpenExit(
            command.robot_id,
            profile.profile_id,
            command.idempotency_key,
            command.request_hash,
            intent_id,
            client_order_id(context.tag, command.tenant_id, profile.profile_id, intent_id),
            command.symbol,
            command.type,
            command.quantity,
            command.limit_price,
            # what a market order is recorded with; it is never sent
            command.time_in_force if command.limit_price is not None else "IOC",
            command.post_only,
            command.label,
            context.owner,
            context.timings.lock_ttl_ms,
            moment.exchange_deadline,
        )

    def _count(self, answer: Answer, started: float) -> None:
        metrics = self._context.metrics
        if answer.replay:
            return
        metrics.exit_duration_seconds.labels(answer.outcome.value).observe(
            self._context.clock.monotonic() - started
        )
        if answer.intent is not None:
            metrics.intents_total.labels("exit", answer.intent["state"]).inc()
        else:
            metrics.denials_total.labels("exit", answer.code).inc()
