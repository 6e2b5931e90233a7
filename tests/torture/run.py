"""`make torture`: enumeration, pairs, two engines, seeds, planted bugs, real kills; writes the report."""

import argparse
import math
import multiprocessing
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.database.servers import Server
from tests.planted.catching import catch_all
from tests.torture import plans
from tests.torture.all_flows import FLOWS
from tests.torture.jobs import Job, Result, Where, Workers, alone, quiet
from tests.torture.oracle import Findings
from tests.torture.processes import Killed, kill_all
from tests.torture.report import Report
from tests.torture.scene import seeded
from tests.torture.schedules import Schedule

_SHARE = 0.03  # of the pairs that are sampled
_TELL_S = 15.0


def main() -> int:
    """Run what the arguments ask for; 1 if something is not as it must be."""
    given = _arguments()
    quiet()
    server = Server.start()
    try:
        if given.replay:
            return _replay(server, given.replay)
        report, began, kills = Report(given.seed), time.monotonic(), Kills(given)
        workers = Workers(Where.of(server), given.processes)
        try:
            _torture(given, report, workers)
        finally:
            workers.close()
    finally:
        server.stop()
    if given.planted:
        _plant(report)
    kills.report(report)
    report.seconds = time.monotonic() - began
    report.write(Path(given.report))
    print(Path(given.report).read_text(), end="")  # noqa: T201 - the command's output
    for detail in report.details[:50]:
        print(detail)  # noqa: T201 - the command's output
    return int(report.failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--pairs", choices=("none", "sample", "all"), default="all")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--db-kills", type=int, default=50)
    parser.add_argument("--planted", type=int, default=1, help="0 leaves the planted bugs out")
    parser.add_argument(
        "--minutes", type=float, default=0, help="begin no pair, seed or kill after so many; 0: no limit"
    )
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--flows", nargs="*", default=list(FLOWS))
    parser.add_argument("--report", default="torture-report.json")
    parser.add_argument(
        "--replay", help='one schedule: "storm 1:17", or "cancel lost_after@1 then crash_after@3"'
    )
    return parser.parse_args()


def _torture(given: argparse.Namespace, report: Report, workers: Workers) -> None:
    until = time.monotonic() + given.minutes * 60 if given.minutes else math.inf
    clean = _do(workers, report, "clean runs", plans.clean_runs(given.flows))
    jobs: list[Job] = []
    for result in clean:
        planned = plans.singles(str(result.job), result.crossings, result.replied)
        report.plan(result, planned)
        jobs += planned
    single = _do(workers, report, "single faults", jobs)
    _do(workers, report, "two engines", _duels(clean))
    rest: list[Job] = list(plans.storms(given.seed, given.schedules))
    if given.pairs != "none":
        rest += _pairs(given, report, single)
    seeded("order", given.seed).shuffle(rest)
    _do(workers, report, "pairs and seeded schedules", rest, until)


def _duels(clean: Sequence[Result]) -> list[Job]:
    return [duel for each in clean for duel in plans.duels(str(each.job), len(each.crossings))]


def _pairs(given: argparse.Namespace, report: Report, single: Sequence[Result]) -> list[Schedule]:
    crashed = [
        result
        for result in single
        if isinstance(result.job, Schedule) and result.job.kind is not None and result.job.kind.deadly
    ]
    money, rest = list[Schedule](), list[Schedule]()
    for result in crashed:
        assert isinstance(result.job, Schedule)
        found = plans.pairs(result.job, result.recovery, result.recovered)
        (money if FLOWS[result.job.flow].money else rest).extend(found)
    report.pairs_possible = len(money) + len(rest)
    chosen = plans.sampled(given.seed, rest, _SHARE)
    share = 1.0 if given.pairs == "all" else _SHARE
    chosen += plans.sampled(given.seed, money, share)
    _tell(f"pairs: {len(chosen)} of {report.pairs_possible} ({len(money)} of money flows, share {share:g})")
    return chosen


def _do(
    workers: Workers, report: Report, what: str, jobs: Sequence[Job], until: float = math.inf
) -> list[Result]:
    began = told = time.monotonic()
    done: list[Result] = []
    for result in workers.run(jobs):
        done.append(result)
        report.add(result)
        if result.counts:
            _tell(f"FAILED {result.job}: {result.details[:3]}\n  replay: {replay_command(result.job)}")
        if time.monotonic() > until:
            break
        if time.monotonic() - told > _TELL_S:
            told = time.monotonic()
            _tell(f"{what}: {len(done)} of {len(jobs)}, {(told - began) / len(done) * 1000:.0f} ms each")
    spent = time.monotonic() - began
    _tell(
        f"{what}: {len(done)} of {len(jobs)} in {spent:.1f} s, {spent / max(1, len(done)) * 1000:.0f} ms each"
    )
    return done


def replay_command(job: Job) -> str:
    """Return the command that runs one job again."""
    return f"{Path(sys.executable).name} -m tests.torture.run --replay '{job}'"


def _replay(server: Server, text: str) -> int:
    (result,) = alone(server, [plans.read_job(text)])
    for detail in result.details or ["nothing found"]:
        _tell(detail)
    return int(bool(result.counts))


def _plant(report: Report) -> None:
    """Try the planted bugs, in worlds of their own."""
    began = time.monotonic()
    for bug, caught, missed in catch_all():
        report.planted_bugs += 1
        report.planted_bugs_caught += caught
        if not caught:
            _tell(f"FAILED planted bug {bug.name}, {bug.breaks}: {bug.caught_by} {missed or 'saw nothing'}")
    _tell(f"planted bugs: {report.planted_bugs} in {time.monotonic() - began:.1f} s")


class Kills:
    """Kills of real processes, in a process of its own: most of their time is waiting for starts."""

    def __init__(self, given: argparse.Namespace) -> None:
        until = time.monotonic() + given.minutes * 60 if given.minutes else math.inf
        context = multiprocessing.get_context("spawn")
        self._answer = context.SimpleQueue()
        wanted = (given.seed, given.kills, given.db_kills, until)
        self._process = context.Process(target=_kill, args=(*wanted, self._answer))
        if given.kills or given.db_kills:
            self._process.start()

    def report(self, report: Report) -> None:
        """Wait for the end, and add to the report what came of it."""
        if self._process.pid is None:
            return
        counts, details, report.sigkills, report.db_kills = self._answer.get()
        self._process.join()
        report.take(counts, details)


def _kill(seed: int, kills: int, db_kills: int, until: float, answer: Any) -> None:
    began = time.monotonic()
    try:
        killed = kill_all(seed, kills, db_kills, tell=_tell, until=until)
    except Exception as error:  # noqa: BLE001 - the rest of the report must not be lost with it
        killed = Killed(Findings(), 0, 0, 0)
        killed.found.add("harness", f"kills: {error!r}")
    _tell(f"kills: {killed.requests} requests in {time.monotonic() - began:.1f} s")
    for detail in killed.found.details[:3]:
        _tell(f"FAILED kills: {detail}")
    answer.put((dict(killed.found.counts), killed.found.details, killed.daemons, killed.databases))


def _tell(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - progress of a long command


if __name__ == "__main__":
    sys.exit(main())
