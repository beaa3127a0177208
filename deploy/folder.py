"""The data folder: its modes, and the lock that keeps a second supervisor out."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import AlreadyRunningError, BadSettingError

PRIVATE = ("tape", "run")
LOCK = "run/up.lock"


def prepare(folder: Path) -> None:
    """Make the folder and its private parts, 0700, where they are missing. Raises BadSettingError.

    For root the folder itself can be passed through (0711), not listed: Postgres refuses to run as root, so its own
    user must reach ``pg/`` below; everything else in there is closed to it.
    """
    root = os.geteuid() == 0
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o755, parents=True)
            folder.chmod(0o711 if root else 0o700)
        elif root:
            folder.chmod(folder.stat().st_mode | 0o011)
        for name in PRIVATE:
            (folder / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise BadSettingError(f"FOOTPLATE_DATA_DIR={folder} can not be used: {exc.strerror}") from exc


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder: one supervisor at a time. Raises AlreadyRunningError, BadSettingError.

    The kernel gives the lock back when the process ends, however it ends.
    """
    prepare(folder)
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise BadSettingError(f"FOOTPLATE_DATA_DIR={folder} can not be used: {exc.strerror}") from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(handle)
        raise AlreadyRunningError(f"already running on {folder}: stop it, or choose another --data-dir") from exc
    try:
        yield
    finally:
        os.close(handle)
