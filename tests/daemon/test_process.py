"""The daemon as a process: what it says of itself, how it stops, and what a kill leaves."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.daemon.stage import HOLDFAST, WAIT_S, Stage, Tenant, call, start_daemon, until

RESTING = {
    "profile": "main",
    "symbol": "BTC/USDT",
    "type": "limit",
    "quantity": "0.01",
    "limit_price": "49000",
}


DROP_ALL = {"kind": "drop_before", "count": None}


@pytest.fixture(scope="module")
def own() -> Iterator[Stage]:
    """A stage that tests of this module may kill and restart."""
    with Stage.started(empty=True) as made:
        yield made


@pytest.fixture(scope="module")
def robot(own: Stage) -> Tenant:
    return own.tenant()


def enter(stage: Stage, robot: Tenant, **changes: Any) -> Any:
    return stage.call("POST", "/v1/entries", {**RESTING, **changes}, key=robot.key, idem=uuid4().hex)


def family(pid: int) -> set[int]:
    """Return the ids of the processes that run below one, at any depth."""
    below: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while it was looked at
        below.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        children = below.get(waiting.pop(), [])
        found.update(children)
        waiting += children
    return found


def alive(pids: set[int]) -> set[int]:
    """Return those of some processes that still run."""
    running = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            running.add(pid)
    return running


def test_health_names_gates_loops_locks_capital_and_exchange(own: Stage, robot: Tenant) -> None:
    """/internal/health holds every part of the daemon with its state, figures and ages."""
    enter(own, robot, type="market", limit_price=None, quantity="0.001")
    health = until(
        "all loops beat", lambda: (h := own.call("GET", "/internal/health").body)["status"] == "ok" and h
    )
    gates = {row["gate"]: row["open"] for row in health["gates"]}
    assert [
        "database", "schema", "invariants", "storage",
        "accounts", "instruments", "clock", "circuit", "lease", "resolver", "reconciliation",
    ] == list(gates)  # fmt: skip
    assert all(gates.values())
    loops = {row["loop"] for row in health["loops"]}
    assert {
        "gates", "instance", "trading", "accounts", "account paper", "monitor orders paper",
        "monitor fills paper", "monitor poll paper", "resolver paper", "reconciliation paper",
        "quotes paper", "quotes stream paper",
    } <= loops  # fmt: skip
    assert all(row["age_s"] is not None and row["heartbeat_at"] for row in health["loops"])
    (capital,) = health["capital"]
    assert ("main", "active") == (capital["name"], capital["mode"])
    assert capital["invariant"] == capital["available"]
    assert (True, []) == (health["invariant"]["holds"], health["invariant"]["violations"])
    (exchange,) = health["exchange"]
    assert (True, None, "binance") == (exchange["connected"], exchange["problem"], exchange["exchange"])
    assert (True, True) == (health["database"]["embedded"], health["database"]["reachable"])
    assert health["locks"]["acquisitions_total"] >= 1
    assert {"in_doubt": 0, "sending_expired": 0, "facts_pending": 0} == health["intents"]


def test_metrics_count_what_happened(own: Stage, robot: Tenant) -> None:
    """/metrics is Prometheus' text, and the families of each part of the daemon have samples."""
    enter(own, robot, quantity="0.5")
    text = until(
        "the watchdog has looked",
        lambda: (t := own.call("GET", "/metrics").text).count("holdfast_invariant_checks_total{") and t,
    )
    samples = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    assert {
        "holdfast_denials_total", "holdfast_entry_lock_acquisition_seconds_count",
        "holdfast_entry_lock_contention_total", "holdfast_entry_lock_expired",
        "holdfast_http_request_duration_seconds_count", "holdfast_loop_heartbeat_timestamp_seconds",
        "holdfast_capital_quote_units", "holdfast_exchange_call_duration_seconds_count",
        "holdfast_exchange_clock_offset_seconds", "holdfast_gate_open",
        "holdfast_sql_call_duration_seconds_count",
        "holdfast_stream_events_total", "holdfast_profile_mode", "holdfast_invariant_violations",
    } <= samples  # fmt: skip
    assert 'holdfast_denials_total{code="INSUFFICIENT_CAPITAL",kind="entry"} 1.0' in text
    assert robot.key not in text


