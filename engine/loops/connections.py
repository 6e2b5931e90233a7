"""Finds exchange accounts in the ledger, connects each, and keeps its clock and instruments fresh."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.exchange.account import AccountConfig, ExchangeUrls
from engine.exchange.circuit import State
from engine.exchange.gateway import Gateway
from engine.flows.accounts import AccountSession
from engine.flows.context import FlowContext
from engine.ledger import admin, reads, work
from engine.ledger.translation import passing
from engine.runtime.log import get_logger
from engine.runtime.metrics import Metrics
from engine.runtime.secrets import SecretsError, Vault
from engine.runtime.tasks import Body, Heartbeat, Supervisor

ACCOUNTS, INSTRUMENTS, CLOCK, CIRCUIT = "accounts", "instruments", "clock", "circuit"

_CIRCUIT_STATES = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}
_LOOK_S = 1.0
_RETRY_S = 1.0
_RETRY_S_MAX = 5.0
_WRONG_RETRY_S = 15.0  # a wrong key or account heals only by somebody's hand
_log = get_logger(__name__)


class AccountGates(Protocol):
    """Where it is told whether an account can be traded on."""

    def open(self, gate: str, account: str) -> None:
        """Say that a gate of an account is open."""

    def close(self, gate: str, reason: str, account: str) -> None:
        """Say that it is closed, and why."""


@dataclass(slots=True)
class Connection:
    """One exchange account; `session` is there while it is connected."""

    name: str  # unique in this process: in gates, loops and metrics
    tenant_id: UUID
    account_id: UUID
    exchange: str
    session: AccountSession | None = None
    follow: Body | None = None
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def problem(self) -> str | None:
        """Why it cannot be traded on, None if it can."""
        if self.problems:
            return next(iter(self.problems.values()))
        return "connecting" if self.session is None else None


class CallMetrics:
    """Counts what the exchange seam reports."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def exchange_call(
        self, account_id: str, name: str, result: str, *, duration_s: float, waited_s: float
    ) -> None:
        del account_id
        self._metrics.exchange_call_duration_seconds.labels(name, result).observe(duration_s)
        self._metrics.exchange_budget_wait_seconds.labels(name).observe(waited_s)


