"""Takes and keeps the leases of exchange accounts, and says which gates that opens."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from engine.domain.errors import HoldfastError
from engine.flows.accounts import AccountSession
from engine.flows.context import FlowContext
from engine.flows.lease import Lease
from engine.ledger import leases
from engine.ledger.intents import Kind
from engine.ledger.leases import LeaseRow, Stage
from engine.loops.stopping import first
from engine.runtime.log import get_logger
from engine.runtime.tasks import Body, Heartbeat

LEASE, RESOLVER, RECONCILIATION = "lease", "resolver", "reconciliation"

_GATES = (LEASE, RESOLVER, RECONCILIATION)
_RELEASE_S = 3.0
_STAGES = tuple(Stage)
_log = get_logger(__name__)


class Followers(Protocol):
    """What the holder of a lease runs for its account."""

    def begin(self, name: str, session: AccountSession, lease: Lease) -> None:
        """Start the loops of an account, under its lease."""

    async def end(self, name: str) -> None:
        """End them; returns when nothing of them acts any more."""


class AccountGates(Protocol):
    """Where it is told what an account's lease allows."""

    def open(self, gate: str, account: str) -> None:
        """Say that a gate of an account is open."""

    def close(self, gate: str, reason: str, account: str) -> None:
        """Say that it is closed, and why."""


@dataclass(frozen=True, slots=True)
class LeaseTimings:
    """`ttl_s`: how long a holder that died is waited for; `look_s`: between two looks at another's lease."""

    ttl_s: float = 10.0
    look_s: float = 1.0

    @property
    def ttl_ms(self) -> int:
        return round(self.ttl_s * 1000)

    @property
    def renew_s(self) -> float:
        """Between two renewals: two may fail before the lease is lost."""
        return self.ttl_s / 3


@dataclass(slots=True)
class _Seat:
    """One account, and what is known of its lease: its own in the session, or another's row."""

    name: str
    session: AccountSession
    row: LeaseRow | None = None
    row_until: float = 0.0
    problem: str = "not looked at yet"
    unrenewed: str | None = None  # why the last renewal of its own lease failed
    state_read: bool = False  # once, by whichever process


