"""What an order costs the paper exchange: CPU per order and orders per second, with many orders open.

Run: .venv/bin/python benchmarks/paper_exchange.py [--seconds 10] [--open 10000] [--connections 8]

The exchange is a process of its own; the client writes HTTP by hand on kept connections, so that it costs
as little as it can on the same machine. CPU is the exchange process's time on a core as the kernel counts
it, whole process, per order, in blocks: the median over blocks is the figure. Pings, interleaved,
show what HTTP alone costs.
"""

import argparse
import asyncio
import hmac
import json
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

KEY, SECRET = "bench-key", b"bench-secret"
BLOCK = 100


class Connection:
    """One kept connection that sends an order and reads its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def order(self, number: int, price: int, side: str) -> dict[str, object]:
        query = (
            f"symbol=BTCUSDT&side={side}&type=LIMIT&timeInForce=GTC&quantity=0.001&price={price}"
            f"&newClientOrderId=b{number}&newOrderRespType=FULL&recvWindow=60000"
            f"&timestamp={time.time_ns() // 1_000_000}"
        )
        body = f"{query}&signature={hmac.digest(SECRET, query.encode(), 'sha256').hex()}"
        head = f"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {KEY}\r\n"
        head += "Content-Type: application/x-www-form-urlencoded\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
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


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "engine.cli.paper", "--port", "0", "--control-port", "0"),
        *("--account", f"{KEY}:{SECRET.decode()}:USDT=100000000000", "--exit-with-parent"),
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None  # noqa: S101 - asked for just above
    try:
        ready = json.loads(await process.stdout.readline())
        port = ready["port"]
        connections = [
            Connection(*await asyncio.open_connection("127.0.0.1", port))
            for _ in range(arguments.connections)
        ]
        sent = arguments.open
        await spread(connections, 0, sent, "resting")
        blocks: dict[str, list[float]] = {"ping": [], "resting": [], "half_trading": []}
        began = time.perf_counter()
        orders, seconds_on_orders = 0, 0.0
        while time.perf_counter() - began < arguments.seconds:
            for name, block in blocks.items():
                before, started = cpu_ms(process.pid), time.perf_counter()
                await spread(connections, sent, BLOCK, name)
                block.append((cpu_ms(process.pid) - before) / BLOCK)
                seconds_on_orders += 0 if name == "ping" else time.perf_counter() - started
                sent += BLOCK
                orders += 0 if name == "ping" else BLOCK
        return {
            "oracle_agrees": await oracle_agrees(ready["control_port"]),
            "orders_per_second": round(orders / seconds_on_orders),
            "open_orders_at_start": arguments.open,
            "orders": orders,
            "connections": arguments.connections,
            **{f"cpu_ms_{name}_p50": round(statistics.median(b), 3) for name, b in blocks.items()},
            **{
                f"cpu_ms_{name}_p90": round(statistics.quantiles(b, n=10)[-1], 3)
                for name, b in blocks.items()
            },
        }
    finally:
        process.terminate()
        await process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--open", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=8)
    print(json.dumps(asyncio.run(measure(parser.parse_args())), indent=2))
