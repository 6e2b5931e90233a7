"""Jobs of a run, done by worker processes: each has a database, an exchange and a loop of its own."""

import asyncio
import logging
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import structlog

from tests.database.servers import Names, Server
from tests.torture.all_flows import FLOWS
from tests.torture.duel import Duel, run_duel
from tests.torture.oracle import NOT_CONVERGED
from tests.torture.schedules import Outcome, Schedule, run
from tests.torture.storm import run_storm
from tests.torture.world import World, open_world

WORLD_JOBS = 300  # then a fresh database and exchange: books that only grow get slow
_CRASHED = "harness"


@dataclass(frozen=True, slots=True)
class Storm:
    """One seeded schedule."""

    seed: int
    index: int

    def __str__(self) -> str:
        return f"storm {self.seed}:{self.index}"


Job = Schedule | Duel | Storm


@dataclass(slots=True)
class Result:
    """What is kept of a job; small, because it crosses processes."""

    job: Job
    counts: dict[str, int]
    details: list[str]
    crossings: list[str]
    replied: set[int]
    recovery: list[str]
    recovered: set[int]
    fired: int
    passes: int
    hit: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Where:
    """A server with a deployed template, for other processes."""

    admin_url: str
    names: Names

    @classmethod
    def of(cls, server: Server) -> "Where":
        """Return what another process needs of a server."""
        return cls(server.admin_url, server.names)

    def server(self) -> Server:
        """Return the same server, not to be stopped from here."""
        return Server(self.admin_url, names=self.names)


@dataclass(slots=True)
class Bench:
    """A worker's world, renewed now and then."""

    where: Where
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    done: int = 0
    world: World | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def run(self, job: Job) -> Result:
        """Do one job."""
        return self.runner.run(self._run(job))

    async def _run(self, job: Job) -> Result:
        if self.world is None or self.done >= WORLD_JOBS:
            await self.close()
            self.world, self.done = await self._open(), 0
        self.done += 1
        began = time.perf_counter()
        try:
            outcome = await outcome_of(self.world, job)
        except BaseException as error:
            if not isinstance(error, Exception):
                raise
            outcome = Outcome(Schedule(str(job)))
            logging.getLogger(__name__).exception("the harness itself failed: %s", job)
            outcome.findings.add(_CRASHED, f"{job}: {error!r}")
            await self.close()
        return _result(job, outcome, time.perf_counter() - began)

    async def _open(self) -> World:
        server = self.where.server()
        self._stack.callback(server.leave)
        database = await server.create()
        self._stack.push_async_callback(server.drop, database)
        return await self._stack.enter_async_context(open_world(database))

    async def close(self) -> None:
        """Drop the world."""
        stack, self._stack, self.world = self._stack, AsyncExitStack(), None
        await stack.aclose()


async def outcome_of(world: World, job: Job) -> Outcome:
    """Do a job in a world."""
    if isinstance(job, Storm):
        return await run_storm(world, job.seed, job.index)
    if isinstance(job, Duel):
        return await run_duel(world, FLOWS[job.flow], job)
    return await run(world, FLOWS[job.flow], job)


def _result(job: Job, outcome: Outcome, seconds: float) -> Result:
    found = outcome.findings
    # a recovery may end before the call that another one made: then a pair was a single crash, judged so
    pair = isinstance(job, Schedule) and job.second is not None
    if not outcome.hit and not pair:
        found.add(NOT_CONVERGED, f"{job}: its fault was not met")
    return Result(
        job,
        dict(found.counts),
        found.details[:6],
        outcome.crossings,
        outcome.replied,
        outcome.recovery,
        outcome.recovered,
        outcome.fired,
        outcome.passes,
        outcome.hit,
        seconds,
    )


_bench: Bench | None = None


def _begin(where: Where) -> None:
    global _bench  # noqa: PLW0603 - a worker process has one
    quiet()
    _bench = Bench(where)


def _do(job: Job) -> Result:
    assert _bench is not None
    return _bench.run(job)


def quiet() -> None:
    """Let only errors be logged: what goes wrong here goes wrong on purpose."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.ERROR)


class Workers:
    """A pool of processes on one server."""

    def __init__(self, where: Where, processes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = context.Pool(processes, _begin, (where,))

    def run(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """Do jobs, in whichever order they end."""
        yield from self._pool.imap_unordered(_do, jobs, chunksize=4)

    def close(self) -> None:
        """End the processes; their databases go with the server."""
        self._pool.terminate()
        self._pool.join()


def alone(server: Server, jobs: Sequence[Any]) -> list[Result]:
    """Do jobs in this process, for tests."""
    bench = Bench(Where.of(server))
    with bench.runner:
        try:
            return [bench.run(job) for job in jobs]
        finally:
            bench.runner.run(bench.close())
