"""A pgbouncer of the tests' own in transaction mode: few sessions of a server, given to whoever comes."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.database.servers import with_database

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SESSIONS = 2  # of the server, for all clients together
_START_S = 30.0
_USER = "nobody"  # it refuses to run as root


@contextlib.contextmanager
def bouncer(url: str, logins: dict[str, str]) -> Iterator[str]:
    """Run one before the server at `url` for these logins and passwords; gives its own address."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bouncer-"))
    port, server = _free_port(), urlsplit(url)
    (folder / "users").write_text("".join(f'"{name}" "{password}"\n' for name, password in logins.items()))
    (folder / "ini").write_text(
        f"[databases]\n* = host={server.hostname} port={server.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = scram-sha-256\nauth_file = {folder / 'users'}\n"
        f"pool_mode = transaction\ndefault_pool_size = {SESSIONS}\nmax_client_conn = 200\n"
        f"logfile = {folder / 'log'}\nserver_round_robin = 1\n"
    )
    command = [str(PROGRAM), str(folder / "ini")]
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, pwd.getpwnam(_USER).pw_uid)
        command[1:1] = ["-u", _USER]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_it_listens(port, process)
        yield urlunsplit(server._replace(netloc=f"127.0.0.1:{port}"))
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def through(bouncer_url: str, url: str, database: str) -> str:
    """The address of a login (its URL is `url`) and a database through the bouncer."""
    parts = urlsplit(url)
    port = urlsplit(bouncer_url).port
    return with_database(
        urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}", query="")),
        database,
    )


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _until_it_listens(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
        else:
            return
