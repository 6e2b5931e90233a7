"""A daemon whose database or exchange goes away under it: it says so, stays honest, and resumes by itself."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.daemon.stage import Answer, Process, Stage, Tenant, start_daemon, until
from tests.database.servers import Database, Server, in_own_loop

RESTING = {
    "profile": "main",
    "symbol": "BTC/USDT",
    "type": "limit",
    "quantity": "0.01",
    "limit_price": "49000",
}
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast'"


@dataclass(slots=True)
class Scene:
    """One daemon on a server of its own, which a test may stop."""

    stage: Stage
    tenant: Tenant
    server: Server
    database: Database

    def enter(self) -> Answer:
        return self.stage.call("POST", "/v1/entries", RESTING, key=self.tenant.key, idem=uuid4().hex)

    def placed(self) -> str:
        """Place a resting order and return its id."""
        answer = self.enter()
        assert 201 == answer.status, answer.text
        return str(answer.body["id"])

    def cancel(self, order: str) -> Answer:
        path = f"/v1/orders/{order}"
        return self.stage.call("DELETE", path, key=self.tenant.key, idem=uuid4().hex)

    def ready(self) -> None:
        until("it is ready again", lambda: self.stage.gate() is None and self.stage.connected(self.tenant))

    def closed(self, gate: str, *words: str) -> Any:
        """Wait until a gate is closed for a reason with these words."""

        def look() -> Any:
            answer = self.stage.call("GET", "/readyz")
            rows = [row for row in answer.body["gates"] if row["gate"] == gate and not row["open"]]
            return answer.status == 503 and [
                row for row in rows if all(word in row["reason"] for word in words)
            ]

        return until(f"{gate} is closed: {words}", look)

    def health(self) -> Any:
        return self.stage.call("GET", "/internal/health").body

    def metric(self, name: str, label: str = "") -> float:
        """Return the sum of a metric's samples whose labels contain a text."""
        lines = self.stage.call("GET", "/metrics").text.splitlines()
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in lines
            if line.startswith((f"{name} ", f"{name}{{")) and label in line
        )

    def at_exchange(self, order: str) -> str:
        """Return the status of an order in the exchange's own books."""
        view = self.stage.call("GET", f"/v1/orders/{order}", key=self.tenant.key).body
        books = self.stage.steer("GET", f"/oracle?account={self.tenant.name}")
        (found,) = (
            each["status"]
            for each in books["accounts"][self.tenant.name]["orders"]
            if each["clientOrderId"] == view["client_order_id"]
        )
        return str(found)

    def administer(self, *statements: str) -> None:
        async def run() -> None:
            conn = await asyncpg.connect(self.database.admin_url)
            for statement in ("SET default_transaction_read_only = off", *statements):
                await conn.execute(statement.replace("{name}", self.database.name))
            await conn.close()

        asyncio.run(run())


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    server = Server.start(mortal=True)
    assert server._embedded is not None
    server._embedded._wanted_port = server._embedded.port
    database = in_own_loop(server.create())
    folder = Path(tempfile.mkdtemp(prefix="holdfast-outage-"))
    running: list[Process] = []
    try:
        arguments = ["paper", "--port", "0", "--control-port", "0", "--step-ms", "0", "--exit-with-parent"]
        exchange = Process(arguments, folder, "paper")
        running.append(exchange)
        ports = exchange.said("ready")
        settings = {"database_url": database.engine_url, "test_clock": "true", "lease_ttl_s": "3"}
        daemon = start_daemon(folder, **settings)
        running.append(daemon)
        stage = Stage(
            folder,
            exchange,
            ports["port"],
            ports["control_port"],
            daemon,
            daemon.said("listening")["port"],
            database=database.engine_url,
        )
        stage.pin("50000", "50010")
        made = Scene(stage, stage.tenant(), server, database)
        made.ready()
        yield made
    finally:
        for process in reversed(running):
            process.stop()
        shutil.rmtree(folder, ignore_errors=True)
        if server._embedded.pid is None:
            server._embedded.start()
        server.stop()


@contextmanager
def stopped(scene: Scene) -> Iterator[None]:
    """The server is killed, and comes back."""
    embedded = scene.server._embedded
    assert embedded is not None
    assert embedded.pid is not None
    embedded._server.send_signal(signal.SIGQUIT)  # type: ignore[union-attr]
    embedded._server.wait(20)  # type: ignore[union-attr]
    yield
    embedded.stop()
    embedded.start()


@contextmanager
def read_only(scene: Scene) -> Iterator[None]:
    scene.administer('ALTER DATABASE "{name}" SET default_transaction_read_only = on', END_SESSIONS)
    yield
    scene.administer('ALTER DATABASE "{name}" RESET default_transaction_read_only')


@contextmanager
def starved(scene: Scene) -> Iterator[None]:
    scene.administer('ALTER DATABASE "{name}" CONNECTION LIMIT 0', END_SESSIONS)
    yield
    scene.administer('ALTER DATABASE "{name}" CONNECTION LIMIT -1')


