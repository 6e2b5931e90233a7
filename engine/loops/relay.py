"""Publishes numbered events to the broker: in order per tenant, at least once, and past what it refuses."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from engine.domain.errors import HoldfastError
from engine.ledger import feed, relay
from engine.ledger.seam import Ledger
from engine.loops.broker import Broker, BrokerAwayError, Outgoing, Published, Refusal
from engine.runtime.log import get_logger
from engine.runtime.metrics import Metrics
from engine.runtime.tasks import Heartbeat

BUSY_S = 0.05
IDLE_S = 0.2
PAGE_EVENTS = 200
CLAIM_TTL_MS = 30_000
FAILURES_MAX = 5
_AWAY_S = 0.5
_AWAY_MAX_S = 5.0
_log = get_logger(__name__)


class Relay:
    """One per process, if a broker is configured; a tenant's events are published by whoever claimed them.

    The claim keeps two processes from publishing one tenant at a time. If it is lost nevertheless, the broker
    gets events twice, under the same dedup id: that is what at least once means.
    """

    def __init__(self, ledger: Ledger, metrics: Metrics, broker: Broker, owner: UUID) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._broker = broker
        self._owner = owner
        self._held: dict[UUID, relay.Claim] = {}

    async def run(self, heartbeat: Heartbeat) -> None:
        """Publish what is due until the stop is ordered; then let another process go on at once."""
        away_s = _AWAY_S
        try:
            while True:
                heartbeat.beat()
                try:
                    published = await self.turn(heartbeat)
                    pause_s, away_s = (BUSY_S if published else IDLE_S), _AWAY_S
                except BrokerAwayError as error:
                    self._metrics.relay_connected.set(0)
                    _log.warning("the broker is away", reason=str(error), again_in_s=away_s)
                    pause_s, away_s = away_s, min(away_s * 2, _AWAY_MAX_S)
                except HoldfastError as error:
                    _log.warning("the relay waits for the database", reason=f"{error.code.value}: {error}")
                    pause_s = 1.0
                if not await heartbeat.pause(pause_s):
                    return
        finally:
            await self._broker.close()
            self._metrics.relay_connected.set(0)
            await self._let_go()

    async def turn(self, heartbeat: Heartbeat | None = None) -> int:
        """Publish a page of every due tenant; return how many events the broker confirmed."""
        due = await relay.due_relays(self._ledger, self._owner)
        self._metrics.relay_lag_events.set(sum(each.lag for each in due))
        await self._broker.connect()
        self._metrics.relay_connected.set(1)
        published = 0
        for each in due:
            if heartbeat is not None:
                heartbeat.beat()
                if heartbeat.stopping.is_set():
                    break
            if each.claimable:
                published += await self._serve(each.tenant_id)
        return published

    async def _serve(self, tenant_id: UUID) -> int:
        claim = await relay.claim(self._ledger, tenant_id, self._owner, CLAIM_TTL_MS)
        if claim is None:
            return 0
        self._held[tenant_id] = claim
        for letter in claim.retries:
            await self._retry(tenant_id, claim, letter)
        page = await feed.read(self._ledger, tenant_id, claim.published_seq, PAGE_EVENTS)
        events = [{**event, "epoch": page.epoch} for event in page.events]
        if claim.failures:
            events = events[:1]  # what failed before goes alone: nothing overtakes it again and again
        done, failed = await self._publish(tenant_id, events)
        if done and not await relay.advance(
            self._ledger, tenant_id, claim.token, events[done - 1]["seq"], CLAIM_TTL_MS
        ):
            _log.warning("the relay's claim was taken over", tenant_id=str(tenant_id))
            return done
        if failed is not None:
            await self._failed(tenant_id, claim, events[done], failed)
        return done

    async def _let_go(self) -> None:
        """Give the claims up; those that cannot be given up expire."""
        try:
            for tenant_id, claim in self._held.items():
                await relay.advance(self._ledger, tenant_id, claim.token, claim.published_seq, None)
        except HoldfastError as error:
            _log.info("the relay's claims expire by themselves", reason=str(error))
        self._held.clear()

    async def _publish(self, tenant_id: UUID, events: Sequence[dict[str, Any]]) -> tuple[int, Refusal | None]:
        """Hand events over in order, all at once; return how many from the first on were confirmed.

        What comes behind a refused one may have been confirmed too, and will be published once more.
        """
        sent = [asyncio.ensure_future(self._broker.publish(outgoing(tenant_id, event))) for event in events]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        done = 0
        for answer in answers:
            if isinstance(answer, BaseException):
                if done:  # what was confirmed before the broker was lost is recorded first
                    return done, None
                raise answer
            outcome, refusal = answer
            self._metrics.relay_publications_total.labels(outcome.value).inc()
            if outcome is Published.REFUSED:
                return done, refusal
            done += 1
        return done, None

    async def _failed(
        self, tenant_id: UUID, claim: relay.Claim, event: dict[str, Any], refusal: Refusal
    ) -> None:
        result = await relay.fail(
            self._ledger,
            tenant_id,
            claim.token,
            event,
            code=refusal.code,
            trace=refusal.trace,
            failures_max=FAILURES_MAX,
        )
        _log.warning(
            "the broker refused an event",
            tenant_id=str(tenant_id),
            seq=event["seq"],
            code=refusal.code,
            failures=result.get("failures"),
            dead=result.get("dead"),
        )
        if result.get("dead"):
            self._metrics.dead_letters_total.labels(refusal.code).inc()

    async def _retry(self, tenant_id: UUID, claim: relay.Claim, letter: dict[str, Any]) -> None:
        """Publish a dead letter once more, under the dedup id it always had."""
        outcome, refusal = await self._broker.publish(outgoing(tenant_id, letter["payload"]))
        self._metrics.relay_publications_total.labels(outcome.value).inc()
        code, trace = (None, None) if refusal is None else (refusal.code, refusal.trace)
        await relay.settle_retry(
            self._ledger, tenant_id, claim.token, UUID(letter["dead_letter_id"]), code=code, trace=trace
        )


def outgoing(tenant_id: UUID, event: dict[str, Any]) -> Outgoing:
    """Return an event as the broker gets it: routed by tenant and type, with an id that never changes."""
    body = {"tenant_id": str(tenant_id), **event}
    return Outgoing(
        dedup_id=f"{tenant_id}:{event['epoch']}:{event['seq']}",
        routing_key=f"{tenant_id}.{event['type']}",
        body=json.dumps(body, separators=(",", ":"), default=str).encode(),
        headers={"tenant_id": str(tenant_id), "epoch": str(event["epoch"]), "seq": str(event["seq"])},
    )
