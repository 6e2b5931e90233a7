"""Two tenants, 32 robots, and clients that come back over restarts: no gap, no duplicate, nothing foreign.

5,000 events in `make test`; `make soak` tells 100,000 with 100 reconnects by HOLDFAST_FEED_EVENTS and
HOLDFAST_FEED_RECONNECTS.
"""

import asyncio
import os
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.feed.rig import Instance, Rig, frame, met, socket
from tests.sql.capital.trading import order_item
from tests.sql.capital.world import OPERATOR, Tenant, call

EVENTS = int(os.environ.get("HOLDFAST_FEED_EVENTS", "5000"))
RECONNECTS = int(os.environ.get("HOLDFAST_FEED_RECONNECTS", "8"))
ROBOTS = 16  # of each tenant, each with a profile of its own
WAIT_S = max(120.0, EVENTS / 50)


@dataclass(slots=True)
class Listener:
    """A client that keeps its position, and comes back wherever an instance is."""

    tenant: Tenant
    position: tuple[int, int] | None = None
    seqs: list[int] = field(default_factory=list)
    profiles: set[str | None] = field(default_factory=set)
    labels: set[str | None] = field(default_factory=set)
    connections: int = 0

    async def listen(self, running: "Running", last: "asyncio.Future[int]") -> None:
        """Listen until the last event is there."""
        while True:
            instance = await running.one()
            query = "" if self.position is None else f"epoch={self.position[0]}&since_seq={self.position[1]}"
            try:
                async with socket(instance, self.tenant, query) as opened:
                    self.connections += 1
                    while True:
                        self._take(await frame(opened))
                        if last.done() and self.position is not None and self.position[1] >= last.result():
                            return
            except (ConnectionClosed, OSError):
                continue  # it was stopped: come back to the next one
            except InvalidStatus as refused:
                if refused.response.status_code != 503:  # it stops, or its database is slow
                    raise

    def _take(self, got: dict[str, Any]) -> None:
        assert got["kind"] in {"snapshot", "event", "heartbeat", "closing"}, got
        if got["kind"] == "event":
            self.seqs.append(got["seq"])
            self.profiles.add(got["profile_id"])
            if got["type"] == "entry.sending":
                self.labels.add(got["label"])
        if got["kind"] != "closing":
            self.position = (got["epoch"], got["seq"])


class Running:
    """The instance of the moment; it is stopped and another one started again and again."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._there = asyncio.Event()
        self._instance: Instance | None = None

    async def one(self) -> Instance:
        await self._there.wait()
        assert self._instance is not None
        return self._instance

    async def start(self) -> None:
        self._instance = await self._rig.instance(heartbeat_s=0.2)
        self._there.set()

    async def restart(self) -> None:
        instance, self._instance = self._instance, None
        self._there.clear()
        assert instance is not None
        await self._rig.stop(instance)
        await self.start()


async def robots(rig: Rig, tenant: Tenant) -> list[tuple[UUID, UUID]]:
    """Sixteen robots and a profile with capital for each."""
    made = []
    for number in range(ROBOTS):
        robot, profile = uuid4(), uuid4()
        await call(rig.conn, "fn_create_robot", tenant.id, robot, f"r{number}", OPERATOR)
        await tenant.add_profile(rig.conn, profile, f"p{number}")
        await call(rig.conn, "fn_allocate", tenant.id, profile, 100, uuid4().hex, OPERATOR, "start")
        made.append((robot, profile))
    return made


async def trade(rig: Rig, tenant: Tenant, pairs: list[tuple[UUID, UUID]], rounds: int) -> None:
    """Every robot opens an entry and has it rejected, again and again: two events a round and robot."""
    conn = await rig.database.connect()
    for _ in range(rounds):
        items = [
            order_item(
                tenant, uuid4().hex, robot_id=str(robot), profile_id=str(profile), quantity="0.0002",
                label=f"{tenant.name}-{number}",
            )
            for number, (robot, profile) in enumerate(pairs)
        ]  # fmt: skip
        opened = await call(conn, "fn_open_entry", tenant.id, items)
        assert {"OK"} == {each["code"] for each in opened}
        ended = [
            {"intent_id": item["intent_id"], "fencing_token": each["fencing_token"]}
            for item, each in zip(items, opened, strict=True)
        ]
        await call(conn, "fn_reject_entry", tenant.id, ended)
    await conn.close()


async def test_reconnecting_clients_miss_nothing_over_restarts(rig: Rig) -> None:
    """Each tenant's clients see every number once, in order, and only what is their tenant's."""
    tenants = (rig.one, rig.other)
    pairs = {tenant.id: await robots(rig, tenant) for tenant in tenants}
    running = Running(rig)
    await running.start()
    listeners = [Listener(tenant) for tenant in tenants for _ in range(2)]
    begun = {tenant.id: await rig.last_seq(tenant) for tenant in tenants}
    for listener in listeners:
        listener.position = (1, begun[listener.tenant.id])
    last = {tenant.id: asyncio.get_running_loop().create_future() for tenant in tenants}
    rounds = -(-EVENTS // (2 * ROBOTS * len(tenants)))
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        for listener in listeners:
            group.create_task(listener.listen(running, last[listener.tenant.id]))
        for share in range(RECONNECTS + 1):
            done = [rounds * each // (RECONNECTS + 1) for each in (share, share + 1)]
            writing = [
                group.create_task(trade(rig, tenant, pairs[tenant.id], done[1] - done[0]))
                for tenant in tenants
            ]
            if share < RECONNECTS:
                await met(lambda share=share: all(each.connections > share for each in listeners), WAIT_S)
                await running.restart()
            await asyncio.gather(*writing)
        for tenant in tenants:
            last[tenant.id].set_result(await rig.last_seq(tenant))
    for listener in listeners:
        tenant = listener.tenant
        assert list(range(begun[tenant.id] + 1, last[tenant.id].result() + 1)) == listener.seqs
        assert {str(profile) for _, profile in pairs[tenant.id]} == listener.profiles
        assert {f"{tenant.name}-{number}" for number in range(ROBOTS)} == listener.labels
        assert RECONNECTS < listener.connections
    assert EVENTS <= sum(len(listener.seqs) for listener in listeners) // 2
