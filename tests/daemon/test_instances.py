"""Two daemons on one database: one follows, both trade, and either may be stopped, killed or frozen."""

import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.daemon.stage import Answer, Process, Stage, Tenant, start_daemon, until
from tests.database.servers import Server, in_own_loop

TTL_S = 3.0
SLACK_S = 3.0  # a look each second, on a busy machine
ENTRY = {"profile": "main", "symbol": "BTC/USDT", "type": "limit", "quantity": "0.01"}


@dataclass(slots=True)
class Pair:
    """Two instances; `tenant` trades on the only account."""

    one: Stage
    two: Stage
    tenant: Tenant

    @property
    def all(self) -> tuple[Stage, Stage]:
        return (self.one, self.two)

    def holder(self) -> Stage | None:
        """Return the instance that says it holds the lease, the other one saying that it does not."""
        held = [stage for stage in self.all if lease(stage).get("held")]
        return held[0] if len(held) == 1 else None

    def other(self, stage: Stage) -> Stage:
        return self.two if stage is self.one else self.one

    def settled(self) -> Stage:
        """Wait until one holds and both are ready; return the holder."""
        found: Stage = until(
            "both are ready", lambda: all(s.gate() is None for s in self.all) and self.holder()
        )
        return found

    def enter(self, stage: Stage, price: str = "49000") -> Answer:
        return stage.call(
            "POST", "/v1/entries", {**ENTRY, "limit_price": price}, key=self.tenant.key, idem=uuid4().hex
        )

    def order(self, stage: Stage, placed: Answer) -> dict[str, Any]:
        answer = stage.call("GET", f"/v1/orders/{placed.body['id']}", key=self.tenant.key)
        return dict(answer.body["order"])


def lease(stage: Stage) -> dict[str, Any]:
    """Return what an instance knows of the account's lease; nothing while it is not connected."""
    rows = stage.call("GET", "/internal/health").body["exchange"]
    return dict((rows and rows[0]["lease"]) or {})


def taken_over(stage: Stage) -> datetime:
    """Return when an instance says in its log that it took the lease over, the last time."""
    lines = [json.loads(line) for line in stage.daemon.log.read_text().splitlines() if line.startswith("{")]
    moments = [line["timestamp"] for line in lines if line["event"] == "lease taken over"]
    return datetime.fromisoformat(moments[-1])


def begin(folder: Path, name: str, url: str) -> Process:
    return start_daemon(
        folder, name, database_url=url, test_clock="true", lease_ttl_s=str(TTL_S), stop_timeout_s="5"
    )


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[Pair]:
    database = in_own_loop(server.create())
    folder = Path(tempfile.mkdtemp(prefix="holdfast-pair-"))
    folder.chmod(0o711)
    running: list[Process] = []
    stages: list[Stage] = []
    try:
        exchange = Process(
            ["paper", "--port", "0", "--control-port", "0", "--step-ms", "0", "--exit-with-parent"],
            folder,
            "paper",
        )
        running.append(exchange)
        ports = exchange.said("ready")
        for name in ("one", "two"):
            daemon = begin(folder, name, database.engine_url)
            running.append(daemon)
            port = daemon.said("listening")["port"]
            stages.append(
                Stage(
                    folder, exchange, ports["port"], ports["control_port"], daemon, port,
                    database=database.engine_url,
                )
            )  # fmt: skip
        stages[0].pin("50000", "50010")
        tenant = stages[0].tenant()
        made = Pair(stages[0], stages[1], tenant)
        until("the other one is connected", lambda: made.two.connected(tenant))
        yield made
    finally:
        for process in [*(stage.daemon for stage in stages), *reversed(running)]:
            process.process.send_signal(signal.SIGCONT)
            process.stop()
        shutil.rmtree(folder, ignore_errors=True)
        in_own_loop(server.drop(database))