class Leases:
    """The leases of one process: it asks for every account's, and follows those that it gets.

    Other processes hold the rest; from their rows it is known whether entries may be taken here.
    """

    def __init__(
        self,
        context: FlowContext,
        gates: AccountGates,
        followers: Followers,
        timings: LeaseTimings,
    ) -> None:
        self._context = context
        self._gates = gates
        self._followers = followers
        self._timings = timings
        self._seats: dict[str, _Seat] = {}
        self._instances = 1

    def keep(self, name: str, session: AccountSession) -> Body:
        """Return the body of the loop that asks for an account's lease, and renews it while it is held."""
        seat = self._seats[name] = _Seat(name, session)
        session.closed_for = lambda kind: self._closed(seat, kind)
        self._share(seat)
        self._show(seat)

        async def run(heartbeat: Heartbeat) -> None:
            while True:
                heartbeat.beat()
                rest_s = await self._turn(seat)
                if not await self._rest(seat, rest_s, heartbeat):
                    return

        return run

    async def beat(
        self, heartbeat: Heartbeat, name: str, schema_hash: str, outdated: Callable[[str | None], None]
    ) -> None:
        """Say that this process lives, learn how many do, and whether the database was changed under it."""
        context = self._context
        while True:
            heartbeat.beat()
            rest_s = self._timings.renew_s
            try:
                living = await leases.renew_instance(
                    context.ledger, context.owner, name, schema_hash, self._timings.ttl_ms
                )
            except HoldfastError as error:
                _log.warning("life not told", reason=f"{error.code.value}: {error}")
                rest_s = self._timings.look_s
            else:
                self._instances = max(1, living.instances)
                context.metrics.engine_instances.set(self._instances)
                same = living.schema_hash in {None, schema_hash}
                outdated(None if same else "the database was deployed anew: restart this daemon")
                for seat in self._seats.values():
                    self._share(seat)
            if not await heartbeat.pause(rest_s):
                return

    async def release(self) -> None:
        """Free every lease that is held, so that the next process need not wait; its loops have ended."""
        seats = [seat for seat in self._seats.values() if seat.session.lease is not None]
        try:
            async with asyncio.timeout(_RELEASE_S):
                await asyncio.gather(*(self._release(seat) for seat in seats))
                await leases.end_instance(self._context.ledger, self._context.owner)
        except (HoldfastError, TimeoutError) as error:
            _log.warning("leases not released", reason=str(error))  # they expire by themselves

    def look(self) -> None:
        """Show the gates as they are at this moment: a lifetime ends without any news."""
        for seat in self._seats.values():
            self._show(seat)

    def report(self) -> dict[str, dict[str, Any]]:
        """Return of each account whose lease it is and how far its holder has come, for health pages."""
        return {seat.name: self._row(seat) for seat in self._seats.values()}

    # -- one account --------------------------------------------------------------------------------

    async def _turn(self, seat: _Seat) -> float:
        """Renew the lease or ask for it; returns for how long to rest."""
        lease = seat.session.lease
        renewed = True
        if lease is not None:
            renewed = await self._renew(seat, lease)
            if not lease.live:
                await self._drop(seat, lease)
        if seat.session.lease is None:
            await self._take(seat)
        held = seat.session.lease is not None
        return self._timings.renew_s if held and renewed else self._timings.look_s

    async def _take(self, seat: _Seat) -> None:
        context, session = self._context, seat.session
        began = context.clock.monotonic()
        try:
            taking = await leases.take(
                context.ledger, session.tenant_id, session.account_id, context.owner, self._timings.ttl_ms
            )
            seat.row, seat.row_until = taking.row, began + self._timings.ttl_s
            if not taking.taken:
                seat.problem = "its holder does not renew it"
                self._share(seat)
                return
            lease = Lease(
                session.tenant_id,
                session.account_id,
                taking.row.fencing_token,
                context.clock,
                began=began,
                ttl_s=self._timings.ttl_s,
            )
            if taking.row.stage is not Stage.TAKEN:  # an answer was lost, or it expired here first
                lease.stage = taking.row.stage
                await lease.tell(context.ledger, None)
        except HoldfastError as error:
            seat.problem = f"{error.code.value}: {error}"
            return
        session.lease = lease
        seat.problem, seat.unrenewed = "its lifetime has passed without a renewal", None
        self._share(seat)
        self._changed(seat, "taken over" if taking.took_over else "taken")
        try:
            self._followers.begin(seat.name, session, lease)
        except BaseException:  # a lease that nobody works under must not be kept from others
            lease.lose("its loops did not start")
            await self._drop(seat, lease)
            raise

    async def _renew(self, seat: _Seat, lease: Lease) -> bool:
        if lease.lost is not None:
            return False
        began = self._context.clock.monotonic()
        try:
            renewed = await leases.renew(
                self._context.ledger,
                lease.tenant_id,
                lease.account_id,
                self._context.owner,
                lease.token,
                ttl_ms=self._timings.ttl_ms,
            )
        except HoldfastError as error:
            _log.warning("lease not renewed", account_id=str(lease.account_id), reason=str(error))
            seat.unrenewed = f"not renewed: {error.code.value}: {error}"
            return False
        seat.unrenewed = None
        if renewed:
            lease.renewed(began, self._timings.ttl_s)
        else:
            lease.lose("another process has taken it over")
        return renewed

    async def _drop(self, seat: _Seat, lease: Lease) -> None:
        """End what runs under a lease that is lost; each of its steps has been refused since."""
        lease.lose("it could not be renewed in time")
        seat.session.lease = None
        seat.row, seat.problem = None, f"lost: {lease.lost}"
        self._changed(seat, "lost")
        self._share(seat)
        self._show(seat)
        await self._followers.end(seat.name)

    async def _release(self, seat: _Seat) -> None:
        lease, seat.session.lease = seat.session.lease, None
        if lease is not None and lease.lost is None:
            lease.lose("released")
            await leases.release(self._context.ledger, lease.tenant_id, lease.account_id, lease.token)
            self._changed(seat, "released")

    async def _rest(self, seat: _Seat, rest_s: float, heartbeat: Heartbeat) -> bool:
        """Wait for the next turn, showing what the loops reach meanwhile. False: the loop shall end."""
        clock = self._context.clock
        until = clock.monotonic() + rest_s
        while True:
            self._show(seat)
            lease, left_s = seat.session.lease, until - clock.monotonic()
            if lease is None or left_s <= 0:
                return await heartbeat.pause(left_s)
            lease.changed.clear()
            await first(left_s, lease.changed.wait(), heartbeat.stopping.wait())
            if heartbeat.stopping.is_set():
                return False
            if lease.lost is not None:
                return True

    # -- what follows from it -----------------------------------------------------------------------

    def _stage(self, seat: _Seat) -> tuple[Stage, str | None] | None:
        """How far the account's holder has come, and why no further; None if nobody holds its lease."""
        lease = seat.session.lease
        if lease is not None:
            return (lease.stage, lease.stage_reason) if lease.live else None
        row = seat.row
        if row is None or not row.live or self._context.clock.monotonic() >= seat.row_until:
            return None
        return row.stage, row.stage_reason

    def _gate(self, seat: _Seat) -> tuple[str, str] | None:
        """Return the first closed gate of the lease, with its reason."""
        held = self._stage(seat)
        if held is None:
            return LEASE, seat.problem
        stage, reason = held
        place = _STAGES.index(stage)
        seat.state_read |= place >= _STAGES.index(Stage.READ)
        if place < _STAGES.index(Stage.READ):
            return RESOLVER, reason or "the exchange's state is being read"
        if place < _STAGES.index(Stage.RESOLVED):
            return RESOLVER, reason or "intents in doubt are being resolved"
        if place < _STAGES.index(Stage.RECONCILED):
            return RECONCILIATION, reason or "the first pass is not done"
        return None

    def _closed(self, seat: _Seat, kind: Kind) -> tuple[str, str] | None:
        """Return the gate that is closed for an entry or exit.

        Exits wait until the account's state was read once; a change of holder does not hold them up again.
        """
        closed = self._gate(seat)
        return None if kind == "exit" and seat.state_read else closed

    def _show(self, seat: _Seat) -> None:
        """Open and close the three gates in their order.

        A lease whose last renewal failed may be live for moments only. Its orders still pass, but who asks
        whether this process is ready is not promised so.
        """
        closed = self._gate(seat)
        if closed is None and seat.session.lease is not None and seat.unrenewed is not None:
            closed = LEASE, seat.unrenewed
        at = len(_GATES) if closed is None else _GATES.index(closed[0])
        for place, gate in enumerate(_GATES):
            if place < at:
                self._gates.open(gate, seat.name)
            else:
                reason = closed[1] if closed and place == at else f"waits for {_GATES[at]}"
                self._gates.close(gate, reason, seat.name)

    def _row(self, seat: _Seat) -> dict[str, Any]:
        lease, row, held = seat.session.lease, seat.row, self._stage(seat)
        return {
            "held": lease is not None and lease.live,
            "holder": None if held is None or row is None else row.holder_name or str(row.holder),
            "fencing_token": None if row is None else row.fencing_token,
            "stage": None if held is None else held[0].value,
            "reason": None if held is None else held[1],
        }

    def _share(self, seat: _Seat) -> None:
        """Divide the account's budget: half of the orders is the holder's, half is everybody's alike."""
        others = self._instances - 1
        if others == 0:
            orders, weight = 1.0, 1.0
        elif seat.session.lease is not None:
            orders, weight = 0.5 + 0.5 / self._instances, 0.9
        else:
            orders, weight = 0.5 / self._instances, 0.1 / others
        seat.session.gateway.scheduler.set_share(orders=orders, weight=weight)

    def _changed(self, seat: _Seat, change: str) -> None:
        metrics, lease = self._context.metrics, seat.session.lease
        metrics.lease_held.labels(seat.name).set(0 if lease is None else 1)
        metrics.lease_changes_total.labels(seat.name, change).inc()
        _log.info("lease " + change, account=seat.name, token=None if lease is None else lease.token)
