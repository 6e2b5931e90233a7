"""What the feed's tests run: a database of two tenants, hub and sequencer, and the API on a real port."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4

from websockets.asyncio.client import ClientConnection, connect

from engine.api.app import create_app
from engine.api.auth import Caller, KeyRing
from engine.api.gates import Gates
from engine.api.server import HttpServer, listen
from engine.api.services import Connected, FeedServices, InternalServices, Services, Trading
from engine.api.tickets import Tickets
from engine.flows.accounts import Accounts
from engine.flows.feed import FeedHub
from engine.ledger import admin
from engine.ledger.seam import Ledger, LedgerOptions
from engine.loops.intrusions import Intrusions
from engine.loops.notices import NoticeOptions, Notices
from engine.loops.sequencer import Sequencer
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.robot_keys import hash_robot_key
from engine.runtime.secrets import Vault
from engine.runtime.tasks import Supervisor
from tests.database.servers import Database
from tests.sql.capital.world import OPERATOR, Tenant, call

if TYPE_CHECKING:
    import aiohttp
    import asyncpg

WAIT_S = 20.0
VAULT = Vault(b"k" * 32)


async def _not_traded(*_: Any) -> Any:
    raise AssertionError("the feed's tests place no orders over HTTP")


@dataclass(slots=True)
class Instance:
    """One engine process's share in the feed: ledger, hub, sequencer and HTTP server."""

    ledger: Ledger
    hub: FeedHub
    metrics: Metrics
    clock: Clock
    supervisor: Supervisor
    server: HttpServer
    intrusions: Intrusions
    gone: list[tuple[UUID, UUID]]  # robots whose last connection ended, with their tenants

    @classmethod
    async def start(
        cls, database: Database, *, queue_events_max: int = 1_000, heartbeat_s: float = 15.0,
        clients_max: int = 256, sequences: bool = True,
    ) -> Self:  # fmt: skip
        metrics, clock = Metrics(), Clock()
        options = LedgerOptions(database.engine_url, role=None, pool_size=4)
        ledger = await Ledger.connect(options, metrics, clock)
        hub = FeedHub(ledger, metrics, queue_events_max)
        ledger.after_item = hub.nudge

        async def look_up(key_hash: bytes) -> Caller | None:
            robot = await admin.authenticate(ledger, key_hash)
            return None if robot is None else Caller(robot.tenant_id, robot.robot_id, robot.name)

        async def health() -> dict[str, Any]:
            return {}

        gates = Gates(clock, metrics)
        services = Services(
            gates, clock, metrics, InternalServices(gates, metrics.registry, health), 65_536,
            FeedServices(Tickets(VAULT, clock), heartbeat_s, clients_max),
        )  # fmt: skip
        accounts, no = Accounts(ledger), _not_traded
        trading = Trading(no, no, no, accounts.profile, no, no, no, accounts.forget_profiles)
        keys = KeyRing(look_up, clock.monotonic)
        gone: list[tuple[UUID, UUID]] = []

        async def disconnected(tenant_id: UUID, robot_id: UUID) -> None:
            gone.append((tenant_id, robot_id))

        services.connected = Connected(ledger, trading, keys, hub, disconnected)
        intrusions = Intrusions(Notices(NoticeOptions(), metrics, clock), metrics, clock)
        services.suspect = intrusions.suspect
        server = HttpServer(create_app(services), listen("127.0.0.1", 0), 2.0)
        await server.start()
        supervisor = Supervisor(metrics, clock)
        if sequences:
            supervisor.start("sequencer", Sequencer(hub).run)
        return cls(ledger, hub, metrics, clock, supervisor, server, intrusions, gone)

    async def stop(self) -> None:
        self.hub.close()
        await self.supervisor.stop(5.0)
        await self.hub.parted(5.0)
        await self.server.stop()
        await self.ledger.close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.server.port}/v1/feed"

    def value(self, name: str, **labels: str) -> float:
        """A metric's present value, 0 if it has no sample."""
        return self.metrics.registry.get_sample_value(f"holdfast_{name}", labels) or 0.0


