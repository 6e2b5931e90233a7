"""Watches a running demo from outside: its processes, its folder, and how all of it ends."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ENTRY = "from engine.cli import main; main(prog_name='holdfast')"
DEADLINE_S = 120.0  # for what never comes; a busy machine is slow
_POLL_S = 0.02


@contextmanager
def running_demo(**environment: str) -> Iterator["subprocess.Popen[str]"]:
    """Run `holdfast demo`; whatever a test does, it is not left behind."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DEMO_", "HOLDFAST_"))}
    with subprocess.Popen(
        [sys.executable, "-c", ENTRY, "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**clean, **environment},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_line(process: "subprocess.Popen[str]", start: str) -> str:
    """Read its output up to the line that begins so."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().startswith(start):
            return line
    raise AssertionError(
        f"the demo ended without the line {start!r}: {process.stderr and process.stderr.read()}"
    )


def family(pid: int) -> dict[int, str]:
    """Every process below `pid`, with its start time: what tells it from a later one of that number."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            parents[int(folder.name)] = int(fields[1])
    found: set[int] = set()
    fresh = {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return {one: _stat(one)[19] for one in found if _stat(one)}


def stage_folder(processes: dict[int, str]) -> Path:
    """The demo's temporary folder, as its janitor was told."""
    for pid in processes:
        words = (Path("/proc") / str(pid) / "cmdline").read_bytes().split(b"\0")
        if any(word.endswith(b"janitor.py") for word in words):
            return Path(words[-2].decode())
    raise AssertionError("the demo has no janitor")


def exchange_port(folder: Path) -> int:
    """The paper exchange's port, as it said."""
    line = (folder / "exchange.out").read_text().splitlines()[0]
    return int(json.loads(line)["port"])


def living(processes: dict[int, str]) -> list[int]:
    """Which of them still run."""
    return [pid for pid, began in processes.items() if (f := _stat(pid)) and f[19] == began and f[0] != "Z"]


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition, not for a time; the deadline is only for what never comes."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        time.sleep(_POLL_S)


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name: state, parent, … start time is the 20th."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