def test_openapi_documents_every_route_and_code(own: Stage) -> None:
    """The document has the robots' routes with bodies, the key header, and all error codes."""
    document = own.call("GET", "/openapi.json").body
    for path, method in (
        ("/v1/entries", "post"), ("/v1/exits", "post"), ("/v1/orders/{order_id}", "get"),
        ("/v1/orders/{order_id}", "delete"), ("/v1/orders/by-client-id/{client_order_id}", "get"),
        ("/v1/orders/{order_id}/timeline", "get"), ("/v1/orders", "get"), ("/v1/capital", "get"),
        ("/v1/positions", "get"), ("/v1/time", "get"),
    ):  # fmt: skip
        assert method in document["paths"][path], path
    entry = document["paths"]["/v1/entries"]["post"]
    schema = entry["requestBody"]["content"]["application/json"]["schema"]
    body = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert {"profile", "symbol", "type", "quantity"} == set(body["required"])
    assert ["Idempotency-Key"] == [each["name"] for each in entry["parameters"]]
    assert {"201", "202", "400", "401", "404", "409", "422", "503"} <= set(entry["responses"])
    codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert {"INSUFFICIENT_CAPITAL", "ENTRY_LOCKED", "IN_DOUBT", "NOT_READY"} <= set(codes)


def test_kill_and_restart_keep_what_was_recorded(own: Stage, robot: Tenant) -> None:
    """After SIGKILL no database is left; a new daemon has order and capital as before, and is ready."""
    placed = enter(own, robot)
    before = own.call("GET", "/v1/capital", key=robot.key).body
    children = family(own.daemon.process.pid)
    assert children
    own.daemon.stop(signal.SIGKILL)
    until("its database is gone", lambda: not alive(children))
    own.pin("48900", "48910")
    try:
        own.restart()
        ready = own.daemon.said("ready")
        assert (own.port, None) == (ready["port"], own.gate())
        filled = until(
            "what filled meanwhile is found",
            lambda: (
                (o := own.call("GET", f"/v1/orders/{placed.body['id']}", key=robot.key).body)["order"][
                    "status"
                ]
                == "filled"
                and o
            ),
        )
    finally:
        own.pin("50000", "50010")
    assert placed.body["client_order_id"] == filled["client_order_id"]
    after = own.call("GET", "/v1/capital", key=robot.key).body["capital"][0]
    assert before["capital"][0]["allocated"] == after["allocated"]
    assert after["available"] == after["invariant"]
    sold = own.call(
        "POST", "/v1/exits", {**RESTING, "type": "market", "limit_price": None, "quantity": "all"},
        key=robot.key, idem=uuid4().hex,
    )  # fmt: skip
    assert 201 == sold.status


def test_lost_exchange_is_named_and_heals(own: Stage, robot: Tenant) -> None:
    """While the exchange drops every connection /readyz names account and gate; reads go on; it heals."""
    own.steer("POST", "/faults", DROP_ALL)
    try:
        answer = until("the gate closes", lambda: (a := own.call("GET", "/readyz")).status == 503 and a)
        assert (answer.body["gate"] in {"clock", "circuit"}, True) == (
            True,
            answer.body["reason"].startswith("paper: "),
        )
        assert 200 == own.call("GET", "/livez").status
        assert 200 == own.call("GET", "/v1/capital", key=robot.key).status
        refused = enter(own, robot)
        # a dropped connection, or the circuit that five of them have opened
        assert (refused.status, refused.body["outcome"]) in {(202, "unknown"), (503, "not_placed")}
    finally:
        own.steer("DELETE", "/faults")
    until("the gate opens again", lambda: own.gate() is None)


