"""The embedded Postgres: a direct, unprivileged child of this process, reached through a private Unix socket.

Below its folder: ``cluster/`` (the data, 0700, of the user it runs as), ``socket/`` (likewise), ``log``, ``lock`` and,
where the wheel's programs are closed to that user, a copy of them. Nothing outside the folder is ever changed.

Never ``pg_ctl``: without a reaper a killed postmaster stays a zombie, and ``pg_ctl start`` refuses (faults.md, 2).
"""

import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from core.errors import AlreadyRunningError, BadSettingError
from deploy.postgres_binaries import Binaries, find, within_reach
from deploy.postgres_process import PostgresProcess
from deploy.unprivileged import User, closed_to, user_for

ROLE = DATABASE = "footplate"
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")
"""Bytes: a socket's path has 108, its end included (unix(7))."""
CLOSING_SECONDS = 15.0
"""How long the remains of a killed server may hold on to the data."""
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "max_connections": "50",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    # pglz, which is all the wheel has, takes 50 to 90 µs for the image of a page: after a checkpoint, when each page is
    # logged whole at its first change, a quarter of what a small call costs the server. The log grows by a tenth.
    "wal_compression": "off",
    "synchronous_commit": "on",
    "autovacuum_max_workers": "2",
    "jit": "off",  # the wheel has none, and our statements are short
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "60s",
    "client_connection_check_interval": "10s",
    # The log is for people: no statement, no row, nothing that was recorded. `log` is above ERROR, whose texts quote
    # values; what the server does not survive is FATAL or PANIC.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}


