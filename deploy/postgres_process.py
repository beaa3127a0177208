"""One run of the Postgres server: started and reaped by a thread of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from core.errors import FootplateError
from deploy import postgres_child
from deploy.unprivileged import User

LARGEST_LOG = 1 << 20
READY_LINE = 7
"""Of postmaster.pid, counted from 0 (storage/pidfile.h: LOCK_FILE_LINE_PM_STATUS)."""
QUIT_SECONDS = 5.0


class PostgresFailedError(FootplateError):
    """The server did not start; the text is its own last word."""


class PostgresProcess:
    """The server as a child. A thread starts it and waits for it, and lives exactly as long as it does.

    The kernel's death signal comes when the *thread* that started a child ends (prctl(2)): started from a worker thread
    of a pool, the server would end with that one. So nobody else may start it, and that thread also is the reaper.
    """

    def __init__(self, command: list[str], user: User, log: Path) -> None:
        self._log = log
        self._handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if os.fstat(self._handle).st_size > LARGEST_LOG:
            os.truncate(self._handle, 0)
        self._from = os.fstat(self._handle).st_size
        self._command = command
        self._user = user
        self._child: subprocess.Popen[bytes] | None = None
        self._error: OSError | None = None
        self._started = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._live, name="postgres", daemon=True).start()
        self._started.wait()
        os.close(self._handle)

    @property
    def pid(self) -> int | None:
        """The postmaster's pid."""
        return self._child.pid if self._child is not None else None

    @property
    def code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._child.returncode if self._child is not None and self._ended.is_set() else None

    def ready(self, file: Path, until: float) -> bool:
        """Wait until ``postmaster.pid`` says that the server takes connections; False when it ended or is late."""
        while not self._ended.wait(0.01):
            if self._says_ready(file):
                return True
            if time.monotonic() > until:
                return False
        return False

    def wait(self, seconds: float | None) -> int | None:
        """Block until it ended; its exit code, or None when it still runs."""
        self._ended.wait(seconds)
        return self.code

    def stop(self, seconds: float) -> None:
        """SIGINT, after ``seconds`` SIGQUIT, after five more SIGKILL; returns when it is reaped."""
        for number, patience in ((signal.SIGINT, seconds), (signal.SIGQUIT, QUIT_SECONDS), (signal.SIGKILL, None)):
            if self._child is None or self._ended.is_set():
                return
            self._child.send_signal(number)
            self._ended.wait(patience)

    @property
    def held_by_remains(self) -> bool:
        """Whether it gave up because processes of a killed server still hold the data."""
        return re.search(r"pre-existing shared memory block|lock file .* already exists", self._said()) is not None

    def failure(self) -> PostgresFailedError:
        """Why it did not start, in one line."""
        if self._error is not None:
            return PostgresFailedError(f"Postgres could not be executed: {self._error.strerror}")
        reasons = re.findall(r"(?:FATAL|PANIC|ERROR): +(.*)", self._said())
        return PostgresFailedError(f"Postgres did not start: {reasons[-1] if reasons else f'see {self._log}'}")

    def _live(self) -> None:
        try:
            self._child = self._execute()
        except OSError as exc:
            self._error = exc
        finally:
            self._started.set()
        if self._child is not None:
            self._child.wait()
        self._ended.set()

    def _execute(self) -> subprocess.Popen[bytes]:
        user = self._user
        ids = (user.uid, user.gid) if user.switch else (-1, -1)
        return subprocess.Popen(  # noqa: S603  # a program of our own, no shell
            [
                *(sys.executable, "-I", "-S", postgres_child.__file__),
                *(str(os.getpid()), *map(str, ids), *self._command),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._handle,
            stderr=self._handle,
            cwd="/",
            # Its own session: Ctrl-C in a terminal reaches the supervisor only, which stops things in order.
            start_new_session=True,
        )

    def _says_ready(self, file: Path) -> bool:
        try:
            lines = file.read_text().splitlines()
        except OSError:
            return False
        return len(lines) > READY_LINE and lines[0] == str(self.pid) and lines[READY_LINE].strip() == "ready"

    def _said(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._from)
            return log.read().decode(errors="replace")
