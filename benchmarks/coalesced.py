"""Concurrent entries on one hot profile through the ledger's coalescer, against pgbench's TPC-B.

    .venv/bin/python benchmarks/coalesced.py [--rounds 5] [--entries 6400] [--callers N ...] [--json FILE]

One durable server. Each round runs TPC-B with 8 clients, then each crowd of callers through the coalescer,
then the smallest with a call for each entry, each on a profile nobody used before. A ratio is rows (entries)
per second over that round's TPC-B transactions per second; the wanted one is that of the largest crowd: 128
callers keep two arrays of 64 in flight. The callers share one Python process and its connection pool, as
robots share a daemon; pgbench is written in C. The ratio of CPU, server and clients together, is printed
beside it: on a machine that others use too it is the steadier figure.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from latency import postgres_cpu_s
from lifecycle import PROFILES, ROBOT, TENANT, seed
from pgbench import Pgbench, Rate

from engine.deploy.deployment import deploy
from engine.deploy.embedded import EmbeddedPostgres
from engine.ledger.entries import OpenEntry, open_entry
from engine.ledger.intents import Opened
from engine.ledger.seam import Ledger, LedgerOptions
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics

WANTED = 2.0
TPCB_CLIENTS = 8

Enter = Callable[[OpenEntry], Awaitable[None]]


@dataclass(slots=True)
class Way:
    """One way of calling, with what its rounds gave."""

    name: str
    callers: int
    coalesced: bool
    wanted: float | None
    rates: list[float] = field(default_factory=list)  # entries per second
    ratios: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)  # milliseconds, all rounds
    cpu_ratios: list[float] = field(default_factory=list)  # CPU of a TPC-B transaction over that of an entry
    python_cpu_s: float = 0.0
    postgres_cpu_s: float = 0.0
    batch: float = 1.0

    def row(self) -> dict[str, Any]:
        percentiles = statistics.quantiles(self.latencies, n=100, method="inclusive")
        return {
            "way": f"{self.name}, {self.callers} callers",
            "ratio": round(statistics.median(self.ratios), 2),
            "low": round(min(self.ratios), 2),
            "high": round(max(self.ratios), 2),
            "wanted": self.wanted,
            "cpu_ratio": round(statistics.median(self.cpu_ratios), 2),
            "entries_per_s": round(statistics.median(self.rates)),
            "ms_p50": round(percentiles[49], 1),
            "ms_p99": round(percentiles[98], 1),
            "python_cpu_ms_per_entry": round(self.python_cpu_s * 1000 / len(self.latencies), 3),
            "postgres_cpu_ms_per_entry": round(self.postgres_cpu_s * 1000 / len(self.latencies), 3),
            "items_per_call": round(self.batch, 1),
        }


def entries(profile: int, numbers: Iterator[int], count: int) -> list[OpenEntry]:
    """Return entries of one profile, each on a symbol of its own."""
    profile_id = UUID(int=(0x7000 << 64) | (0x8000 << 48) | profile)
    deadline = datetime.now(UTC) + timedelta(seconds=5)
    return [
        OpenEntry(
            ROBOT, profile_id, f"coalesced-{number}", f"hash-{number}",
            UUID(int=(1 << 96) | (0x7000 << 64) | (0x8000 << 48) | number), f"bench{number}",
            f"S{symbol}/USDT", "limit", Decimal("0.01"), Decimal(50_000), "GTC", False, None, ROBOT, 30_000,
            deadline,
        )
        for symbol, number in zip(range(count), numbers, strict=False)
    ]  # fmt: skip


async def drive(work: list[OpenEntry], callers: int, enter: Enter, way: Way) -> float:
    """Let the callers empty the list together; entries per second."""
    waiting = iter(work)

    async def caller() -> None:
        for entry in waiting:
            began = time.perf_counter()
            await enter(entry)
            way.latencies.append((time.perf_counter() - began) * 1000)

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    way.python_cpu_s += time.process_time() - cpu
    return len(work) / (time.perf_counter() - began)


def enter_by(ledger: Ledger, *, coalesced: bool) -> Enter:
    """Return how a caller opens one entry; anything but an opened one ends the benchmark."""

    async def through_the_coalescer(entry: OpenEntry) -> None:
        result = await open_entry(ledger, TENANT, entry, deadline=ledger.deadline(30))
        if not isinstance(result, Opened):
            raise SystemExit(f"an entry was not opened: {result}")

    async def one_by_one(entry: OpenEntry) -> None:
        results = await ledger.call("fn_open_entry", TENANT, [entry.item()], deadline=ledger.deadline(30))
        if results[0]["code"] != "OK":
            raise SystemExit(f"an entry was not opened: {results}")

    return through_the_coalescer if coalesced else one_by_one


async def run_round(
    server: EmbeddedPostgres,
    ways: list[Way],
    baseline: Rate,
    profiles: list[int],
    options: argparse.Namespace,
) -> None:
    """Run every way once, with a pool of connections that is warm."""
    metrics = Metrics()
    ledger = await Ledger.connect(LedgerOptions(server.url()), metrics, Clock())
    numbers = itertools.count(profiles[0] * 1_000_000)
    try:
        for way, profile in zip(ways, profiles, strict=True):
            enter = enter_by(ledger, coalesced=way.coalesced)
            # every connection plans its statements on its first calls
            work = entries(profile, numbers, options.entries + way.callers * 8)
            await drive(work[options.entries :], way.callers, enter, Way("warm-up", 0, False, None))
            before, python = _batches(metrics), way.python_cpu_s
            postgres = postgres_cpu_s(server.pid or 0)
            rate = await drive(work[: options.entries], way.callers, enter, way)
            postgres = postgres_cpu_s(server.pid or 0) - postgres
            after = _batches(metrics)
            if way.coalesced:
                way.batch = (after[0] - before[0]) / max(after[1] - before[1], 1)
            way.postgres_cpu_s += postgres
            way.rates.append(rate)
            way.ratios.append(rate / baseline.per_s)
            entry_cpu_s = (postgres + way.python_cpu_s - python) / options.entries
            way.cpu_ratios.append(baseline.cpu_s / entry_cpu_s)
    finally:
        await ledger.close()


def _batches(metrics: Metrics) -> tuple[float, float]:
    labels = {"function": "fn_open_entry"}
    name = "holdfast_coalescer_batch_size_items"
    value = metrics.registry.get_sample_value
    return value(f"{name}_sum", labels) or 0.0, value(f"{name}_count", labels) or 0.0


def main() -> None:
    """Print the table; exit with 1 if the coalescer misses its ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help=f"at most {PROFILES // 4}")
    parser.add_argument("--entries", type=int, default=6400, help="of each way in a round")
    parser.add_argument("--callers", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    crowds = sorted(options.callers)
    ways = [Way("coalesced", callers, True, WANTED if callers == crowds[-1] else None) for callers in crowds]
    ways.append(Way("one call an entry", crowds[0], False, None))
    baselines = []
    settings = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-bench-", ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        Path(folder).chmod(0o755)  # the server may run as another user
        server = stack.enter_context(EmbeddedPostgres(Path(folder) / "data", settings=settings))
        url = server.url()
        asyncio.run(deploy(url))
        asyncio.run(seed(url))
        bench = Pgbench(url, server.pid or 0, Path(folder))
        bench.initialise()
        for number in range(options.rounds):
            baselines.append(bench.tpcb(TPCB_CLIENTS, options.entries // TPCB_CLIENTS))
            profiles = [1000 + len(ways) * number + place for place in range(len(ways))]
            asyncio.run(run_round(server, ways, baselines[-1], profiles, options))
    table = [way.row() for way in ways]
    rate = statistics.median(each.per_s for each in baselines)
    cpu_ms = statistics.median(each.cpu_s for each in baselines) * 1000
    print(f"TPC-B, {TPCB_CLIENTS} clients: {rate:.0f} transactions/s, {cpu_ms:.3f} ms CPU each")
    for row in table:
        print(f"{row['way']:32} {row['ratio']:>5} x TPC-B ({row['low']}-{row['high']})  "
              f"wanted {row['wanted'] or '-'}, by CPU {row['cpu_ratio']} x\n"
              f"    {row['entries_per_s']} entries/s, "
              f"p50 {row['ms_p50']} ms, p99 {row['ms_p99']} ms, {row['items_per_call']} items a call, "
              f"CPU an entry: Python {row['python_cpu_ms_per_entry']} ms, "
              f"PostgreSQL {row['postgres_cpu_ms_per_entry']} ms")  # fmt: skip
    if options.json:
        found = {"tpcb_per_s": round(rate), "tpcb_cpu_ms": round(cpu_ms, 3), "ways": table}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if table[len(crowds) - 1]["ratio"] < WANTED:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
