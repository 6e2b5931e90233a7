"""The start-up gates: which must be open before an order is taken, and why one is closed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from engine.domain.errors import ErrorCode, HoldfastError
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics


class Gate(StrEnum):
    """In the order in which they open."""

    DATABASE = "database"
    SCHEMA = "schema"
    INVARIANTS = "invariants"
    STORAGE = "storage"
    ACCOUNTS = "accounts"
    INSTRUMENTS = "instruments"
    CLOCK = "clock"
    CIRCUIT = "circuit"
    LEASE = "lease"
    RESOLVER = "resolver"
    RECONCILIATION = "reconciliation"


# What is true of each exchange account by itself: one that is away closes no other.
ACCOUNT_GATES = (
    Gate.ACCOUNTS,
    Gate.INSTRUMENTS,
    Gate.CLOCK,
    Gate.CIRCUIT,
    Gate.LEASE,
    Gate.RESOLVER,
    Gate.RECONCILIATION,
)
_ENGINE_GATES = (Gate.DATABASE, Gate.SCHEMA, Gate.INVARIANTS, Gate.STORAGE)
_NOT_REACHED = "not reached yet"


@dataclass(slots=True)
class _State:
    reason: str | None
    since: datetime


class Gates:
    """States of the gates, written by the daemon and read by the API."""

    def __init__(self, clock: Clock, metrics: Metrics, on_change: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._metrics = metrics
        self._engine = {gate: _State(_NOT_REACHED, clock.now()) for gate in _ENGINE_GATES}
        self._accounts: dict[str, dict[Gate, _State]] = {}
        self._stopping = False
        self._outdated = False
        self.notes: list[str] = []
        self.look: Callable[[], None] = lambda: None  # called before a reading, to bring it up to date
        self._on_change = on_change

    def open(self, gate: str, account: str | None = None) -> None:
        """Open a gate; of one account if it is named."""
        self._set(Gate(gate), account, None)

    def close(self, gate: str, reason: str, account: str | None = None) -> None:
        """Close a gate, saying why."""
        self._set(Gate(gate), account, reason)

    def outdate(self, reason: str | None) -> None:
        """Close the schema's gate for entries alone: it was deployed anew under us. None opens it again."""
        if reason is not None:
            self._outdated = True
            self._set(Gate.SCHEMA, None, reason)
        elif self._outdated:
            self._outdated = False
            self._set(Gate.SCHEMA, None, None)

    def forget(self, account: str) -> None:
        """Drop an account that no longer exists."""
        self._accounts.pop(account, None)

    def note(self, text: str) -> None:
        """Keep a remark that /readyz shows."""
        if text not in self.notes:
            self.notes.append(text)

    def stop(self) -> None:
        """Close everything that takes orders, for good."""
        self._stopping = True

    @property
    def ready(self) -> bool:
        return self.closed() is None

    def closed(self) -> tuple[str, str] | None:
        """Return name and reason of the first closed gate."""
        self.look()
        closed = self._closed_engine()
        if closed is not None:
            return closed
        if not self._accounts:
            return Gate.ACCOUNTS.value, "no exchange account is registered"
        for gate in ACCOUNT_GATES:
            for name in sorted(self._accounts):
                reason = self._accounts[name][gate].reason
                if reason is not None:
                    return gate.value, f"{name}: {reason}"
        return None

    def check_database(self) -> None:
        """Refuse what needs the database while it is not known to be ours. Raises NOT_READY."""
        for gate in (Gate.DATABASE, Gate.SCHEMA):
            reason = self._engine[gate].reason
            if reason is not None and not (gate is Gate.SCHEMA and self._outdated):
                raise HoldfastError(ErrorCode.NOT_READY, f"{gate.value}: {reason}", gate=gate.value)

    def check_exits(self) -> None:
        """Refuse an exit while nothing can be recorded, or the daemon stops. Raises NOT_READY with the gate.

        Nothing else of the engine holds up who wants to sell; the account's gates are the flow's to check.
        """
        self.check_database()
        if self._stopping:
            raise HoldfastError(ErrorCode.NOT_READY, "stopping: the daemon is stopping", gate="stopping")

    def check_entries(self) -> None:
        """Refuse an entry while a gate of the engine is closed. Raises NOT_READY with the gate.

        The gates of its exchange account are the flow's to check, on its session there.
        """
        closed = self._closed_engine()
        if closed is not None:
            raise HoldfastError(ErrorCode.NOT_READY, f"{closed[0]}: {closed[1]}", gate=closed[0])

    def report(self) -> list[dict[str, Any]]:
        """Every gate with its state, for /readyz and /internal/health."""
        self.look()
        rows = [_row(gate, None, state) for gate, state in self._engine.items()]
        if not self._accounts:
            rows.append(
                {"gate": Gate.ACCOUNTS.value, "open": False, "reason": "no exchange account is registered"}
            )
        for name in sorted(self._accounts):
            rows += [_row(gate, name, state) for gate, state in self._accounts[name].items()]
        return rows

    def _closed_engine(self) -> tuple[str, str] | None:
        if self._stopping:
            return "stopping", "the daemon is stopping"
        for gate, state in self._engine.items():
            if state.reason is not None:
                return gate.value, state.reason
        return None

    def _set(self, gate: Gate, account: str | None, reason: str | None) -> None:
        if account is None:
            states = self._engine
        else:
            now = self._clock.now()
            states = self._accounts.setdefault(
                account, {each: _State(_NOT_REACHED, now) for each in ACCOUNT_GATES}
            )
        changed = states[gate].reason != reason
        if changed:
            states[gate] = _State(reason, self._clock.now())
        self._metrics.gate_open.labels(gate.value).set(
            all(state.reason is None for state in self._all(gate)) if account else reason is None
        )
        if changed:
            self._on_change()

    def _all(self, gate: Gate) -> list[_State]:
        return [states[gate] for states in self._accounts.values()]


def _row(gate: Gate, account: str | None, state: _State) -> dict[str, Any]:
    row: dict[str, Any] = {
        "gate": gate.value,
        "open": state.reason is None,
        "reason": state.reason,
        "since": state.since.isoformat(),
    }
    if account is not None:
        row["account"] = account
    return row
