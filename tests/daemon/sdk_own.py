"""What a test of the SDK owns: a tenant on the stage, its journal, and ways to reach the daemon."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.client.robot import Robot
from tests.daemon.stage import Stage, Tenant

PATIENCE_S = 120.0  # on a crowded machine; nothing waits for it to pass
PROGRAM = Path(__file__).with_name("sdk_process.py")


@dataclass(slots=True)
class Own:
    """A robot of a tenant that no other test touches; `processes` are killed when the test ends."""

    stage: Stage
    tenant: Tenant
    journal: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

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
        return orders
