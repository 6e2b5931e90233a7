"""Outlives the demo by a moment: when its standard input ends, it stops and removes what is left.

Run by path, as `janitor.py FOLDER`, in a session of its own, so that nothing stays behind even after a
SIGKILL of the demo. Each line it reads is the process id of a child of the demo. It imports nothing of ours.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

_GRACE_S = 3.0
_WAIT_S = 30.0
_POLL_S = 0.02


def main() -> int:
    folder = Path(sys.argv[1])
    # Ctrl-C of an operator reaches the demo, which then closes our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    children: dict[int, str] = {}
    for line in sys.stdin:
        pid = int(line)
        children[pid] = _identity(pid)
    for number, wait_s in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, _GRACE_S)):
        living = [pid for pid, identity in children.items() if identity and _identity(pid) == identity]
        for pid in living:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        deadline = time.monotonic() + wait_s
        while any(_identity(pid) == children[pid] for pid in living) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
    # The database server stops by itself when the demo ends, and still writes while it does.
    deadline = time.monotonic() + _WAIT_S
    while (folder / "postgres" / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(_POLL_S)
    return 0


def _identity(pid: int) -> str:
    """What tells a process from a later one with its number; empty: it is gone, or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return ""
    else:
        return "" if fields[0] == "Z" else fields[19]
    try:  # no /proc here: the number has to do
        os.kill(pid, 0)
    except OSError:
        return ""
    return str(pid)


if __name__ == "__main__":
    sys.exit(main())
