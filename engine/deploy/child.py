"""Turns itself into a database server that drops root and is stopped by the kernel when its parent dies.

Run by path, in a fresh interpreter, as `child.py UID GID PARENT_PID COMMAND...`: so no code of ours runs
between fork and exec in a process with threads. It imports nothing of ours.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
FAILED = 71  # exit code when it could not become the command; the reason is on stderr


def main() -> int:
    uid, gid, parent = (int(text) for text in sys.argv[1:4])
    command = sys.argv[4:]
    try:
        if uid != os.geteuid():
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        # After setuid: a change of credentials clears the setting. SIGINT is PostgreSQL's fast shutdown.
        if sys.platform == "linux":
            failed = ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
            if failed or os.getppid() != parent:  # the parent died before the kernel was asked
                return FAILED
        os.execv(command[0], command)  # noqa: S606 - the one purpose of this file
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]} as uid {uid}: {error}\n")
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
