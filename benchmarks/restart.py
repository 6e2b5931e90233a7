"""From the start of a daemon to ready, with many open orders in the ledger, after a kill -9.

    .venv/bin/python benchmarks/restart.py [--orders 10000] [--rounds 3] [--json FILE]

The paper exchange is a process of its own, the database the embedded one, durable. Each round kills the
daemon and starts it again. `import_s` is what a bare interpreter takes to import what the daemon imports,
ccxt among it; `database_s` what the embedded server takes to recover; `engine_s` is the rest. `cpu_s` is the
daemon's own processor time, imports included: what remains comparable on a busy machine.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from reconciliation import AGO_MS, engine, exchange, expect, place

from engine.deploy.deployment import deploy
from engine.deploy.embedded import EmbeddedPostgres
from engine.runtime.secrets import open_vault

COMMAND = (sys.executable, "-c", "from engine.cli import main; main(prog_name='holdfast')")
IMPORTS = "import engine.daemon"


@contextmanager
def daemon(data: Path) -> Iterator[dict[str, float]]:
    """Start a daemon, give the seconds until each of its events, and kill it."""
    environment = {**os.environ, "HOLDFAST_DATA_DIR": str(data), "HOLDFAST_LOG_FORMAT": "json"}
    began, seconds = time.perf_counter(), {}
    with (data.parent / "daemon.log").open("w") as log:
        process = subprocess.Popen(
            [*COMMAND, "run", "--port", "0"], stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        )
    try:
        while "ready" not in seconds:
            line = process.stdout.readline() if process.stdout is not None else ""
            expect(bool(line), (data.parent / "daemon.log").read_text()[-2000:])
            seconds[json.loads(line)["event"]] = time.perf_counter() - began
        seconds["cpu"] = cpu_s(process.pid)
        yield seconds
    finally:
        process.kill()
        process.wait()


def cpu_s(pid: int) -> float:
    """Return the processor's seconds of a process so far, its database's apart."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seconds_of(code: str) -> float:
    """Return how long a fresh interpreter takes for some statements."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


async def seed(url: str, data: Path, paper: Any, count: int) -> None:
    """Put so many open orders into ledger and exchange, of an account that the daemon can connect."""
    async with engine(url, paper) as made:
        paper.tell(advance_ms=-AGO_MS)  # made long ago, as most are: only the open list shows them
        await place(made, paper, count)
        paper.tell(advance_ms=AGO_MS)
        await made.gateway.measure_clock()
        expect((await made.reconcile()).outcome == "clean", "the ledger does not equal the exchange")
        account_id = made.session.account_id
        sealed = open_vault(None, data).encrypt(
            {"key": "key", "secret": "secret"}, made.session.tenant_id, account_id
        )
        urls, uid = made.gateway.config.urls, await made.gateway.account_uid()
    expect(urls is not None, "no addresses")
    conn = await asyncpg.connect(url)
    try:
        await conn.execute("SET session_replication_role = replica")  # the registry keeps the made up id
        await conn.execute(
            "UPDATE engine.exchange_accounts SET credentials = $1, exchange_account_uid = $2, urls = $3",
            sealed,
            uid,
            json.dumps({name: getattr(urls, name) for name in ("rest_url", "ws_url", "stream_url")}),
        )
    finally:
        await conn.close()


def run(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    """Measure; returns medians."""
    data = folder / "data"
    figures: dict[str, list[float]] = {
        "ready_s": [],
        "import_s": [],
        "database_s": [],
        "engine_s": [],
        "cpu_s": [],
    }
    with exchange() as paper:
        server = EmbeddedPostgres(data)
        url = server.start()
        try:
            asyncio.run(deploy(url))
            asyncio.run(seed(url, data, paper, count))
        finally:
            server.stop()
        for number in range(rounds + 1):
            imports = seconds_of(IMPORTS)
            with daemon(data) as seconds:
                ready = seconds["ready"]
            recovering = EmbeddedPostgres(data)
            began = time.perf_counter()
            recovering.start()
            database = time.perf_counter() - began
            recovering.stop()
            if number == 0:
                continue  # nothing was killed before it
            figures["ready_s"].append(ready)
            figures["cpu_s"].append(seconds["cpu"])
            figures["import_s"].append(imports)
            figures["database_s"].append(database)
            figures["engine_s"].append(ready - imports - database)
    return {"orders": count} | {name: round(statistics.median(all_), 3) for name, all_ in figures.items()}


def main() -> None:
    """Run it, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL runs as another user when we are root
        found = run(folder, args.orders, args.rounds)
    print(json.dumps(found))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
