"""Two engines on one account: one is stopped before a call, the other takes over, the first wakes up."""

import asyncio
from dataclasses import dataclass

from tests.torture.flows import Flow
from tests.torture.instance import Instance
from tests.torture.oracle import check, check_midway
from tests.torture.recovery import recover, rest
from tests.torture.scene import open_scene
from tests.torture.schedules import Outcome, Schedule, prepare
from tests.torture.seams import Plug
from tests.torture.world import World

SKEWS_S = (0.0, 20.0, -20.0)
_STOPPED_S = 20.0


@dataclass(frozen=True, slots=True)
class Duel:
    """The first engine stops before crossing `number`; `frozen`: its clocks stand still meanwhile.

    `skew_s`: how far its wall clock is ahead of everybody's.
    """

    flow: str
    number: int
    frozen: bool = False
    skew_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.flow} zombie@{self.number} frozen={self.frozen} skew={self.skew_s:g}"


_ATTEMPTS = 6


async def run_duel(world: World, flow: Flow, duel: Duel) -> Outcome:
    """Stop, take over, resume, and judge; again where calls have shifted and it was not stopped."""
    for _ in range(_ATTEMPTS):
        outcome = await _run_duel(world, flow, duel)
        if outcome.hit or outcome.findings:
            break
    return outcome


async def _run_duel(world: World, flow: Flow, duel: Duel) -> Outcome:
    scene = await open_scene(world, profiles=flow.profiles)
    outcome = Outcome(Schedule(str(duel)))
    await prepare(scene, flow)
    plug = Plug(pause_at=duel.number)
    stopped = Instance.start(scene, plug, skew_s=duel.skew_s)
    acting = asyncio.ensure_future(_lead_and_act(flow, stopped))
    try:
        await _until_stopped(acting, plug)
        outcome.hit = plug.paused.is_set()
        outcome.fired = int(outcome.hit)
        if duel.frozen:
            world.clocks.discard(stopped.clock)
        await recover(scene)
        outcome.findings.merge(await check_midway(scene))
        plug.resume.set()
        await asyncio.wait({acting}, timeout=_STOPPED_S)
        acting.result()
        await stopped.end()
        outcome.findings.merge(await check_midway(scene))
        world.paper.faults.clear()
        done = await recover(scene)
        if flow.again is not None:
            again = Instance.start(scene)
            await flow.again(scene, again)
            await again.end()
            done = await recover(scene)
        outcome.passes, outcome.crossings = done.passes, plug.crossings
        found, _state = await check(scene)
        outcome.findings.merge(found)
        outcome.findings.merge(await rest(scene))
    finally:
        plug.resume.set()
        acting.cancel()
        world.paper.faults.clear()
    outcome.findings.details = [f"{duel}: {detail}" for detail in outcome.findings.details]
    return outcome


async def _lead_and_act(flow: Flow, instance: Instance) -> None:
    await flow.act(instance.scene, instance)


async def _until_stopped(acting: "asyncio.Future[None]", plug: Plug) -> None:
    paused = asyncio.ensure_future(plug.paused.wait())
    await asyncio.wait({acting, paused}, timeout=_STOPPED_S, return_when=asyncio.FIRST_COMPLETED)
    paused.cancel()
