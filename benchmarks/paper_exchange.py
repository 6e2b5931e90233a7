"""What an order costs the paper exchange: CPU per order in blocks, and a steady load with many orders open.

Run: .venv/bin/python benchmarks/paper_exchange.py [--seconds 10] [--rate 1000] [--open 10000] [--check]
The full proof: --seconds 60 --check (exit code 1 if a promise is broken).

The exchange is a process of its own; the client writes HTTP by hand on kept connections, so that it costs
as little as it can on the same machine. CPU is the exchange process's time on a core as the kernel counts
it, whole process. Blocks: pings, resting and half trading orders, interleaved; the median over blocks is
the figure, pings show what HTTP alone costs. Steady load: so many new orders a second on schedule, half of
them trade, the others rest, and for each of these the oldest resting one is canceled, so that the number
of open orders stays.
"""

import argparse
import asyncio
import hmac
import json
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEY, SECRET = "bench-key", b"bench-secret"
BLOCK = 100
BLOCKS_S = 10
CPU_MS_MAX = 0.3


class Connection:
    """One kept connection that sends an order and reads its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def order(self, number: int, price: int, side: str) -> dict[str, object]:
        query = (
            f"symbol=BTCUSDT&side={side}&type=LIMIT&timeInForce=GTC&quantity=0.001&price={price}"
            f"&newClientOrderId=b{number}&newOrderRespType=FULL&recvWindow=60000"
            f"&timestamp={_now_ms()}"
        )
        body = f"{query}&signature={hmac.digest(SECRET, query.encode(), 'sha256').hex()}"
        head = f"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {KEY}\r\n"
        head += "Content-Type: application/x-www-form-urlencoded\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        return await self.answer()

    async def cancel(self, number: int) -> dict[str, object]:
        query = f"symbol=BTCUSDT&origClientOrderId=b{number}&recvWindow=60000&timestamp={_now_ms()}"
        signature = hmac.digest(SECRET, query.encode(), "sha256").hex()
        head = f"DELETE /api/v3/order?{query}&signature={signature} HTTP/1.1\r\nHost: x\r\n"
        self._writer.write(f"{head}X-MBX-APIKEY: {KEY}\r\n\r\n".encode())
        return await self.answer()

    async def ping(self) -> dict[str, object]:
        self._writer.write(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
        return await self.answer()

    async def answer(self) -> dict[str, object]:
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        content = await self._reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(content.decode())
        shown: dict[str, object] = json.loads(content)
        return shown


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def cpu_ms(pid: int) -> float:
    """CPU time of a process so far, of all its threads."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


async def spread(connections: list[Connection], first: int, count: int, kind: str) -> None:
    """Send `count` requests over all connections: pings, orders resting far away, or half of them trading."""

    async def some(connection: Connection, start: int) -> None:
        for number in range(start, first + count, len(connections)):
            if kind == "ping":
                await connection.ping()
            elif kind == "half_trading" and number % 2:
                await connection.order(number, 70_000, "BUY")
            else:
                await connection.order(number, 30_000 + number % 2_000, "BUY")

    await asyncio.gather(*(some(one, first + place) for place, one in enumerate(connections)))


async def oracle_agrees(control_port: int) -> bool:
    """Ask the exchange's own books whether all this was booked right."""
    reader, writer = await asyncio.open_connection("127.0.0.1", control_port)
    writer.write(b"GET /oracle?orders=0 HTTP/1.1\r\nHost: x\r\n\r\n")
    shown = await Connection(reader, writer).answer()
    writer.close()
    return shown["differences"] == []


async def in_blocks(arguments: argparse.Namespace, load: "Load") -> dict[str, object]:
    """Measure CPU per request of each kind, block by block, for half of the time."""
    blocks: dict[str, list[float]] = {"ping": [], "resting": [], "half_trading": []}
    began = time.perf_counter()
    orders, seconds_on_orders = 0, 0.0
    while time.perf_counter() - began < min(arguments.seconds / 2, BLOCKS_S):
        for name, block in blocks.items():
            before, started = cpu_ms(load.pid), time.perf_counter()
            await spread(load.connections, load.sent, BLOCK, name)
            block.append((cpu_ms(load.pid) - before) / BLOCK)
            seconds_on_orders += 0 if name == "ping" else time.perf_counter() - started
            load.sent += BLOCK
            orders += 0 if name == "ping" else BLOCK
    return {
        "orders_per_second_unpaced": round(orders / seconds_on_orders),
        **{f"cpu_ms_{name}_p50": round(statistics.median(b), 3) for name, b in blocks.items()},
        **{f"cpu_ms_{name}_p90": round(statistics.quantiles(b, n=10)[-1], 3) for name, b in blocks.items()},
    }


