"""From a robot's request to its confirmed order, without feed clients and with stuck ones, in turns.

    .venv/bin/python benchmarks/feed_clients.py [--orders 200] [--clients 100] [--blocks 4]

Daemon, database and paper exchange are processes of their own, as in the tests. Blocks alternate: none, then
`--clients` WebSockets of the same tenant that ask for the feed and never read, A B A B. The figure is the
ratio of the medians: stuck clients must not matter.
"""

import argparse
import socket
import statistics
import sys
import time
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parent.parent))  # a script sees its own folder only

from tests.daemon.stage import Stage, Tenant, until

RESTING = {
    "profile": "main",
    "symbol": "BTC/USDT",
    "type": "limit",
    "quantity": "0.001",
    "limit_price": "40000",
}
CREATED = 201
PAUSE_S = (
    0.11  # an account sends at most 100 orders in 10 seconds, as on Binance: no order shall wait for that
)


def stuck(stage: Stage, tenant: Tenant) -> socket.socket:
    """Open a WebSocket on the feed, with a small window, and never read from it."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.connect(("127.0.0.1", stage.port))
    raw.sendall(
        f"GET /v1/feed HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.key}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    return raw


def sample(stage: Stage, name: str) -> float:
    """Return the sum of a metric's samples."""
    lines = stage.call("GET", "/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"holdfast_{name}"))


def block(stage: Stage, tenant: Tenant, orders: int) -> list[float]:
    """Place and cancel orders one after the other; milliseconds of each placing."""
    taken = []
    for _ in range(orders):
        began = time.perf_counter()
        placed = stage.call("POST", "/v1/entries", RESTING, key=tenant.key, idem=uuid4().hex)
        taken.append((time.perf_counter() - began) * 1_000)
        if placed.status != CREATED:
            raise SystemExit(f"an order was not placed: {placed.text}")
        stage.call("DELETE", f"/v1/orders/{placed.body['id']}", key=tenant.key, idem=uuid4().hex)
        time.sleep(PAUSE_S)
    return taken


def main() -> None:
    """Run the blocks and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--orders", type=int, default=200)
    options.add_argument("--clients", type=int, default=100)
    options.add_argument("--blocks", type=int, default=4)
    given = options.parse_args()
    each = max(1, given.orders // given.blocks)
    alone: list[float] = []
    crowded: list[float] = []
    with Stage.started() as stage:
        tenant = stage.tenant()
        block(stage, tenant, 10)  # what is made on first use
        for _ in range(given.blocks):
            alone += block(stage, tenant, each)
            clients = [stuck(stage, tenant) for _ in range(given.clients)]
            until("they are connected", lambda: sample(stage, "feed_clients{") >= given.clients)
            crowded += block(stage, tenant, each)
            for client in clients:
                client.close()
            until("they are gone", lambda: sample(stage, "feed_clients{") == 0)
        dropped = sample(stage, "feed_client_drops_total{")
    print("| feed clients | orders | p50 ms | p99 ms |\n|---|---|---|---|")
    for name, times in (("none", alone), (f"{given.clients} stuck", crowded)):
        ranked = sorted(times)
        p99 = ranked[min(len(ranked) - 1, len(ranked) * 99 // 100)]
        print(f"| {name} | {len(times)} | {statistics.median(times):.2f} | {p99:.2f} |")
    ratio = statistics.median(crowded) / statistics.median(alone)
    print(f"\nratio of the medians: {ratio:.2f}; dropped: {dropped:.0f}")


if __name__ == "__main__":
    main()
