"""What the API is given to work with: built by the daemon, held by no module."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry
from starlette.requests import HTTPConnection, Request

from engine.api.auth import Caller, KeyRing, bearer
from engine.api.gates import Gates
from engine.api.problems import SUSPECT
from engine.api.rates import Rates
from engine.api.tickets import Tickets
from engine.api.users import Users
from engine.domain.scopes import Scope, needed_for, require
from engine.flows.accounts import Profile
from engine.flows.cancel_all import CanceledAll
from engine.flows.commands import Answer, CancelAllCommand, CancelCommand, EntryCommand, ExitCommand
from engine.flows.feed import FeedHub
from engine.flows.preview import Preview
from engine.ledger.reading import TenantReads
from engine.ledger.seam import Ledger
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.robot_keys import ROBOT_KEY_PREFIX

TOKEN_LENGTH_MAX = 8_192
# suspect(tenant, actor, module, ids): ids were asked for that the tenant does not have
Suspect = Callable[[UUID, str, str, Sequence[str]], None]


def _nobody(_tenant_id: UUID, _actor: str, _module: str, _ids: Sequence[str]) -> None:
    """Nobody is told: for an app that is only described."""


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
    cancel_all: Callable[[CancelAllCommand], Awaitable[CanceledAll]]
    preview_entry: Callable[[EntryCommand], Awaitable[Preview]]
    preview_exit: Callable[[ExitCommand], Awaitable[Preview]]
    forget_profiles: Callable[[UUID], None]


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
    disconnected: Callable[[UUID, UUID], Awaitable[object]]  # a robot's last feed connection here has ended
    users: Users | None = None


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
    suspect: Suspect = _nobody
    connected: Connected | None = None
    rates: Rates | None = None  # None: any number of requests passes

    def at_work(self) -> Connected:
        """Return what needs the database. Raises NOT_READY until its gates have opened once.

        Later a database that is away speaks for itself: reads fail with its trouble, cancels go out.
        """
        if self.connected is None:
            self.gates.check_database()
            self.gates.check_entries()
            raise RuntimeError("the database gates are open without a connection")
        return self.connected

    async def caller(self, request: Request, needed: Scope | None = None) -> Caller:
        """Return who calls, if it may do what the request's method or `needed` says.

        Raises UNAUTHORIZED, FORBIDDEN with the missing scope, RATE_LIMITED, and what no database raises.
        """
        return await self._admit(request, needed or needed_for(request.method), last_known=False)

    async def canceller(self, request: Request) -> Caller:
        """Return who cancels: while the database is away a key that it knew before is good enough."""
        return await self._admit(request, Scope.CANCEL, last_known=True)

    def reads(self, caller: Caller) -> TenantReads:
        """Return what a caller's reads go through: its tenant's role and claims, not the engine's."""
        return TenantReads(self.at_work().ledger, caller.tenant_id)

    async def holder(
        self,
        connection: HTTPConnection,
        authorization: str | None,
        needed: Scope,
        *,
        last_known: bool = False,
    ) -> Caller:
        """Return whose authorization this is, if it may do what is needed; what `caller` raises but rates."""
        connected = self.at_work()
        token = bearer(authorization, TOKEN_LENGTH_MAX)
        if connected.users is not None and not token.startswith(ROBOT_KEY_PREFIX):
            caller = await connected.users.caller(token)
        else:
            caller = await connected.keys.caller(token, last_known=last_known)
        connection.scope[SUSPECT] = partial(self.suspect, caller.tenant_id, caller.actor)
        require(caller.scopes, needed)
        return caller

    async def _admit(self, request: Request, needed: Scope, *, last_known: bool) -> Caller:
        authorization = request.headers.get("authorization")
        caller = await self.holder(request, authorization, needed, last_known=last_known)
        if self.rates is not None:
            self.rates.admit(request, caller)
        return caller
