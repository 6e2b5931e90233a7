"""Runs one schedule: a flow with a fault at one crossing, and perhaps a second one in its recovery."""

from dataclasses import dataclass, field

from tests.torture.flows import Flow
from tests.torture.instance import Instance
from tests.torture.oracle import Findings, check, check_midway
from tests.torture.recovery import recover, rest
from tests.torture.scene import Scene, open_scene
from tests.torture.seams import Kind, Plug
from tests.torture.world import World

_SETTLED_S = 1.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """What goes wrong: `kind` at crossing `number` of the flow, then a crash at `second` of the recovery."""

    flow: str
    number: int | None = None
    kind: Kind | None = None
    second: int | None = None
    second_kind: Kind = Kind.CRASH_AFTER

    def __str__(self) -> str:
        text = f"{self.flow}"
        if self.number is not None:
            text += f" {self.kind}@{self.number}"
        if self.second is not None:
            text += f" then {self.second_kind}@{self.second}"
        return text


@dataclass(slots=True)
class Outcome:
    """What came of a schedule. `crossings` of the flow; `recovery` those of the first recovery."""

    schedule: Schedule
    findings: Findings = field(default_factory=Findings)
    crossings: list[str] = field(default_factory=list)
    replied: set[int] = field(default_factory=set)
    recovery: list[str] = field(default_factory=list)
    recovered: set[int] = field(default_factory=set)  # crossings of the recovery that were replied to
    fired: int = 0
    passes: int = 0
    hit: bool = True  # whether the planned fault was met


_ATTEMPTS, _ATTEMPTS_RACE = 3, 8


async def run(world: World, flow: Flow, schedule: Schedule) -> Outcome:
    """Run a schedule to its end and judge it.

    A pass that sees something move reads once more, so that calls shift: then it is run again, until the
    planned fault was met; of a race more often. For the same reason a run without a fault is made twice, and
    the shorter one tells what the flow crosses.
    """
    if schedule.number is None:
        both = [await _run(world, flow, schedule) for _ in range(2)]
        both.sort(key=lambda outcome: (not outcome.findings, len(outcome.crossings)))
        return both[0]
    for _ in range(_ATTEMPTS_RACE if flow.racy else _ATTEMPTS):
        outcome = await _run(world, flow, schedule)
        if outcome.hit or outcome.findings:
            break
    return outcome


async def _run(world: World, flow: Flow, schedule: Schedule) -> Outcome:
    scene = await open_scene(world, profiles=flow.profiles)
    outcome = Outcome(schedule)
    try:
        await prepare(scene, flow)
        await _act(scene, flow, schedule, outcome)
        await _recover(scene, flow, schedule, outcome)
    finally:
        world.paper.faults.clear()
    outcome.findings.details = [f"{schedule}: {detail}" for detail in outcome.findings.details]
    return outcome


async def prepare(scene: Scene, flow: Flow) -> None:
    """Do what stands before a flow, some time before it."""
    instance = Instance.start(scene)
    await flow.before(scene, instance)
    await instance.end()
    await scene.world.advance(_SETTLED_S)


async def _act(scene: Scene, flow: Flow, schedule: Schedule, outcome: Outcome) -> None:
    plan = {} if schedule.number is None or schedule.kind is None else {schedule.number: schedule.kind}
    plug = Plug(plan=plan)
    instance = Instance.start(scene, plug)
    await flow.act(scene, instance)
    await instance.end()
    outcome.crossings, outcome.replied, outcome.fired = plug.crossings, plug.replied, len(plug.fired)
    outcome.hit = not plan or bool(plug.fired)
    outcome.findings.merge(await check_midway(scene))


async def _recover(scene: Scene, flow: Flow, schedule: Schedule, outcome: Outcome) -> None:
    if schedule.second is not None:
        plug = Plug(plan={schedule.second: schedule.second_kind})
        first = await recover(scene, plug)
        outcome.hit = outcome.hit and first.dead
        outcome.fired += len(plug.fired)
        outcome.findings.merge(await check_midway(scene))
    scene.world.paper.faults.clear()
    done = await recover(scene)
    outcome.recovery, outcome.recovered, outcome.passes = done.crossings, done.replied, done.passes
    if flow.again is not None:
        instance = Instance.start(scene)
        await flow.again(scene, instance)
        await instance.poll()
        await instance.end()
        done = await recover(scene)
        outcome.passes = max(outcome.passes, done.passes)
    found, _state = await check(scene)
    outcome.findings.merge(found)
    outcome.findings.merge(await rest(scene))
