"""What a test of the SDK owns: a tenant on the stage, its journal, and ways to reach the daemon."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from engine.client.robot import Robot
from tests.daemon.stage import Stage, Tenant, until

PATIENCE_S = 120.0  # on a crowded machine; nothing waits for it to pass
PROGRAM = Path(__file__).with_name("process.py")


@dataclass(slots=True)
class Own:
    """A robot whose test has the account for itself; `processes` are killed when the test ends.

    `earlier`: the client order ids of the account's tests before.
    """

    stage: Stage
    tenant: Tenant
    journal: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    earlier: set[str] = field(default_factory=set)

    @classmethod
    @contextlib.contextmanager
    def begun(cls, stage: Stage, tenant: Tenant, journal: Path) -> Iterator[Self]:
        """Leave out of sight what was done on the account before, and leave nothing open behind."""
        made, key = cls(stage, tenant, journal), tenant.key
        made.earlier = {order["clientOrderId"] for order in made.at_exchange()}
        yield made
        for process in made.processes:
            process.kill()
            process.communicate()
        answer = stage.call("POST", "/v1/orders/cancel-all", {}, key=key, idem=uuid4().hex)
        assert 200 == answer.status, answer.text
        until("no order is open", lambda: not made._open(key))

    def _open(self, key: str) -> bool:
        return bool(self.stage.call("GET", "/v1/orders?open=true", key=key).body["orders"])

    @property
    def address(self) -> str:
        """Where the daemon is now: it has another port after a restart."""
        return f"http://127.0.0.1:{self.stage.port}"

    def robot(self, url: str | None = None, **changes: Any) -> Robot:
        """Return a robot in this process."""
        given: dict[str, Any] = {
            "journal": self.journal,
            "profile": "main",
            "patience_s": PATIENCE_S,
            **changes,
        }
        return Robot(url or self.address, self.tenant.key, **given)

    def process(self, act: str, die: str = "never", url: str | None = None) -> subprocess.Popen[str]:
        """Start a robot as a process of its own; it dies of SIGKILL at the crossing that `die` names."""
        given = {"url": url or self.address, "journal": str(self.journal), "act": act, "die": die}
        environment = {**os.environ, "ROBOT_KEY": self.tenant.key}
        started = subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps(given)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.processes.append(started)
        return started

    def run(self, act: str, die: str = "never", url: str | None = None) -> tuple[int, Any]:
        """Let such a process end; returns its exit code and what it said."""
        process = self.process(act, die, url)
        said, trouble = process.communicate(timeout=PATIENCE_S)
        assert process.returncode in {0, -9}, trouble
        return process.returncode, json.loads(said) if said else None

    def at_exchange(self) -> list[dict[str, Any]]:
        """Return the orders that the paper exchange itself knows of this tenant's account."""
        books = self.stage.steer("GET", f"/oracle?account={self.tenant.name}")
        orders: list[dict[str, Any]] = books["accounts"][self.tenant.name]["orders"]
        return [order for order in orders if order["clientOrderId"] not in self.earlier]
