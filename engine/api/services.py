"""What the API is given to work with: built by the daemon, held by no module."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry
from starlette.requests import Request

from engine.api.auth import Caller, KeyRing
from engine.api.gates import Gates
from engine.api.tickets import Tickets
from engine.flows.accounts import Profile
from engine.flows.commands import Answer, CancelCommand, EntryCommand, ExitCommand
from engine.flows.feed import FeedHub
from engine.ledger.seam import Ledger
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics


@dataclass(frozen=True, slots=True)
class InternalServices:
    """What the internal endpoints read. `health` gives the body of /internal/health."""

    gates: Gates
    registry: CollectorRegistry
    health: Callable[[], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Trading:
    """The flows, as the API calls them; each answers and raises HoldfastError only for faults of ours."""

    enter: Callable[[EntryCommand], Awaitable[Answer]]
    leave: Callable[[ExitCommand], Awaitable[Answer]]
    cancel: Callable[[CancelCommand], Awaitable[Answer]]
    profile: Callable[[UUID, str], Awaitable[Profile]]


@dataclass(frozen=True, slots=True)
class FeedServices:
    """What the feed's routes need beside the hub, which comes with the database."""

    tickets: Tickets
    heartbeat_s: float
    clients_max: int


@dataclass(frozen=True, slots=True)
class Connected:
    """What exists once the database is there."""

    ledger: Ledger
    trading: Trading
    keys: KeyRing
    hub: FeedHub


@dataclass(slots=True)
class Services:
    """Everything the robots' routes use; `connected` comes when the database gate opens."""

    gates: Gates
    clock: Clock
    metrics: Metrics
    internal: InternalServices
    body_bytes_max: int
    feed: FeedServices
    internal_on_same_port: bool = True
    connected: Connected | None = None

    def at_work(self) -> Connected:
        """Return what needs the database. Raises NOT_READY until its gates have opened once.

        Later a database that is away speaks for itself: reads fail with its trouble, cancels go out.
        """
        if self.connected is None:
            self.gates.check_database()
            self.gates.check_entries()
            raise RuntimeError("the database gates are open without a connection")
        return self.connected

    async def caller(self, request: Request) -> Caller:
        """Return who calls. Raises UNAUTHORIZED, NOT_READY or DATABASE_UNAVAILABLE."""
        return await self.at_work().keys.caller(request.headers.get("authorization"))

    async def canceller(self, request: Request) -> Caller:
        """Return who cancels: while the database is away a key that it knew before is good enough."""
        return await self.at_work().keys.caller(request.headers.get("authorization"), last_known=True)
