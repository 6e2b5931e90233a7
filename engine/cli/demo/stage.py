"""The demo's stage: a folder, a database, an exchange and a daemon that live for one demo."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import aiohttp

from engine.deploy.embedded import EmbeddedPostgres
from engine.domain.errors import ErrorCode, HoldfastError

_PREFIX = "holdfast-demo-"
_LOCK = "stage.lock"
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 15.0
_POLL_S = 0.05
_TAIL_LINES = 12
_COMPLAINTS = 5
_COMPLAINT_LENGTH = 600


class Stage:
    """A context: whatever way it ends, every process it started ends and its folder goes."""

    def __init__(self) -> None:
        sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = _hold(self.folder)
        self._janitor = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(__file__).with_name("janitor.py"), self.folder],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
        )  # fmt: skip
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._postgres: EmbeddedPostgres | None = None
        self.database_url = ""

    def start_database(self) -> str:
        """Start an embedded PostgreSQL in the folder; must be called from the main thread."""
        # Durable is for what shall outlive the process: this database shall not.
        self._postgres = EmbeddedPostgres(self.folder, durable=False)
        self.database_url = self._postgres.start()
        return self.database_url

    def start_child(self, name: str, arguments: list[str], environment: Mapping[str, str]) -> None:
        """Start `holdfast ARGUMENTS` with its log in the folder."""
        command = [
            sys.executable,
            "-c",
            "from engine.cli import main; main(prog_name='holdfast')",
            *arguments,
        ]
        with self._log_of(name).open("ab") as log, self._output_of(name).open("ab") as output:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=log, start_new_session=True,
                env={**os.environ, **environment},
            )  # fmt: skip
        self._children.append((name, child))
        if self._janitor.stdin is not None:
            self._janitor.stdin.write(f"{child.pid}\n")
            self._janitor.stdin.flush()

    def kill(self, name: str) -> None:
        """End a child as a power cut would, with no chance to clean up."""
        for each in [each for each in self._children if each[0] == name]:
            self._children.remove(each)
            each[1].kill()
            each[1].wait()

    async def said(self, name: str, event: str) -> dict[str, Any]:
        """Wait for a child's line {"event": ...} on standard output and return it."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            for line in self._output_of(name).read_text().splitlines():
                said = _read(line)
                if said.get("event") == event:
                    return said
            self.check()
            await asyncio.sleep(_POLL_S)
        raise HoldfastError(ErrorCode.NOT_READY, f"the {name} did not say {event!r}:\n{self._tail(name)}")

    async def answered(self, http: aiohttp.ClientSession, url: str) -> Any:
        """Ask until the answer is a good one; raises when a child has ended or time is up."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        last: Any = "no answer"
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
                async with http.get(url) as response:
                    last = await response.json(content_type=None)
                    if response.ok:
                        return last
            self.check()
            if time.monotonic() > deadline:
                raise HoldfastError(ErrorCode.NOT_READY, f"{url} is not ready: {last}\n{self.logs()}")
            await asyncio.sleep(_POLL_S)

    def check(self) -> None:
        """Raise if a process that should run has ended, with the last lines of its log."""
        for name, child in self._children:
            if child.poll() is not None:
                raise HoldfastError(
                    ErrorCode.INTERNAL,
                    f"the {name} ended with exit code {child.returncode}:\n{self._tail(name)}",
                )

    def logs(self) -> str:
        """The last lines of every child's log."""
        return "\n".join(f"--- {name}\n{self._tail(name)}" for name, _ in self._children)

    def complaints(self, name: str) -> list[str]:
        """The last warnings and errors of a child's log, each once."""
        found: dict[str, None] = {}
        for line in self._log_of(name).read_text(errors="replace").splitlines():
            said = _read(line)
            if said.pop("level", None) in {"warning", "error", "critical"}:
                said.pop("timestamp", None)
                found[json.dumps(said)[:_COMPLAINT_LENGTH]] = None
        return list(found)[-_COMPLAINTS:]

    def stop(self) -> list[str]:
        """Stop the youngest child first, then the database; return who had to be killed."""
        killed = []
        for name, child in reversed(self._children):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
            try:
                child.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                killed.append(name)
        self._children.clear()
        if self._postgres is not None:
            self._postgres.stop()
            self._postgres = None
        return killed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()
        if self._janitor.stdin is not None:
            self._janitor.stdin.close()
        self._janitor.wait()

    def _output_of(self, name: str) -> Path:
        return self.folder / f"{name}.out"

    def _log_of(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _tail(self, name: str) -> str:
        try:
            lines = self._log_of(name).read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-_TAIL_LINES:])


def _read(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:  # half of a line, or one for people
        return {}
    return said if isinstance(said, dict) else {}


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sweep() -> None:
    """Remove the folders of demos that were killed together with their janitor."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid != os.geteuid() or not (folder / _LOCK).exists():
                continue
            with (folder / _LOCK).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


def _hold(folder: Path) -> IO[str]:
    lock = (folder / _LOCK).open("a")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
