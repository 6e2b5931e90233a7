"""A rig whose time is the test's: a lease, a resolver, and both clocks moved together."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from engine.flows.desk import Desk
from engine.flows.lease import Lease
from engine.flows.resolve import Resolved, Resolver
from engine.ledger import leases, reads
from engine.ledger.intents import IntentView
from engine.paper.faults import Fault, FaultKind, Match
from tests.flows.rig import Rig

PLACE = Match(method="POST", path="/api/v3/order")
BY_ID = Match(method="GET", path="/api/v3/order")
OPEN = Match(path="/api/v3/openOrders")
CLOSED = Match(path="/api/v3/allOrders")
TRADES = Match(path="/api/v3/myTrades")


@dataclass(slots=True)
class Court:
    """Where a rig's intents in doubt are settled: one holder of the account's lease."""

    rig: Rig
    holder: UUID
    lease: Lease
    desk: Desk
    resolver: Resolver
    seen: list[Resolved] = field(default_factory=list)

    async def once(self) -> Resolved:
        """Let the resolver look once."""
        self.seen.append(await self.resolver.once(self.rig.session, self.lease))
        return self.seen[-1]

    async def later(self, seconds: float) -> None:
        """Move the exchange's and the database's clock; the gateway measures it, and the lease is renewed."""
        rig, lease = self.rig, self.lease
        rig.paper.clock.advance(round(seconds * 1000))
        await rig.database.advance_clock(seconds)
        await rig.gateway.measure_clock()
        assert await leases.renew(
            rig.observer, rig.tenant_id, rig.account_id, self.holder, lease.token, ttl_ms=60_000
        )

    async def until_settled(self, turns: int = 12) -> IntentView:
        """Look again and again, each time when the resolver says; returns the only intent."""
        for _ in range(turns):
            found = await self.once()
            if found.again_at_ms is None:
                return await self.rig.only_intent()
            wait_ms = found.again_at_ms - self.rig.gateway.exchange_now_ms()
            await self.later(max(0.0, wait_ms / 1000) + 0.05)
        raise AssertionError(f"not settled after {turns} looks: {self.seen[-1]}")

    async def proofs(self) -> list[dict[str, Any]]:
        """Return what was kept of the looks at the newest intent."""
        view = (await self.rig.intents())[0]
        events = await reads.order_timeline(self.rig.observer, self.rig.tenant_id, UUID(view["id"]))
        return [event["proof"] for event in events if event.get("proof")]


async def open_court(rig: Rig, *, ttl_s: float = 60.0, faulty: bool = False) -> Court:
    """Take the account's lease for a fresh process; its SQL calls cross the rig's plug only if `faulty`."""
    desk = rig.restart()
    if faulty:
        desk = rig._desk(rig.ledger)
    context, holder = desk.context, uuid4()
    began = context.clock.monotonic()
    taking = await leases.take(rig.observer, rig.tenant_id, rig.account_id, holder, round(ttl_s * 1000))
    assert taking.taken
    lease = Lease(
        rig.tenant_id, rig.account_id, taking.row.fencing_token, context.clock, began=began, ttl_s=ttl_s
    )
    return Court(rig, holder, lease, desk, Resolver(context, desk.recorder, desk.cancels))


async def prove(rig: Rig) -> None:
    """Settle whatever is in doubt as another process would, once its time is over; nothing stays open."""
    court = await open_court(rig)
    await court.later(31)
    for _ in range(3):
        await court.once()
        await court.later(3)
    assert 0 == (await court.once()).open
    await court.desk.close(1)
    assert await leases.release(rig.observer, rig.tenant_id, rig.account_id, court.lease.token)


def fault(rig: Rig, kind: FaultKind, match: Match = PLACE, **more: Any) -> None:
    """Let the exchange do something to the next request that matches."""
    rig.paper.faults.add(Fault(kind, match, **more))


def exchange_time(rig: Rig) -> datetime:
    """Return the exchange's own clock."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=rig.paper.clock.now_ms())
