"""The report of a run: what was tried, and what must be zero."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.torture.jobs import Result
from tests.torture.oracle import MUST_BE_ZERO
from tests.torture.schedules import Schedule

PASSES_ALLOWED = 2
_UNMET_SHARE_MAX = 0.01  # of the pairs


@dataclass(slots=True)
class Report:
    """Figures of a run; `other` counts what is no figure of its own and must be zero too."""

    seed: int
    flows: set[str] = field(default_factory=set)
    crossings: set[tuple[str, int]] = field(default_factory=set)
    covered: Counter[tuple[str, int]] = field(default_factory=Counter)
    wanted: Counter[tuple[str, int]] = field(default_factory=Counter)
    pairs: int = 0  # whose second crash was met
    pairs_unmet: int = 0  # whose recovery ended before it
    pairs_possible: int = 0
    schedules: int = 0
    faults: int = 0
    sigkills: int = 0
    db_kills: int = 0
    planted_bugs: int = 0
    planted_bugs_caught: int = 0
    seconds: float = 0.0
    zero: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)
    passes_max: int = 0
    details: list[str] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count one job."""
        job = result.job
        self.schedules += 1
        self.faults += result.fired
        self.passes_max = max(self.passes_max, result.passes)
        self.take(result.counts, result.details)
        if isinstance(job, Schedule) and job.second is None and job.number is not None and result.hit:
            self.covered[job.flow, job.number] += 1
        if isinstance(job, Schedule) and job.second is not None:
            self.pairs += result.hit
            self.pairs_unmet += not result.hit

    def take(self, counts: dict[str, int], details: list[str]) -> None:
        """Count what was found."""
        for name, count in counts.items():
            (self.zero if name in MUST_BE_ZERO else self.other)[name] += count
        self.details += details

    def plan(self, clean: Result, jobs: list[Schedule]) -> None:
        """Note what a flow crosses, and what is to be tried there."""
        flow = clean.job.flow  # type: ignore[union-attr]  # clean runs are schedules
        self.flows.add(flow)
        for number in range(len(clean.crossings)):
            self.crossings.add((flow, number))
        for job in jobs:
            self.wanted[job.flow, job.number or 0] += 1

    @property
    def crossings_covered(self) -> int:
        """At how many crossings every kind of fault was met."""
        return sum(self.covered[crossing] >= self.wanted[crossing] > 0 for crossing in self.crossings)

    @property
    def failed(self) -> bool:
        """Whether something is not as it must be."""
        return bool(
            +self.zero
            or +self.other
            or self.passes_max > PASSES_ALLOWED
            or self.pairs_unmet > _UNMET_SHARE_MAX * self.pairs
            or self.crossings_covered < len(self.crossings)
            or self.planted_bugs_caught < self.planted_bugs
        )

    def fields(self) -> dict[str, Any]:
        """Return the fields of the file."""
        return {
            "flows": len(self.flows),
            "crossings": len(self.crossings),
            "crossings_covered": self.crossings_covered,
            "pairs": self.pairs,
            "pairs_unmet": self.pairs_unmet,
            "pairs_possible": self.pairs_possible,
            "schedules": self.schedules,
            "faults": self.faults,
            "sigkills": self.sigkills,
            "db_kills": self.db_kills,
            "planted_bugs": self.planted_bugs,
            "planted_bugs_caught": self.planted_bugs_caught,
            "seconds": round(self.seconds, 1),
            "seed": self.seed,
            **{name: self.zero[name] for name in MUST_BE_ZERO},
            "passes_to_converge_max": self.passes_max,
        }

    def write(self, path: Path) -> None:
        """Write the file."""
        path.write_text(json.dumps(self.fields(), indent=2) + "\n")
