"""Where the run's Postgres lives: in memory where there is room, as a copied database is hundreds of small files.

On ext4 a copy takes 0.2 s, and a second on a busy machine; in memory 0.05 s.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")
PREFIX = "footplate-tests-"
# A run holds a few hundred megabytes. A container gives 64 MB and forbids programs there, which may have to be copied.
ROOM = 4 << 30
SURELY_LOCKED_SECONDS = 60


@contextmanager
def postgres_folder() -> Iterator[Path]:
    """A folder for one server that the unprivileged user can pass through; removed afterwards."""
    place = MEMORY if _fits() else Path("/tmp")
    _forget_killed_runs(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fits() -> bool:
    try:
        there = os.statvfs(MEMORY)
    except OSError:
        return False
    return there.f_bavail * there.f_frsize >= ROOM and not there.f_flag & os.ST_NOEXEC


def _forget_killed_runs(place: Path) -> None:
    """Remove the folders whose server nobody owns: memory is not given back by itself."""
    for lock in place.glob(f"{PREFIX}*/pg/lock"):
        with lock.open() as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            # A run that begins at this moment has made its lock and not yet taken it.
            if time.time() - lock.stat().st_mtime > SURELY_LOCKED_SECONDS:
                shutil.rmtree(lock.parents[1], ignore_errors=True)
