"""Data directories that are made once in a run of pytest, and copied for each server that a test starts."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SHARED = "HOLDFAST_TEST_PREPARED"
_MEMORY = Path("/dev/shm")  # noqa: S108 - copying a template there takes 65 ms, on a disk 250 ms
_MEMORY_FREE_MIN = 4 * 1024**3


@contextmanager
def shared() -> Iterator[None]:
    """Let this process and those that it starts share what they prepare, until the end."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-prepared-", dir=memory()))
    folder.chmod(0o711)  # for the unprivileged user of the databases, when this runs as root
    os.environ[_SHARED] = str(folder)
    try:
        yield
    finally:
        del os.environ[_SHARED]
        shutil.rmtree(folder)


def prepare(folder: Path, name: str, make: Callable[[Path], None]) -> None:
    """Fill a folder, which is empty or not there yet, with a stopped server's data.

    Who first asks for `name` makes it, the others wait and get a copy. Where nothing is shared (in a torture
    run or a benchmark) it is made in place.
    """
    place = os.environ.get(_SHARED)
    if place is None:
        make(folder)
        return
    made = Path(place) / name
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            unfinished = made.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o711)
            make(unfinished)
            unfinished.rename(made)
    # -a keeps the owner: as root the server runs as another user
    folder.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", f"{made}/.", folder], check=True)


def memory() -> Path | None:
    """A file system in memory with room for the tests' servers, if there is one."""
    roomy = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    return _MEMORY if roomy and shutil.disk_usage(_MEMORY).free >= _MEMORY_FREE_MIN else None
