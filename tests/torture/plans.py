"""Which schedules belong to a run: every crossing with every fault, pairs, two engines, seeds."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.torture.all_flows import FLOWS
from tests.torture.duel import SKEWS_S, Duel
from tests.torture.jobs import Job, Storm
from tests.torture.scene import seeded
from tests.torture.schedules import Outcome, Schedule
from tests.torture.seams import CRASHES, Kind, kinds_at

T = TypeVar("T")


def clean_runs(names: Iterable[str] = FLOWS) -> list[Schedule]:
    """Each flow without a fault: what it crosses is what is enumerated."""
    return [Schedule(name) for name in names]


def singles(flow: str, crossings: Sequence[str], replied: Collection[int]) -> list[Schedule]:
    """Every kind of fault at every crossing of a flow."""
    return [
        Schedule(flow, number, kind)
        for number, crossing in enumerate(crossings)
        for kind in kinds_at(crossing, replied=number in replied)
    ]


def bounded(flow: str, clean: Outcome) -> list[Schedule]:
    """Two faults at every crossing: a crash, after its effect if it has one, and another kind in turns."""
    chosen: list[Schedule] = []
    for number, crossing in enumerate(clean.crossings):
        fitting = kinds_at(crossing, replied=number in clean.replied)
        others = [kind for kind in fitting if kind is not Kind.CRASH_AFTER]
        crash = Kind.CRASH_AFTER if Kind.CRASH_AFTER in fitting else Kind.CRASH_BEFORE
        chosen += [Schedule(flow, number, crash), Schedule(flow, number, others[number % len(others)])]
    return chosen


def pairs(first: Schedule, recovery: Sequence[str], replied: Collection[int]) -> list[Schedule]:
    """A second crash before and after every crossing of the recovery from a first one."""
    return [
        replace(first, second=second, second_kind=kind)
        for second in range(len(recovery))
        for kind in CRASHES
        if kind is Kind.CRASH_BEFORE or second in replied
    ]


def spread(jobs: Sequence[T], count: int) -> list[T]:
    """So many of some jobs, evenly from all of them."""
    step = max(1, len(jobs) // count)
    return list(jobs[step // 2 :: step])[:count]


def sampled(seed: int, jobs: Sequence[Schedule], share: float) -> list[Schedule]:
    """A seeded share of jobs, in their order."""
    rng = seeded("pairs", seed)
    return [job for job in jobs if rng.random() < share]


def duels(flow: str, crossings: int) -> list[Duel]:
    """A process that is stopped before each crossing and wakes up after another took over."""
    return [
        Duel(flow, number, frozen, SKEWS_S[(number + frozen) % len(SKEWS_S)])
        for number in range(crossings)
        for frozen in (False, True)
    ]


def storms(seed: int, count: int) -> list[Storm]:
    """Seeded schedules."""
    return [Storm(seed, index) for index in range(count)]


def read_schedule(text: str) -> Schedule:
    """Read a schedule as it was printed: "cancel lost_after@1 then crash_after@3"."""
    first, _, second = text.partition(" then ")
    flow, _, fault = first.partition(" ")
    if not fault:
        return Schedule(flow)
    kind, _, number = fault.partition("@")
    if not second:
        return Schedule(flow, int(number), Kind(kind))
    second_kind, _, second_number = second.partition("@")
    return Schedule(flow, int(number), Kind(kind), int(second_number), Kind(second_kind))


def read_duel(text: str) -> Duel:
    """Read a duel as it was printed: "cancel zombie@1 frozen=True skew=0"."""
    flow, number, frozen, skew = text.split(" ")
    number, frozen, skew = (
        each.partition(mark)[2] for each, mark in ((number, "@"), (frozen, "="), (skew, "="))
    )
    return Duel(flow, int(number), frozen == "True", float(skew))


def read_job(text: str) -> Job:
    """Read a job as it was printed."""
    if text.startswith("storm "):
        seed, _, index = text.removeprefix("storm ").partition(":")
        return Storm(int(seed), int(index))
    return read_duel(text) if " zombie@" in text else read_schedule(text)
