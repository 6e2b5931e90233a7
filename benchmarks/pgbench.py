"""Runs pgbench and measures what comes after each client's first calls, in time and in CPU.

A daemon's connections live for days. pgbench opens new ones for every run, and each plans all its statements
and fills its catalog caches on its first calls: tens of milliseconds, as much as hundreds of calls. So every
client makes some calls, or transactions of TPC-B, and then waits at an advisory lock until all have come so
far. What is measured begins when the lock is given free, and ends with the last client.
"""

import asyncio
import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from latency import cpu_s, postgres_cpu_s

from engine.deploy.binaries import find_binaries

TPCB_SCALE = 10
WARM_UP = 40
_GATE = 815
_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted"

# pgbench's own script, whose table sizes follow from -s only when pgbench runs it by name.
_TPCB = """\\set aid random(1, 100000 * :size)
\\set bid random(1, :size)
\\set tid random(1, 10 * :size)
\\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime)
VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
END;
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls (or transactions) per second, and the CPU of one in seconds, server and pgbench."""

    per_s: float
    cpu_s: float
    first_calls_cpu_s: float  # of one client: connecting and its first WARM_UP calls


class Pgbench:
    """pgbench against one server, whose databases `holdfast` and, for TPC-B, `tpcb` it uses."""

    def __init__(self, url: str, postmaster: int, folder: Path) -> None:
        self._url = url
        self._postmaster = postmaster
        self._folder = folder

    def initialise(self) -> None:
        """Make the database of TPC-B and fill it."""
        asyncio.run(self._execute("CREATE DATABASE tpcb"))
        done = self._start("tpcb", ["-i", "-q", "-s", str(TPCB_SCALE)])
        _, errors = done.communicate()
        if done.returncode:
            raise SystemExit(f"pgbench -i failed: {errors}")

    def tpcb(self, clients: int, transactions: int, protocol: str = "prepared") -> Rate:
        """Run pgbench's TPC-B, `transactions` of each client; pgbench's own default protocol is `simple`."""
        return self.run("tpcb", _TPCB, clients, transactions, protocol=protocol, size=TPCB_SCALE)

    def run(
        self,
        database: str,
        script: str,
        clients: int,
        calls: int,
        *,
        warm_up: int = WARM_UP,
        role: str | None = None,
        protocol: str = "prepared",
        **variables: int,
    ) -> Rate:
        """Run a script `calls` times for each client, after its first `warm_up` calls. :n counts them."""
        file = self._folder / "script.sql"
        file.write_text(
            f"\\set n :n + 1\n\\if :n = {warm_up + 1}\nSELECT pg_catalog.pg_advisory_lock_shared({_GATE});\n"
            f"\\endif\n{script}"
        )
        named = [part for name, value in {"n": 0, **variables}.items() for part in ("-D", f"{name}={value}")]
        with asyncio.Runner() as runner:
            gate = runner.run(asyncpg.connect(self._database_url(database)))
            runner.run(gate.execute(f"SELECT pg_advisory_lock({_GATE})"))
            cold, ended = self._cpu_s(None), _ended_cpu_s()
            counts = ["-c", str(clients), "-t", str(warm_up + calls)]
            bench = self._start(database, ["-n", "-M", protocol, "-f", str(file), *counts, *named], role)
            while runner.run(gate.fetchval(_WAITING, _GATE)) < clients:
                if bench.poll() is not None:
                    raise SystemExit(f"pgbench did not come to its gate: {bench.communicate()}")
                time.sleep(0.01)
            began, cpu = time.perf_counter(), self._cpu_s(bench.pid)
            runner.run(gate.execute(f"SELECT pg_advisory_unlock({_GATE})"))
            output, errors = bench.communicate()
            taken = time.perf_counter() - began
            runner.run(gate.close())
        if bench.returncode or "number of failed transactions: 0" not in output:
            raise SystemExit(f"pgbench failed: {output}{errors}")
        used = self._cpu_s(None) + _ended_cpu_s() - ended - cpu
        return Rate(clients * calls / taken, used / (clients * calls), (cpu - cold) / clients)

    def _cpu_s(self, client: int | None) -> float:
        return postgres_cpu_s(self._postmaster) + (cpu_s(client) if client else 0.0)

    def _start(self, database: str, arguments: list[str], role: str | None = None) -> "subprocess.Popen[str]":
        url = urlsplit(self._url)
        environment = {"PGPASSWORD": url.password or "", "PATH": os.environ["PATH"]}
        if role:
            environment["PGOPTIONS"] = f"-c role={role}"
        return subprocess.Popen(
            [str(find_binaries() / "pgbench"), "-h", "127.0.0.1", "-p", str(url.port),
             "-U", url.username or "", *arguments, database],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _database_url(self, database: str) -> str:
        return urlsplit(self._url)._replace(path=f"/{database}").geturl()

    async def _execute(self, statement: str) -> None:
        admin = await asyncpg.connect(self._url)
        try:
            await admin.execute(statement)
        finally:
            await admin.close()


def _ended_cpu_s() -> float:
    """CPU of this process's children that have ended: pgbench, not the server."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
