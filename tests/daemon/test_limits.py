"""Switch, webhook and limits at the real entry point: a daemon, its command line, the guide's own words."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from tests.daemon.stage import Stage, Tenant, until

GUIDE = Path(__file__).parents[2] / "docs/guides/webhooks.md"
RESTING = {"profile": "main", "symbol": "BTC/USDT", "type": "limit", "quantity": "0.001"}


def test_a_silent_robots_order_is_canceled(stage: Stage, tenant: Tenant) -> None:
    """Armed for a second and not kept: the order is canceled at the exchange, and the switch says so."""
    placed = stage.call(
        "POST", "/v1/entries", {**RESTING, "limit_price": "41000"}, key=tenant.key, idem=uuid4().hex
    )
    assert 201 == placed.status, placed.body
    assert "robot-entries" in placed.headers["ratelimit"]
    armed = stage.call(
        "PUT",
        "/v1/dead-mans-switch",
        {"timeout_ms": 1000, "action": "cancel"},
        key=tenant.key,
        idem=uuid4().hex,
    )
    assert (200, True) == (armed.status, armed.body["armed"])

    def canceled() -> bool:
        order = stage.call("GET", f"/v1/orders/{placed.body['id']}", key=tenant.key).body["order"]
        return bool(order["status"] == "canceled")

    until("the cancel", canceled)
    shown = stage.call("GET", "/v1/dead-mans-switch", key=tenant.key).body
    assert (False, "timeout") == (shown["armed"], shown["fired_cause"])
    metrics = stage.call("GET", "/metrics").text
    assert 'holdfast_dead_mans_switches_fired_total{action="cancel",cause="timeout"} 1.0' in metrics


def test_the_guides_blocks_make_an_order_of_an_alert(stage: Stage, tmp_path: Path) -> None:
    """Every block of the webhook guide runs as it stands, and its alert is an order at the exchange."""
    tenant = stage.tenant()
    blocks = re.findall(r"^```bash\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert 6 == len(blocks)
    command = tmp_path / "holdfast"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from engine.cli import main; main()" "$@"\n')
    command.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HOLDFAST": f"http://127.0.0.1:{stage.port}",
        "HOLDFAST_DATABASE_URL": stage.database_url,
        "HOLDFAST_DATA_DIR": str(stage.folder / "data"),
        "PYTHONPATH": str(GUIDE.parents[2]),
    }

    def run(script: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace("acme", tenant.name)],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=120,
        )
        assert 0 == done.returncode, done.stderr + done.stdout
        return done.stdout

    run("\n".join(blocks[:4]))

    def placed() -> bool:
        return "done" in run(blocks[4])

    until("the alert's order", placed)
    orders = stage.call("GET", "/v1/orders", key=tenant.key).body["orders"]
    assert [("0.001", "40000", "tv breakout-1", "confirmed")] == [
        tuple(order[name] for name in ("quantity", "limit_price", "label", "state")) for order in orders
    ]
    secret = json.loads((tmp_path / "route.json").read_text())["secret"]
    assert secret not in stage.daemon.log.read_text()
    assert '"deleted": true' in run(blocks[5].strip() + " -o json")