@dataclass(slots=True)
class Rig:
    """A database with two tenants, each with a key; instances and connections of it close themselves."""

    database: Database
    conn: "asyncpg.Connection[Any]"
    one: Tenant
    other: Tenant
    instances: list[Instance] = field(default_factory=list)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, database: Database) -> AsyncIterator[Self]:
        conn = await database.connect()
        await call(conn, "fn_init_engine", "habc")
        one, other = Tenant("one"), Tenant("other")
        admin_conn = await database.admin()
        for tenant in (one, other):
            await tenant.create(conn)
            await admin_conn.execute(
                "UPDATE engine.robot_keys SET key_hash = $1 WHERE key_id = $2",
                hash_robot_key(key_of(tenant)),
                tenant.key,
            )
        rig = cls(database, conn, one, other)
        try:
            yield rig
        finally:
            for instance in rig.instances:
                await instance.stop()

    async def instance(self, **options: Any) -> Instance:
        made = await Instance.start(self.database, **options)
        self.instances.append(made)
        return made

    async def stop(self, instance: Instance) -> None:
        self.instances.remove(instance)
        await instance.stop()

    async def facts(self, count: int, tenant: Tenant | None = None, profile: UUID | None = None) -> None:
        """Tell `count` facts of a profile: allocations of one cent each, in one round trip."""
        tenant = tenant or self.one
        await self.conn.execute(
            "SELECT engine.fn_allocate($1, $2, 0.01, k, $3, 'test')"
            " FROM unnest($4::text[]) k",
            tenant.id, profile or tenant.profile, OPERATOR, [uuid4().hex for _ in range(count)],
        )  # fmt: skip

    async def allocate(self, amount: str, tenant: Tenant | None = None) -> None:
        tenant = tenant or self.one
        await call(
            self.conn,
            "fn_allocate",
            tenant.id,
            tenant.profile,
            Decimal(amount),
            uuid4().hex,
            OPERATOR,
            "start",
        )

    async def last_seq(self, tenant: Tenant | None = None) -> int:
        """Number what waits, and return the feed's last seq."""
        while True:
            done = await call(self.conn, "fn_sequence_feed", (tenant or self.one).id, 10_000)
            if done["numbered"] == 0:
                return int(done["last_seq"])


async def met(look: Callable[[], Any], wait_s: float = WAIT_S) -> Any:
    """Return the first true value of a look, which may be awaited: rows and metrics tell no event."""
    async with asyncio.timeout(wait_s):
        while True:
            found = look()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)


def bearer(tenant: Tenant) -> dict[str, str]:
    """The header of a tenant's robot."""
    return {"Authorization": f"Bearer {key_of(tenant)}"}


def key_of(tenant: Tenant) -> str:
    """A robot key of the first form, which has no checksum; the tenant's name stands in it."""
    return f"hf_{tenant.name:x<43}"


@contextlib.asynccontextmanager
async def socket(
    instance: Instance, tenant: Tenant | None, query: str = "", **options: Any
) -> AsyncIterator[ClientConnection]:
    """A WebSocket on the feed."""
    headers = {} if tenant is None else bearer(tenant)
    url = instance.socket_url + (f"?{query}" if query else "")
    async with connect(url, additional_headers=headers, compression=None, max_size=None, **options) as opened:
        yield opened


async def frame(opened: ClientConnection) -> dict[str, Any]:
    """The next frame."""
    async with asyncio.timeout(WAIT_S):
        return dict(json.loads(await opened.recv()))


async def frames_to(opened: ClientConnection, seq: int) -> list[dict[str, Any]]:
    """Events up to a seq; heartbeats are left out."""
    found: list[dict[str, Any]] = []
    while not found or found[-1]["seq"] < seq:
        got = await frame(opened)
        if got["kind"] != "heartbeat":
            found.append(got)
    return found


async def server_events(response: "aiohttp.ClientResponse") -> AsyncIterator[dict[str, str]]:
    """The fields of each server-sent event."""
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name.rstrip(":")] = value
        elif fields:
            yield fields
            fields = {}