def test_database_that_is_away_is_named(tmp_path: Path) -> None:
    """A daemon whose database does not answer stays up, names the gate, and takes nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        url = f"postgresql://nobody:x@127.0.0.1:{taken.getsockname()[1]}/holdfast"
        daemon = start_daemon(tmp_path, database_url=url, internal_port="0")
        try:
            said = daemon.said("listening")
            port, internal = said["port"], said["internal_port"]
            closed = until(
                "it tried", lambda: "UNAVAILABLE" in (a := call(internal, "GET", "/readyz")).text and a
            )
            assert 404 == call(port, "GET", "/readyz").status  # these have a port of their own here
            assert (503, "database") == (closed.status, closed.body["gate"])
            refused = call(port, "POST", "/v1/entries", RESTING, key="hf_x", idem="1")
            assert (503, "NOT_READY", True, "not_placed") == (
                refused.status,
                refused.body["code"],
                refused.body["retryable"],
                refused.body["outcome"],
            )
        finally:
            assert 0 == daemon.stop()


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("HOLDFAST_MASTER_KEY", "not base64", "HOLDFAST_MASTER_KEY"),
        ("HOLDFAST_DATABASE_URL", "not a url", "database"),
    ],
)
def test_wrong_setting_ends_it_with_a_message(tmp_path: Path, setting: str, value: str, named: str) -> None:
    """What no retry heals ends the start with exit code 3 and a sentence that names it."""
    environment = {"PATH": "/usr/bin:/bin", "HOLDFAST_DATA_DIR": str(tmp_path), setting: value}
    environment.setdefault("HOLDFAST_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    done = subprocess.run(
        [*HOLDFAST, "run", "--port", "0"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert 3 == done.returncode
    assert named in done.stderr.lower() or named in done.stderr


def test_taken_port_ends_it_with_a_message(tmp_path: Path) -> None:
    """A port in use is an error at once, before the database is made."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOLDFAST_DATA_DIR": str(tmp_path),
            "HOLDFAST_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
        }
        done = subprocess.run(
            [*HOLDFAST, "run", "--port", port],
            env=environment,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
    assert (3, True) == (done.returncode, f"127.0.0.1:{port}" in done.stderr)


def test_exchange_that_is_away_at_start_is_named_and_heals(own: Stage, robot: Tenant) -> None:
    """A daemon that cannot reach the exchange listens, names the gate, and opens by itself."""
    own.daemon.stop()
    own.steer("POST", "/faults", DROP_ALL)
    try:
        own.restart()
        answer = until("it tried", lambda: "UNAVAILABLE" in (a := own.call("GET", "/readyz")).text and a)
        assert (503, "accounts") == (answer.status, answer.body["gate"])
        refused = enter(own, robot)
        assert (503, "NOT_READY", "not_placed") == (
            refused.status,
            refused.body["code"],
            refused.body["outcome"],
        )
    finally:
        own.steer("DELETE", "/faults")
    until("it is ready", lambda: own.gate() is None)


def test_books_that_do_not_add_up_keep_entries_closed_at_start(own: Stage, robot: Tenant) -> None:
    """A start over sums that are wrong names the profile at the gate, which opens when they are right."""
    forged = own.tenant()
    change = """UPDATE engine.profile_capital SET allocated = allocated + $2, available = available + $2
        WHERE tenant_id = $1 RETURNING mode"""
    own.rows(change, forged.tenant_id, 1)
    own.daemon.stop()
    own.restart()
    closed = until("it looked", lambda: forged.profile_id in (a := own.call("GET", "/readyz")).text and a)
    assert (503, "invariants") == (closed.status, closed.body["gate"])
    refused = enter(own, robot)
    assert (503, "NOT_READY", "not_placed") == (
        refused.status,
        refused.body["code"],
        refused.body["outcome"],
    )
    own.rows(change, forged.tenant_id, -1)
    until("it is ready", lambda: own.gate() is None)


def test_dead_embedded_database_ends_the_daemon(own: Stage, robot: Tenant) -> None:
    """The embedded server is killed: the daemon ends with exit code 3, and the next start recovers."""
    os.kill(database_of(own), signal.SIGKILL)
    assert 3 == own.daemon.process.wait(WAIT_S)
    own.restart()
    until("it is ready", lambda: own.gate() is None)
    assert 200 == own.call("GET", "/v1/capital", key=robot.key).status


def database_of(stage: Stage) -> int:
    """Return the process id of the embedded server."""
    return int((stage.folder / "data" / "postgres" / "postmaster.pid").read_text().split()[0])


def test_stop_ends_everything(own: Stage, robot: Tenant) -> None:
    """SIGTERM: exit code 0, the event `stopped`, no process left, and the database was shut down in order."""
    del robot
    children = family(own.daemon.process.pid)
    assert children
    assert 0 == own.daemon.stop()
    assert {"event": "stopped"} == own.daemon.said("stopped")
    assert set() == alive(children)
    log = (own.folder / "data" / "postgres.log").read_text()
    assert "database system is shut down" in log.splitlines()[-1]