OUTAGES = {
    "stopped": (stopped, "unreachable", "cannot be reached", False),
    "read-only": (read_only, "read_only", "read-only", True),
    "starved": (starved, "no_connections", "no connection left", False),
}


@pytest.mark.parametrize("name", OUTAGES)
def test_database_outage(scene: Scene, name: str) -> None:
    """The gate names the trouble, entries are refused, cancels of known orders go out, all is found again."""
    outage, trouble, words, answers = OUTAGES[name]
    early, late, last = scene.placed(), scene.placed(), scene.placed()
    counted = scene.metric("holdfast_database_outages_total", f'kind="{trouble}"')
    with outage(scene):
        scene.closed("database", "DATABASE_UNAVAILABLE", words)
        database = scene.health()["database"]
        assert (answers, False, trouble) == (
            database["reachable"],
            database["writable"],
            database["trouble"],
        )
        assert "degraded" == scene.health()["status"]
        refused = scene.enter()
        assert (503, True, "not_placed") == (
            refused.status,
            refused.body["retryable"],
            refused.body["outcome"],
        )
        canceled = scene.cancel(early)
        assert (202, "sent_not_recorded", False) == (
            canceled.status,
            canceled.body["cancel"],
            canceled.body["recorded"],
        ), canceled.text
        if not answers:  # nobody can ask whose key it is any more; it was known, and that must do
            until("the key is forgotten", lambda: scene.enter().body["code"] == "DATABASE_UNAVAILABLE")
        canceled = scene.cancel(late)
        assert (202, "sent_not_recorded") == (canceled.status, canceled.body["cancel"]), canceled.text
        everything = scene.stage.call(
            "POST", "/v1/orders/cancel-all", {}, key=scene.tenant.key, idem=uuid4().hex
        )
        assert (200, False) == (everything.status, everything.body["recorded"]), everything.text
        assert [(last, "sent_not_recorded")] == [
            (row["id"], row["cancel"]) for row in everything.body["orders"]
        ]
        foreign = scene.stage.call("DELETE", f"/v1/orders/{late}", key="hf_unknown", idem="1")
        assert foreign.status in {401, 503}
    scene.ready()
    for order in (early, late, last):
        assert "CANCELED" == scene.at_exchange(order)
        until(
            "its end is recorded",
            lambda order=order: (
                scene.stage.call("GET", f"/v1/orders/{order}", key=scene.tenant.key).body["order"]["status"]
                == "canceled"
            ),
        )
    assert counted < scene.metric("holdfast_database_outages_total", f'kind="{trouble}"')
    until("no fact waits", lambda: scene.metric("holdfast_facts_pending") == 0)
    (capital,) = scene.stage.call("GET", "/v1/capital", key=scene.tenant.key).body["capital"]
    assert ("10000", "active") == (capital["available"], capital["mode"])
    assert "done" == scene.cancel(scene.placed()).body["cancel"]


def test_exchange_that_limits_us(scene: Scene) -> None:
    """After a 429 entries are denied with its Retry-After, cancels pass, all of it is shown, and it heals."""
    resting = scene.placed()
    scene.stage.steer(
        "POST",
        "/faults",
        {"kind": "rate_limited", "match": {"path": "/api/v3/order", "method": "POST"}, "retry_after_s": 4},
    )
    assert (422, "REJECTED") == ((limited := scene.enter()).status, limited.body["code"])
    denied = scene.enter()
    assert (503, "CIRCUIT_OPEN", True, "not_placed") == (
        denied.status,
        denied.body["code"],
        denied.body["retryable"],
        denied.body["outcome"],
    )
    assert 1 <= int(denied.headers["retry-after"]) <= 4
    assert denied.headers["retry-after"] == denied.body["retry_after_s"]
    (row,) = scene.closed("circuit", "rate_limited", "429")
    assert row["account"]
    assert ["open"] == [each["circuit"] for each in scene.health()["exchange"]]
    assert 2 == scene.metric("holdfast_circuit_state")
    assert 1 == scene.metric("holdfast_circuit_opened_total", 'cause="rate_limited"')
    assert 200 == scene.cancel(resting).status
    scene.ready()
    assert ["closed"] == [each["circuit"] for each in scene.health()["exchange"]]
    assert 0 == scene.metric("holdfast_circuit_state")
    assert "done" == scene.cancel(scene.placed()).body["cancel"]


def test_exchange_in_maintenance(scene: Scene) -> None:
    """A whole exchange in maintenance opens the circuit without any order; the end of it closes it."""
    scene.stage.steer("POST", "/maintenance", {"on": True})
    scene.closed("circuit", "unwell")
    denied = scene.enter()
    assert (503, "not_placed") == (denied.status, denied.body["outcome"])
    assert denied.body["code"] in {"CIRCUIT_OPEN", "NOT_READY"}  # the lease's stage may fall back too
    scene.stage.steer("POST", "/maintenance", {"on": False})
    scene.ready()
    assert "done" == scene.cancel(scene.placed()).body["cancel"]