def again(pair: Pair, stage: Stage) -> None:
    """Start an instance that was ended anew."""
    name = "one" if stage is pair.one else "two"
    assert stage.database is not None
    stage.daemon = begin(stage.folder, name, stage.database)
    stage.port = stage.daemon.said("listening")["port"]


def test_one_follows_and_both_trade(pair: Pair) -> None:
    """Entries, cancels and reads work at both; what fills anywhere is booked once, by the holder."""
    holder = pair.settled()
    other = pair.other(holder)
    assert ("reconciled", lease(holder)["fencing_token"]) == (
        lease(other)["stage"],
        lease(other)["fencing_token"],
    )
    resting = [pair.enter(holder), pair.enter(other, "50010")]
    assert [201, 201] == [each.status for each in resting], [each.body for each in resting]
    for stage in pair.all:
        until(
            "the other one's fill is booked",
            lambda stage=stage: pair.order(stage, resting[1])["status"] == "filled",
        )
    path = f"/v1/orders/{resting[0].body['id']}"
    canceled = other.call("DELETE", path, key=pair.tenant.key, idem="c")
    assert (200, "canceled") == (canceled.status, pair.order(holder, resting[0])["status"])
    fills = other.call("GET", f"/v1/orders/{resting[1].body['id']}/timeline", key=pair.tenant.key).text
    assert 1 == fills.count('"type":"entry_fill"') or 1 == fills.count('"type": "entry_fill"'), fills


def test_a_stop_hands_over_without_waiting(pair: Pair) -> None:
    """After SIGTERM of the holder the other one takes the released lease: nothing had to expire."""
    holder = pair.settled()
    other, before = pair.other(holder), lease(holder)["fencing_token"]
    assert 0 == holder.daemon.stop()
    until("the other one holds", lambda: lease(other).get("held") and other.gate() is None)
    assert before < lease(other)["fencing_token"]
    assert 'change="taken over"' not in other.call("GET", "/metrics").text
    assert 201 == pair.enter(other).status
    again(pair, holder)
    assert other is pair.settled()


def test_a_killed_holder_is_replaced_after_its_ttl(pair: Pair) -> None:
    """After SIGKILL entries are refused with the gate's name until the lease is over; then they go on."""
    holder = pair.settled()
    other = pair.other(holder)
    placed = pair.enter(holder)
    holder.daemon.stop(signal.SIGKILL)
    killed = datetime.now(UTC)
    until("the other one is ready", lambda: lease(other).get("held") and other.gate() is None)
    assert (taken_over(other) - killed).total_seconds() < TTL_S + SLACK_S
    assert 'holdfast_lease_changes_total{account="paper",change="taken over"} 1.0' in (
        other.call("GET", "/metrics").text
    )
    assert "open" == pair.order(other, placed)["status"]
    assert 201 == pair.enter(other, "48000").status
    again(pair, holder)
    assert other is pair.settled()


def test_a_frozen_holder_notices_when_it_wakes(pair: Pair) -> None:
    """SIGSTOP, takeover, SIGCONT: the old holder loses its lease before it acts, and both go on as two."""
    holder = pair.settled()
    other, before = pair.other(holder), lease(holder)["fencing_token"]
    holder.daemon.process.send_signal(signal.SIGSTOP)
    until("the other one holds", lambda: lease(other).get("held") and other.gate() is None)
    assert 201 == pair.enter(other, "47000").status
    holder.daemon.process.send_signal(signal.SIGCONT)
    until("the old one knows", lambda: lease(holder).get("held") is False)
    assert other is pair.settled()
    assert before < lease(holder)["fencing_token"] == lease(other)["fencing_token"]
    assert 'change="lost"' in holder.call("GET", "/metrics").text
    assert 201 == pair.enter(holder, "46000").status
    for stage in pair.all:
        rows = stage.call("GET", "/v1/capital", key=pair.tenant.key).body["capital"]
        assert [row["available"] for row in rows] == [row["invariant"] for row in rows]