async def steadily(arguments: argparse.Namespace, load: "Load") -> dict[str, object]:
    """Send new orders on schedule; answers arrive when they do, and lateness is told."""
    total, first = int(arguments.seconds * arguments.rate), load.sent
    latencies: list[float] = []
    per_second: list[float] = []
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in load.connections:
        free.put_nowait(connection)
    running: set[asyncio.Task[None]] = set()
    began = time.perf_counter()
    started_cpu = marked = cpu_ms(load.pid)

    async def one(number: int, connection: Connection, due: float) -> None:
        if number % 2:
            await connection.order(number, 70_000, "BUY")
        else:
            await connection.order(number, 30_000 + number % 2_000, "BUY")
        latencies.append(time.perf_counter() - due)
        if number % 2 == 0:
            load.resting.append(number)
            await connection.cancel(load.resting.popleft())
        free.put_nowait(connection)

    for place in range(total):
        due = began + place / arguments.rate
        wait = due - time.perf_counter()
        if wait > 0.0005:  # noqa: PLR2004 - shorter than a timer can wait
            await asyncio.sleep(wait)
        task = asyncio.create_task(one(first + place, await free.get(), due))
        running.add(task)
        task.add_done_callback(running.discard)
        if place % arguments.rate == arguments.rate - 1:
            now = cpu_ms(load.pid)
            per_second.append((now - marked) / arguments.rate)
            marked = now
    await asyncio.gather(*running)
    seconds = time.perf_counter() - began
    cuts = statistics.quantiles(latencies, n=100)
    return {
        "steady_seconds": round(seconds, 1),
        "steady_orders": total,
        "steady_orders_per_second": round(total / seconds),
        "steady_cancels": total // 2,
        "steady_latency_ms_p50": round(cuts[49] * 1000, 2),
        "steady_latency_ms_p99": round(cuts[98] * 1000, 2),
        "steady_cpu_ms_per_order_p50": round(statistics.median(per_second), 3),
        "steady_cpu_share_of_a_core": round((cpu_ms(load.pid) - started_cpu) / 1000 / seconds, 3),
        "memory_mb": memory_mb(load.pid),
    }


def memory_mb(pid: int) -> int:
    line = next(
        one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS")
    )
    return int(line.split()[1]) // 1024


@dataclass
class Load:
    """The exchange under load: its process, the connections to it, what was sent, what rests."""

    pid: int
    connections: list[Connection]
    sent: int
    resting: deque[int]


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "engine.cli.paper", "--port", "0", "--control-port", "0"),
        *("--account", f"{KEY}:{SECRET.decode()}:USDT=100000000000,BTC=1000", "--exit-with-parent"),
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None  # noqa: S101 - asked for just above
    try:
        ready = json.loads(await process.stdout.readline())
        connections = [
            Connection(*await asyncio.open_connection("127.0.0.1", ready["port"]))
            for _ in range(arguments.connections)
        ]
        load = Load(process.pid, connections, arguments.open, deque(range(arguments.open)))
        await spread(connections, 0, arguments.open, "resting")
        blocks = await in_blocks(arguments, load)
        steady = await steadily(arguments, load)
        agrees = await oracle_agrees(ready["control_port"])
        return {"oracle_agrees": agrees, "open_orders": arguments.open, **blocks, **steady}
    finally:
        process.terminate()
        await process.wait()


def broken(arguments: argparse.Namespace, shown: dict[str, Any]) -> list[str]:
    """Name the promises that do not hold: speed on schedule, CPU per order, books that agree."""
    found = [] if shown["oracle_agrees"] else ["the oracle disagrees"]
    # The last answers come after the end of the schedule.
    if shown["steady_orders_per_second"] < 0.97 * arguments.rate:
        found.append(f"{shown['steady_orders_per_second']} orders/s instead of {arguments.rate}")
    found += [
        f"{name} is {shown[name]}, more than {CPU_MS_MAX}"
        for name in ("cpu_ms_resting_p50", "cpu_ms_half_trading_p50")
        if shown[name] > CPU_MS_MAX
    ]
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--open", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--check", action="store_true", help="Exit with 1 if a promise is broken.")
    given = parser.parse_args()
    measured = asyncio.run(measure(given))
    print(json.dumps(measured, indent=2))
    if given.check and (problems := broken(given, measured)):
        raise SystemExit("; ".join(problems))