class Connections:
    """Every exchange account of the ledger, in this process.

    `watch` starts what follows a connected account, and gives the body its loop goes on with.
    """

    def __init__(
        self,
        context: FlowContext,
        vault: Vault,
        supervisor: Supervisor,
        gates: AccountGates,
        watch: Callable[[Connection, AccountSession], Body],
    ) -> None:
        self._context = context
        self._vault = vault
        self._supervisor = supervisor
        self._gates = gates
        self._watch = watch
        self._known: dict[tuple[UUID, UUID], Connection] = {}

    def all(self) -> list[Connection]:
        return list(self._known.values())

    async def run(self, heartbeat: Heartbeat) -> None:
        """Look for accounts that are new; each gets a loop of its own until it is connected."""
        while True:
            heartbeat.beat()
            try:
                for due in await work.due_accounts(self._context.ledger):
                    if (due.tenant_id, due.account_id) not in self._known:
                        await self._meet(due.tenant_id, due.account_id)
            except HoldfastError as error:
                if not passing(error):
                    raise  # an outage is no failure of this loop: it goes on as soon as it is over
            if not await heartbeat.pause(_LOOK_S):
                return

    async def keep_circuits(self, heartbeat: Heartbeat) -> None:
        """Ask each exchange whose circuit is open, when it is time, whether it is well again."""
        while True:
            heartbeat.beat()
            sessions = [each.session for each in self.all() if each.session is not None]
            await asyncio.gather(*(session.gateway.probe() for session in sessions))
            if not await heartbeat.pause(_LOOK_S):
                return

    async def refresh_clocks(self) -> None:
        """Measure each exchange's clock again; the cheapest proof that it answers."""
        for connection in self.all():
            if connection.session is None:
                continue
            try:
                await connection.session.gateway.measure_clock()
            except HoldfastError as error:
                self._say(connection, CLOCK, str(error))
            else:
                self._clock_measured(connection, connection.session)

    async def refresh_instruments(self) -> None:
        """Read tick, lot and fees again; the old ones stand while the exchange does not answer."""
        for connection in self.all():
            if connection.session is not None:
                try:
                    await self._load_instruments(connection, connection.session)
                except HoldfastError as error:
                    _log.warning("instruments not refreshed", account=connection.name, reason=str(error))

    async def close(self) -> None:
        """Close every gateway."""
        sessions = [connection.session for connection in self.all() if connection.session is not None]
        for session in sessions:
            self._context.accounts.remove(session.tenant_id, session.account_id)
        await asyncio.gather(*(session.gateway.close() for session in sessions))

    async def _meet(self, tenant_id: UUID, account_id: UUID) -> None:
        rows = await reads.list_accounts(self._context.ledger, tenant_id)
        row = next((row for row in rows if row["account_id"] == str(account_id)), None)
        if row is None:
            return
        taken = {connection.name for connection in self.all()}
        name = row["name"] if row["name"] not in taken else f"{row['name']}-{str(account_id)[-6:]}"
        connection = Connection(name, tenant_id, account_id, row["exchange"])
        self._known[tenant_id, account_id] = connection
        self._say(connection, ACCOUNTS, "connecting")

        async def connect(heartbeat: Heartbeat) -> None:
            await self._connected(connection, row, heartbeat)

        self._supervisor.start(f"account {name}", connect, silent_s_max=120.0)

    async def _connected(self, connection: Connection, row: Mapping[str, Any], heartbeat: Heartbeat) -> None:
        delay_s = _RETRY_S
        while connection.session is None:
            heartbeat.beat()
            try:
                await self._connect(connection, row)
            except HoldfastError as error:
                self._say(connection, ACCOUNTS, f"{error.code.value}: {error}")
                _log.warning("account not connected", account=connection.name, reason=str(error))
                wrong = error.code is ErrorCode.CONFIGURATION
                if not await heartbeat.pause(_WRONG_RETRY_S if wrong else delay_s):
                    return
                delay_s = min(delay_s * 2, _RETRY_S_MAX)
        if connection.follow is None:  # what failed after that goes on with the same session
            connection.follow = self._watch(connection, connection.session)
        await connection.follow(heartbeat)

    async def _connect(self, connection: Connection, row: Mapping[str, Any]) -> None:
        config = await self._config(connection, row)
        gateway = Gateway(config, clock=self._context.clock, observer=CallMetrics(self._context.metrics))
        await gateway.open()
        try:
            _same_account(await gateway.account_uid(), row["exchange_account_uid"])
            self._say(connection, ACCOUNTS, None)
            session = AccountSession(connection.tenant_id, connection.account_id, gateway, {})
            await self._load_instruments(connection, session)
        except BaseException:  # also when cancelled: its connections must not leak
            await gateway.close()
            raise
        self._clock_measured(connection, session)
        gateway.circuit.on_change = lambda: self._circuit_changed(connection, gateway)
        self._circuit_changed(connection, gateway)
        self._context.accounts.add(session)
        connection.session = session
        self._count_accounts()
        _log.info("account connected", account=connection.name, exchange=connection.exchange)

    def _count_accounts(self) -> None:
        """Tell each budget how many accounts speak to the same exchange from here: they share its weight."""
        gateways = [each.session.gateway for each in self.all() if each.session is not None]
        counted = Counter((gateway.config.exchange, gateway.config.urls) for gateway in gateways)
        for gateway in gateways:
            gateway.scheduler.accounts = counted[gateway.config.exchange, gateway.config.urls]

    def _clock_measured(self, connection: Connection, session: AccountSession) -> None:
        """Show the offset; one that no drift explains closes the gate, because either clock may be wrong."""
        offset_s = session.gateway.clock_offset_ms() / 1000
        self._context.metrics.exchange_clock_offset_seconds.labels(connection.name).set(offset_s)
        far = abs(offset_s) > self._context.timings.clock_skew_max_s
        session.skewed = f"the exchange's clock is {offset_s:.0f} s off ours" if far else None
        self._say(connection, CLOCK, session.skewed)

    def _circuit_changed(self, connection: Connection, gateway: Gateway) -> None:
        circuit, metrics = gateway.circuit, self._context.metrics
        metrics.circuit_state.labels(connection.name).set(_CIRCUIT_STATES[circuit.state])
        if circuit.state is State.OPEN and circuit.cause is not None:
            metrics.circuit_opened_total.labels(connection.name, circuit.cause.value).inc()
            _log.warning("circuit open", account=connection.name, reason=circuit.reason)
        self._say(connection, CIRCUIT, circuit.reason)

    async def _load_instruments(self, connection: Connection, session: AccountSession) -> None:
        found = await session.gateway.instruments()
        await admin.upsert_instruments(
            self._context.ledger, connection.tenant_id, connection.account_id, found
        )
        session.instruments = {each.symbol: each for each in found}
        self._say(connection, INSTRUMENTS, None if found else "the exchange lists none")

    async def _config(self, connection: Connection, row: Mapping[str, Any]) -> AccountConfig:
        sealed = await admin.account_credentials(
            self._context.ledger, connection.tenant_id, connection.account_id
        )
        try:
            opened = self._vault.decrypt(sealed, connection.tenant_id, connection.account_id)
        except (SecretsError, OSError) as error:
            raise HoldfastError(ErrorCode.CONFIGURATION, str(error)) from error
        urls = row.get("urls")
        return AccountConfig(
            str(connection.account_id),
            connection.exchange,
            opened["key"],
            opened["secret"],
            opened.get("password"),
            ExchangeUrls(**urls) if urls else None,
        )

    def _say(self, connection: Connection, gate: str, problem: str | None) -> None:
        if problem is None:
            connection.problems.pop(gate, None)
            self._gates.open(gate, connection.name)
        else:
            connection.problems[gate] = problem
            self._gates.close(gate, problem, connection.name)


def _same_account(found: str, registered: str) -> None:
    if found != registered:
        raise HoldfastError(
            ErrorCode.CONFIGURATION, f"the keys belong to account {found}, registered is {registered}"
        )