class EmbeddedPostgres:
    """One server on one folder, normally ``<data>/pg``. ``start`` again after it died or was stopped.

    Thread-safe it is not: one owner starts and stops it (from any thread). ``programs`` names a folder of another
    Postgres, ``settings`` overrides ``SETTINGS``.
    """

    def __init__(
        self, folder: Path, *, programs: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder.absolute()
        self._programs = programs
        self._settings = SETTINGS | dict(settings or {})
        self._lock: int | None = None
        self._process: PostgresProcess | None = None

    @property
    def cluster(self) -> Path:
        """The data folder in Postgres's own sense."""
        return self._folder / "cluster"

    @property
    def url(self) -> str:
        """Where it answers while it runs; known before it was ever started."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(_socket_path(self._folder)), safe='')}"

    @property
    def pid(self) -> int | None:
        """The postmaster's pid while it runs."""
        return self._process.pid if self._process is not None and self._process.code is None else None

    def start(self, *, seconds: float = 120.0) -> str:
        """Start the server, wait until it accepts connections, and return its URL; one that runs is left running.

        Makes the cluster and its database where there are none. Raises BadSettingError (this folder, these programs or
        this user will not do), AlreadyRunningError (somebody else runs it), PostgresFailedError.
        """
        if self.pid is not None:
            return self.url
        self._make_folder()
        self._claim()
        try:
            user = user_for(self.cluster)
            binaries = self._reachable(user)
            self._make_cluster(user, binaries)
            socket = _socket_folder(self._folder, user)
            self._await_remains()
            self._process = self._launch(user, binaries, socket, seconds)
        except BaseException:
            self._release()
            raise
        return self.url

    def wait(self, seconds: float | None = None) -> int | None:
        """Block until the server ended; its exit code, negative for a signal. None when it still runs."""
        return self._process.wait(seconds) if self._process is not None else None

    def stop(self, *, seconds: float = 30.0) -> None:
        """Stop it: fast shutdown (SIGINT), after ``seconds`` immediate (SIGQUIT), at last SIGKILL. Idempotent."""
        if self._process is not None:
            self._process.stop(seconds)
        self._release()

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
            self._folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        except OSError as exc:
            raise BadSettingError(f"{self._folder} can not be used: {exc.strerror}") from exc

    def _claim(self) -> None:
        if self._lock is not None:
            return
        handle = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(handle)
            raise AlreadyRunningError(f"the Postgres of {self._folder} is already running") from exc
        self._lock = handle

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _reachable(self, user: User) -> Binaries:
        barrier = closed_to(user, self._folder)
        if barrier is not None:
            raise BadSettingError(
                f"{self._folder}: user {user.name}, who runs Postgres, can not pass through {barrier}; "
                "choose a data folder outside it, e.g. /var/lib/footplate"
            )
        return within_reach(find(self._programs), user, self._folder)

    def _make_cluster(self, user: User, binaries: Binaries) -> None:
        if not self.cluster.exists():
            # Complete or not there: whatever interrupts this, the next start begins anew.
            half = self._folder / "cluster.half"
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir(mode=0o700)
            user.own(half)
            _initialize(half, user, binaries)
            half.rename(self.cluster)
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        if made_by != str(binaries.major):
            raise BadSettingError(
                f"{self.cluster} was made by Postgres {made_by}, and this is {binaries.major}: "
                "install the version that fits, or dump and restore"
            )

    def _await_remains(self) -> None:
        """A server whose owner was killed is shutting down by the kernel's signal; give it the time."""
        until = time.monotonic() + CLOSING_SECONDS
        file = self.cluster / "postmaster.pid"
        while (pid := _pid_in(file)) is not None and _serves(pid, self.cluster):
            if time.monotonic() > until:
                raise AlreadyRunningError(f"a Postgres (pid {pid}) already runs on {self.cluster}: stop it first")
            time.sleep(0.05)
        if pid is not None and Path(f"/proc/{pid}").exists():
            # Another program has got that pid since (small numbers come again in containers), and Postgres would take
            # it for a server. Otherwise the file stays: by it Postgres finds what a killed server left in memory.
            file.unlink()

    def _launch(self, user: User, binaries: Binaries, socket: Path, seconds: float) -> PostgresProcess:
        options = self._settings | {"unix_socket_directories": str(socket), "unix_socket_permissions": "0700"}
        command = [str(binaries.folder / "postgres"), "-D", str(self.cluster)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        until = time.monotonic() + seconds
        while True:
            process = PostgresProcess(command, user, self._folder / "log")
            if process.ready(self.cluster / "postmaster.pid", until):
                return process
            process.stop(0)
            if not process.held_by_remains or time.monotonic() > until:
                raise process.failure()
            # Backends of a killed postmaster end when they notice, up to seconds later.
            time.sleep(0.2)


def _initialize(folder: Path, user: User, binaries: Binaries) -> None:
    provider = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []
    locale = ["--locale=C", *provider] if provider else ["--locale=C.UTF-8"]
    # Trust, because only this user and root can pass through the socket's folder.
    _run(
        [
            *(str(binaries.folder / "initdb"), "-D", str(folder), "-U", ROLE, "-E", "UTF8"),
            *("--auth-local=trust", "--auth-host=reject", "--data-checksums", *locale),
        ],
        user,
    )
    # In single-user mode: a fresh cluster has no server yet, and this package no driver.
    _run(
        [str(binaries.folder / "postgres"), "--single", "-D", str(folder), "postgres"],
        user,
        f"CREATE DATABASE {ROLE}\n",
    )


def _run(command: list[str], user: User, given: str = "") -> None:
    done = subprocess.run(  # noqa: S603  # a program of our own, no shell
        command,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        umask=0o077,
        cwd="/",
        env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"},
        **user.popen,
    )
    if done.returncode:
        last = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise BadSettingError(f"{Path(command[0]).name} failed: {last}")


def _socket_path(folder: Path) -> Path:
    """Where the socket is: below the folder, or below /tmp where that would be too long for a socket's path."""
    socket = folder / "socket"
    if len(os.fsencode(socket)) > LONGEST_SOCKET_FOLDER:
        return Path("/tmp") / f"footplate-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"  # noqa: S108  # below
    return socket


def _socket_folder(folder: Path, user: User) -> Path:
    """The socket's folder, made and checked."""
    socket = _socket_path(folder)
    try:
        socket.mkdir(mode=0o700)
    except FileExistsError:
        # /tmp is everybody's: take only a real folder that is ours or its user's already.
        found = socket.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), user.uid}:
            raise BadSettingError(f"{socket} is somebody else's: remove it, or choose a shorter data folder") from None
        socket.chmod(0o700)
    user.own(socket)
    return socket


def _pid_in(file: Path) -> int | None:
    try:
        return abs(int(file.read_text().split("\n", 1)[0]))
    except (OSError, ValueError):
        return None


def _serves(pid: int, cluster: Path) -> bool:
    """Whether a process is a postmaster on this cluster: it stands in it. One we may not look at is somebody else's."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == cluster.resolve()
    except OSError:
        return False
