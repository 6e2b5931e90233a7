"""Composition root: builds everything, opens the gates in order, supervises, and stops in order."""

import asyncio
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any
from uuid import uuid4

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from engine.api.app import create_app
from engine.api.auth import Caller, KeyRing
from engine.api.gates import Gate, Gates
from engine.api.internal import create_internal_app
from engine.api.rates import open_rates
from engine.api.server import HttpServer, listen
from engine.api.services import Connected, FeedServices, InternalServices, Services
from engine.api.services import Trading as TradingCalls
from engine.api.tickets import Tickets
from engine.api.users import open_users
from engine.deploy.embedded import EmbeddedPostgres
from engine.domain.errors import ErrorCode, HoldfastError
from engine.flows.accounts import Accounts, AccountSession
from engine.flows.alert import AlertFlow
from engine.flows.context import FlowContext, Timings
from engine.flows.desk import Desk, open_desk
from engine.flows.feed import FeedHub
from engine.flows.reconcile import Reconciliation
from engine.flows.resolve import Resolver
from engine.flows.switch import SwitchFlow
from engine.ledger import admin, watch
from engine.ledger.choice import direct, over_http
from engine.ledger.rpc import RpcOptions
from engine.ledger.seam import Ledger, LedgerOptions
from engine.loops import startup
from engine.loops.connections import Connection, Connections
from engine.loops.dead_letters import DeadLetterCount
from engine.loops.following import Following
from engine.loops.guard import Guard
from engine.loops.health import NOT_BUILT, Health, loop_row
from engine.loops.leases import Leases, LeaseTimings
from engine.loops.monitor import MonitorTimings
from engine.loops.quotes import QuoteFeeds, Quotes
from engine.loops.reconciliation import ReconciliationTimings
from engine.loops.sequencer import Sequencer
from engine.loops.switches import Switches
from engine.loops.trading import Trading
from engine.loops.watchdog import Findings, Watchdog
from engine.loops.webhooks import Alerts
from engine.runtime import log
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.secrets import SecretsError, Vault, open_vault
from engine.runtime.settings import Settings
from engine.runtime.tasks import Body, Heartbeat, Supervisor

_RETRY_S = 1.0
_DRIFT_RETRY_S = 5.0
_PING_S = 1.0
_PARENT_S = 0.25
_LOOPS_STOP_S = 5.0
_FEED_STOP_S = 2.0  # of feed clients, whose last word takes at most a second
_log = log.get_logger(__name__)


def main(settings: Settings, host: str | None, port: int | None, *, exit_with_parent: bool) -> int:
    """Run until a signal; return the exit code. Raises HoldfastError for what no retry can heal."""
    log.configure(json_lines=settings.log_format == "json", level=settings.log_level)
    parent = os.getppid() if exit_with_parent else None
    embedded: EmbeddedPostgres | None = None
    options: LedgerOptions | RpcOptions
    if (http := over_http(settings)) is not None:
        options = http
    elif settings.database_url is not None:
        options = direct(settings, settings.database_url.get_secret_value())
    else:
        embedded = EmbeddedPostgres(settings.data_dir)
        options = direct(settings, embedded.start())  # in the main thread, before there is a loop to block
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            daemon = Daemon(settings, options, embedded)
            runner.run(daemon.run(host, port, parent))
    finally:
        if embedded is not None:
            embedded.stop()
    _say("stopped")
    return 0


@dataclass(slots=True)
class _Engine:
    """What exists once the database is reachable."""

    ledger: Ledger
    context: FlowContext
    desk: Desk
    connections: Connections
    watchdog: Watchdog
    leases: Leases
    health: Health
    hub: FeedHub


