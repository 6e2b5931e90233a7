"""All flows of one engine process, built together and stopped together."""

from dataclasses import dataclass

from engine.flows.cancel import CancelFlow
from engine.flows.context import FlowContext
from engine.flows.entry import EntryFlow
from engine.flows.exit import ExitFlow
from engine.flows.record import Recorder


@dataclass(frozen=True, slots=True)
class Desk:
    """What api and loops call."""

    context: FlowContext
    entries: EntryFlow
    exits: ExitFlow
    cancels: CancelFlow
    recorder: Recorder

    async def close(self, timeout_s: float) -> int:
        """Let what is in flight end, recording last; returns how many pieces were given up."""
        given_up = await self.entries.close(timeout_s)
        given_up += await self.exits.close(timeout_s)
        given_up += await self.cancels.close(timeout_s)
        return given_up + await self.recorder.close(timeout_s)


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
    )
