"""What faults make of events on their way to one connection: twice, later, never, or the end of it all."""

from typing import TYPE_CHECKING, Any

from engine.paper.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.paper.clock import ExchangeClock
    from engine.paper.connection import Connection
    from engine.paper.faults import Faults

_FAREWELL = "eventStreamTerminated"


class StreamFaults:
    """`terminate` ends the subscriptions of the account with this key, with the exchange's own farewell."""

    def __init__(self, faults: "Faults", clock: "ExchangeClock", terminate: "Callable[[str], None]") -> None:
        self._faults = faults
        self._clock = clock
        self._terminate = terminate

    def deliver(
        self, connection: "Connection", event: dict[str, Any], envelope: dict[str, Any], account: str | None
    ) -> None:
        """Send an event in its envelope, unless a fault is about it; `account` is None for public ones."""
        fault = None
        if self._faults.on_streams and event.get("e") != _FAREWELL:
            fault = self._faults.take_event(account, event, self._clock.now_ms())
        kind = None if fault is None else fault.kind
        if kind is FaultKind.STREAM_MISSING:
            return
        if kind is FaultKind.STREAM_SILENT:
            connection.silent = True
        elif kind is FaultKind.STREAM_KICKED:
            connection.kick()
        elif kind is FaultKind.STREAM_TERMINATED and account is not None:
            self._terminate(account)
        elif kind is FaultKind.STREAM_REORDER and connection.held is None:
            connection.held = envelope
        else:
            connection.send(envelope)
            if kind is FaultKind.STREAM_DUPLICATE:
                connection.send(envelope)
            held, connection.held = connection.held, None
            if held is not None:
                connection.send(held)
