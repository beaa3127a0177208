"""Asks the kernel to kill it with its parent, then becomes the command it was given.

Run as a file, `python -I -S bound_child.py PARENT_PID COMMAND…`, between fork and exec in place of ``preexec_fn``,
which may deadlock in a process with threads. exec keeps the pid and the request (prctl(2)).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, command: list[str]) -> None:
    """Execute the command, bound to the life of the parent. Exits with 1 where that is gone or impossible."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
    try:
        os.execv(command[0], command)  # noqa: S606 - our own command, no shell wanted
    except OSError as exc:
        sys.exit(f"footplate: {command[0]} could not be executed: {exc.strerror}")


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
