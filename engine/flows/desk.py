"""All flows of one engine process, built together and stopped together."""

from dataclasses import dataclass

from engine.flows.cancel import CancelFlow
from engine.flows.cancel_all import CancelAllFlow
from engine.flows.context import FlowContext
from engine.flows.entry import EntryFlow
from engine.flows.exit import ExitFlow
from engine.flows.record import Recorder
from engine.runtime.log import get_logger

_LEAST_S = 0.1  # what is nearly done may end, however late it is
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What api and loops call."""

    context: FlowContext
    entries: EntryFlow
    exits: ExitFlow
    cancels: CancelFlow
    recorder: Recorder
    cancel_all: CancelAllFlow

    async def close(self, timeout_s: float) -> int:
        """Let what is in flight end, recording last, all within one time; returns what was given up."""
        clock, given_up = self.context.clock, 0
        until = clock.monotonic() + timeout_s
        for part in (self.entries, self.exits, self.cancels, self.recorder):
            lost = await part.close(max(_LEAST_S, until - clock.monotonic()))
            if lost:
                _log.error("given up in flight", part=type(part).__name__, count=lost)
            given_up += lost
        return given_up


def open_desk(context: FlowContext) -> Desk:
    """Return the flows of a process."""
    recorder = Recorder(context)
    cancels = CancelFlow(context, recorder)
    return Desk(
        context,
        EntryFlow(context, recorder, cancels),
        ExitFlow(context, recorder, cancels),
        cancels,
        recorder,
        CancelAllFlow(context, cancels),
    )
