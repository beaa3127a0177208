"""Becomes a Postgres server: drops root, asks the kernel to end it with its parent, then executes the server.

Run as a file, `python -I -S postgres_child.py PARENT_PID UID GID BINARY ARGS…`; it imports nothing but the standard
library. It stands between fork and exec in place of ``preexec_fn``, which may deadlock in a process with threads. As
exec keeps the pid, the server is the direct child of whoever started this.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
EX_TEMPFAIL = 75


def become(parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Execute a command as a user; -1 keeps the one we are. Exits with 75 where the parent is gone already."""
    os.umask(0o077)
    if uid >= 0:
        os.setgroups([gid])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After the change of user: it clears the request (prctl(2)). SIGINT is Postgres's fast shutdown.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(EX_TEMPFAIL)
    # No environment: PGPORT, PGDATA and their like would change what the server does.
    os.execve(command[0], command, {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"})  # noqa: S606  # no shell wanted


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