class Daemon:
    """One process: the API, the loops, and the order in which they begin and end."""

    def __init__(
        self, settings: Settings, options: LedgerOptions | RpcOptions, embedded: EmbeddedPostgres | None
    ) -> None:
        self._settings = settings
        self._options = options
        self._embedded = embedded
        self._clock = Clock()
        self._metrics = Metrics()
        self._gates = Gates(self._clock, self._metrics, self._tell_ready)
        self._supervisor = Supervisor(self._metrics, self._clock)
        self._scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1})
        self._vault = _vault(settings)
        self._feeds = QuoteFeeds()
        self._guard = Guard(settings, self._metrics, self._clock)
        self._stop = asyncio.Event()
        self._failure: HoldfastError | None = None
        self._engine: _Engine | None = None
        self._started_at = self._clock.now()
        self._server_version: str | None = None
        self._ready_told = False
        self._port = 0
        self._schema_hash = ""
        internal = InternalServices(self._gates, self._metrics.registry, self.health)
        self._services = Services(
            self._gates,
            self._clock,
            self._metrics,
            internal,
            settings.http_body_bytes_max,
            FeedServices(
                Tickets(self._vault, self._clock), settings.feed_heartbeat_s, settings.feed_clients_max
            ),
            internal_on_same_port=settings.internal_port is None,
            suspect=self._guard.intrusions.suspect,
            rates=open_rates(settings, self._clock, self._metrics),
        )

    async def run(self, host: str | None, port: int | None, parent: int | None) -> None:
        """Serve until a signal, the parent's end or a failure that no retry heals; raises the latter."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        address = host or settings.http_host
        servers = [
            self._server(create_app(self._services), address, settings.http_port if port is None else port)
        ]
        if settings.internal_port is not None:
            internal = create_internal_app(self._services.internal)
            servers.append(self._server(internal, settings.internal_host, settings.internal_port))
        for server in servers:
            await server.start()
        self._port = servers[0].port
        _say("listening", host=address, port=self._port, internal_port=servers[-1].port, pid=os.getpid())
        self._supervisor.start("gates", self._keep_gates, silent_s_max=60.0)
        if parent is not None:
            self._supervisor.start("parent", lambda heartbeat: self._watch_parent(heartbeat, parent))
        await self._stop.wait()
        await self._shut_down(servers)
        if self._failure is not None:
            raise self._failure

    # -- gates --------------------------------------------------------------------------------------

    async def _keep_gates(self, heartbeat: Heartbeat) -> None:
        """Open the gates of the database in order, then see whether it is still there."""
        while True:
            heartbeat.beat()
            delay_s = _PING_S
            try:
                if self._engine is None:
                    await self._open_database()
                else:
                    await watch.prove_writable(self._engine.ledger)
                    self._gates.open(Gate.DATABASE)
            except HoldfastError as error:
                delay_s = self._not_open(error)
            if not await heartbeat.pause(delay_s):
                return

    def _not_open(self, error: HoldfastError) -> float:
        """Close the gate that an error belongs to; return when to try again."""
        reason = f"{error.code.value}: {error}"
        _log.warning("gate closed", reason=reason)
        if error.code is ErrorCode.DRIFT:
            self._gates.close(Gate.SCHEMA, reason)
            if not self._deploys:
                return _DRIFT_RETRY_S  # `holdfast db deploy` heals it
        elif error.code is ErrorCode.LEASE_HELD:
            self._gates.close(Gate.SCHEMA, reason)
            return _RETRY_S
        elif error.code is not ErrorCode.CONFIGURATION:
            self._gates.close(Gate.DATABASE, reason)
            if self._embedded is None or self._embedded.pid is not None:
                return _RETRY_S
            # Only a new start brings it back; whoever supervises this process sees the exit code.
            error = HoldfastError(
                ErrorCode.DATABASE_UNAVAILABLE,
                "The embedded database has ended; see postgres.log in data_dir.",
            )
        self._failure = error
        self._stop.set()
        return _RETRY_S

    @property
    def _deploys(self) -> bool:
        return self._embedded is not None or self._settings.auto_deploy

    async def _open_database(self) -> None:
        ledger = await self._connect()
        self._gates.open(Gate.DATABASE)
        try:
            if isinstance(self._options, RpcOptions):
                self._schema_hash = await startup.equal_by_hash(
                    ledger, test_clock=self._settings.test_clock, note=self._gates.note
                )
            self._gates.open(Gate.SCHEMA)
            await startup.reader_role(ledger)
            if self._embedded is not None:
                await startup.free_leases(ledger)
            engine = self._build(ledger, await startup.installation_tag(ledger))
            reason = await startup.invariants_hold(engine.watchdog)
        except BaseException:  # also when cancelled: its connections must not leak
            await ledger.close()
            raise
        self._engine = engine
        self._gates.look = engine.leases.look
        # Cancels work from here on, and reads; orders when the gates after this one are open.
        self._services.connected = self._connected(engine)
        if reason is None:
            self._gates.open(Gate.INVARIANTS)
        else:
            self._gates.close(Gate.INVARIANTS, reason)
        self._gates.note("storage: not_configured, WAL and disk are not watched")
        self._gates.open(Gate.STORAGE)
        self._start(engine)

    async def _connect(self) -> Ledger:
        """Reach the database by its port, and make and prove its schema; or reach it over HTTP."""
        options = self._options
        if isinstance(options, LedgerOptions):
            self._server_version = await startup.reach(options.url, pooled=options.pooled)
            self._gates.open(Gate.DATABASE)
            self._schema_hash = await startup.make_equal(
                options.url,
                deploys=self._deploys,
                alone=self._embedded is not None,
                pooled=options.pooled,
                test_clock=self._settings.test_clock,
                note=self._gates.note,
            )
        return await Ledger.connect(options, self._metrics, self._clock)

    # -- building -----------------------------------------------------------------------------------

    def _build(self, ledger: Ledger, tag: str) -> _Engine:
        context = FlowContext(
            ledger=ledger,
            accounts=Accounts(ledger),
            clock=self._clock,
            metrics=self._metrics,
            tag=tag,
            owner=uuid4(),
            timings=Timings(
                valid_for_ms=self._settings.order_valid_for_ms,
                read_gap_s=self._settings.read_gap_s,
                clock_skew_max_s=self._settings.clock_skew_max_s,
                lock_ttl_ms=self._settings.entry_lock_ttl_ms,
                queue_length_max=self._settings.queue_length_max,
            ),
        )
        settings, desk = self._settings, open_desk(context)
        watchdog = Watchdog(context, self._supervisor.health)
        connections = Connections(context, self._vault, self._supervisor, self._gates, self._watch)
        resolver = Resolver(context, desk.recorder, desk.cancels)
        monitoring = MonitorTimings(settings.stream_silent_s, settings.poll_interval_s)
        following = Following(
            desk,
            resolver,
            Reconciliation(context, desk.recorder, resolver),
            self._supervisor,
            monitoring,
            ReconciliationTimings(settings.reconcile_interval_s),
            self._guard.notices,
        )
        leases = Leases(context, self._gates, following, LeaseTimings(settings.lease_ttl_s))
        health = Health(desk, connections, watchdog, leases, following)
        hub = FeedHub(ledger, self._metrics, settings.feed_queue_events_max)
        ledger.after_item = hub.nudge
        return _Engine(ledger, context, desk, connections, watchdog, leases, health, hub)

    def _connected(self, engine: _Engine) -> Connected:
        async def look_up(key_hash: bytes) -> Caller | None:
            robot = await admin.authenticate(engine.ledger, key_hash)
            if robot is None:
                return None
            if not robot.enabled:
                raise HoldfastError(ErrorCode.FORBIDDEN, "this robot is disabled", robot=robot.name)
            return Caller(
                robot.tenant_id,
                robot.robot_id,
                robot.name,
                robot.scopes,
                robot.key_id,
                expires_in_s=robot.expires_in_s,
            )

        calls = TradingCalls(
            engine.desk.entries.run,
            engine.desk.exits.run,
            engine.desk.cancels.run,
            engine.context.accounts.profile,
            engine.desk.cancel_all.run,
            engine.desk.entries.preview,
            engine.desk.exits.preview,
            engine.context.accounts.forget_profiles,
        )
        users = open_users(self._settings, partial(admin.authenticate_user, engine.ledger), self._clock)
        keys = KeyRing(look_up, self._clock.monotonic)
        disconnected = SwitchFlow(engine.context).disconnected
        return Connected(engine.ledger, calls, keys, engine.hub, disconnected, users)

    def _start(self, engine: _Engine) -> None:
        settings = self._settings
        self._supervisor.start("trading", Trading(engine.context, engine.desk.cancels).run)
        self._supervisor.start("switches", Switches(engine.context, SwitchFlow(engine.context)).run)
        alerts = AlertFlow(engine.context, engine.desk.entries, engine.desk.exits)
        self._supervisor.start("alerts", Alerts(engine.context, alerts, self._gates.check_entries).run)
        self._supervisor.start("instance", self._tell_life, silent_s_max=settings.lease_ttl_s)
        self._supervisor.start("sequencer", Sequencer(engine.hub).run)
        if settings.broker_url is not None:
            # its client is loaded only where there is a broker
            from engine.loops.broker import Broker  # noqa: PLC0415
            from engine.loops.relay import Relay  # noqa: PLC0415

            broker = Broker(settings.broker_url.get_secret_value())
            relay = Relay(engine.ledger, self._metrics, broker, engine.context.owner)
            self._supervisor.start("relay", relay.run, silent_s_max=60.0)
        self._every(5.0, "dead letters", DeadLetterCount(engine.ledger, self._metrics).look)
        self._supervisor.start("accounts", engine.connections.run)
        self._guard.start(engine.ledger, self._supervisor)
        self._supervisor.start("circuits", engine.connections.keep_circuits, silent_s_max=60.0)
        self._supervisor.start("watchdog", self._watch_over, silent_s_max=settings.watchdog_interval_s + 60)
        self._every(settings.clock_interval_s, "clocks", engine.connections.refresh_clocks)
        self._every(settings.instruments_interval_s, "instruments", engine.connections.refresh_instruments)
        self._scheduler.start()

    def _watch(self, connection: Connection, session: AccountSession) -> Body:
        """Start what every instance does for a connected account, and ask for its lease."""
        engine = self._engine
        if engine is None:
            raise RuntimeError("an account was connected before the engine was built")
        quotes = Quotes(connection.name, session, engine.context, self._feeds.of(session))
        start = self._supervisor.start
        start(f"quotes stream {connection.name}", quotes.follow, silent_s_max=90.0)
        start(f"quotes {connection.name}", quotes.ask)
        return engine.leases.keep(connection.name, session)

    async def _tell_life(self, heartbeat: Heartbeat) -> None:
        engine = self._engine
        if engine is not None:
            name = f"{socket.gethostname()}:{os.getpid()}"
            await engine.leases.beat(heartbeat, name, self._schema_hash, self._gates.outdate)

    def _every(self, interval_s: float, name: str, job: Callable[[], Any]) -> None:
        async def run() -> None:
            try:
                await job()
            except HoldfastError as error:
                _log.warning("scheduled job failed", job=name, reason=f"{error.code.value}: {error}")

        self._scheduler.add_job(run, "interval", seconds=interval_s, id=name, name=name)

    async def _watch_over(self, heartbeat: Heartbeat) -> None:
        """Look at all books: a profile that does not add up is halted, and closes the gate only at start."""

        def seen(found: Findings) -> None:
            if not found.violations:
                self._gates.open(Gate.INVARIANTS)

        if self._engine is not None:
            await self._engine.watchdog.run(heartbeat, self._settings.watchdog_interval_s, seen)

    # -- stop ---------------------------------------------------------------------------------------

    async def _shut_down(self, servers: list[HttpServer]) -> None:
        """Orders first, then what follows them, then what answers questions, then the database."""
        _log.info("stopping")
        self._gates.stop()
        engine = self._engine
        if engine is not None:
            await engine.desk.close(self._settings.stop_timeout_s)
            engine.hub.close()  # its clients come back to another process; a stream would hold up the servers
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        late = await self._supervisor.stop(_LOOPS_STOP_S)
        if late:
            _log.warning("loops cancelled", loops=late)
        if engine is not None:
            await engine.leases.release()
        if engine is not None:
            await engine.connections.close()
            await engine.hub.parted(_FEED_STOP_S)
        for server in servers:
            await server.stop()
        if engine is not None:
            await engine.ledger.close()

    async def _watch_parent(self, heartbeat: Heartbeat, parent: int) -> None:
        while os.getppid() == parent:
            heartbeat.beat()
            if not await heartbeat.pause(_PARENT_S):
                return
        _log.warning("parent is gone", parent=parent)
        self._stop.set()

    # -- health -------------------------------------------------------------------------------------

    async def health(self) -> dict[str, Any]:
        """Return the body of /internal/health."""
        closed = self._gates.closed()
        loops = self._supervisor.health()
        return {
            "status": "ok" if closed is None and all(loop.ok for loop in loops) else "degraded",
            "version": version("holdfast"),
            "started_at": self._started_at.isoformat(),
            "now": self._clock.now().isoformat(),
            "gate": None if closed is None else {"gate": closed[0], "reason": closed[1]},
            "gates": self._gates.report(),
            "notes": self._gates.notes,
            "loops": [loop_row(each) for each in loops],
            "database": await self._database_health(),
            **(NOT_BUILT if self._engine is None else await self._engine.health.engine()),
        }

    async def _database_health(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "embedded": self._embedded is not None,
            "server_version": self._server_version,
            "reachable": False,
        }
        return shown if self._engine is None else shown | await self._engine.health.database()

    # -- small things -------------------------------------------------------------------------------

    def _server(self, app: Any, host: str, port: int) -> HttpServer:
        return HttpServer(app, listen(host, port), self._settings.stop_timeout_s)

    def _tell_ready(self) -> None:
        if not self._ready_told and self._gates.ready:
            self._ready_told = True
            # What lives by now stays, and looking for cycles every 700 objects would cost more than orders.
            gc.freeze()
            gc.set_threshold(50_000, 20, 100)
            _say("ready", port=self._port)


def _vault(settings: Settings) -> Vault:
    folder = settings.data_dir.expanduser()
    key = settings.master_key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        old = settings.master_keys_old
        return open_vault(
            None if key is None else key.get_secret_value(),
            folder,
            None if old is None else old.get_secret_value(),
        )
    except (SecretsError, OSError) as error:
        raise HoldfastError(ErrorCode.CONFIGURATION, str(error)) from error


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an accelerator that need not be there
    except ImportError:
        return None
    return uvloop.new_event_loop


def _say(event: str, **details: Any) -> None:
    """Tell whoever started this process, in one JSON line on stdout."""
    sys.stdout.write(json.dumps({"event": event, **details}) + "\n")
    sys.stdout.flush()
