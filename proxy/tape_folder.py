"""The folder of one tape: who holds it, which segments lie in it, and who may look into it."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from core.errors import AlreadyRunningError, BadSettingError
from core.ids import uuid7, uuid7_ms

SUFFIX = ".seg"
BAD_SUFFIX = ".bad"
FREE_SUFFIX = ".free"
"""A segment that was read and may be written over: its blocks and pages are there already (tape.md, step two)."""
_FREE_LIMIT = 2
_FREE_BYTES = 48 << 20
"""Smaller ones are not worth keeping: a tape that fills them slowly does not need the speed."""
BOOT = "boot"
"""File that names the first segment of the newest writer: what lies before it is of a dead one."""
_LOCK_TRIES, _LOCK_PAUSE = 20, 0.01
"""A reader that asks whether we live holds the lock for some microseconds."""


def segment_path(folder: Path, segment: UUID) -> Path:
    """Where a segment lies."""
    return folder / f"{segment}{SUFFIX}"


def bad_path(folder: Path, segment: UUID) -> Path:
    """Where the damaged bytes of a segment are set aside."""
    return folder / f"{segment}{BAD_SUFFIX}"


def segments(folder: Path) -> list[UUID]:
    """The segments of a tape, oldest first; a folder that is gone has none."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        if name.endswith(SUFFIX):
            with suppress(ValueError):
                found.append(UUID(name.removesuffix(SUFFIX)))
    return sorted(found)


def free_segments(folder: Path) -> list[Path]:
    """Files that may become the next segment."""
    with os.scandir(folder) as entries:
        return sorted(folder / entry.name for entry in entries if entry.name.endswith(FREE_SUFFIX))


def drop_segment(folder: Path, segment: UUID) -> None:
    """Take a segment off the tape: its file is kept for the writer where it is large and few are, else deleted.

    Raises FileNotFoundError where it is gone.
    """
    path = segment_path(folder, segment)
    if path.stat().st_size >= _FREE_BYTES and len(free_segments(folder)) < _FREE_LIMIT:
        path.rename(path.with_suffix(FREE_SUFFIX))
    else:
        path.unlink()


def used_bytes(folder: Path) -> int:
    """The size of all segments, and what set-aside bytes take on disk: their files have holes."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.name.endswith(SUFFIX):
                    total += entry.stat().st_size
                elif entry.name.endswith(BAD_SUFFIX):
                    total += entry.stat().st_blocks * 512  # st_blocks counts in 512 bytes everywhere (stat(2))
    return total


def next_segment(folder: Path) -> UUID:
    """An id for a new segment, later than every one there is even when the clock stepped back."""
    now = time.time_ns() // 1_000_000
    there = segments(folder)
    if there:
        now = max(now, uuid7_ms(there[-1]) + 1)
    return uuid7(now, os.urandom(10))


def prepare(folder: Path) -> None:
    """Make the folder (0700) and its parent, or check those that are there.

    Raises BadSettingError, one line, where the data folder is missing, nothing can be written, or others can look in.
    """
    for path in (folder.parent, folder):
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            mode = path.stat().st_mode & 0o777
        except FileNotFoundError as exc:
            raise BadSettingError(f"the folder {path.parent} for the tape does not exist: make it first") from exc
        except OSError as exc:
            raise BadSettingError(f"cannot make the tape folder {path}: {exc.strerror}") from exc
        if mode & 0o077:
            raise BadSettingError(f"others can look into the tape folder {path}: chmod 700 it")
        if mode & 0o700 != 0o700 or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise BadSettingError(f"the tape folder {path} cannot be written: chmod 700 it")


def hold(folder: Path) -> int:
    """Lock the folder for its one writer; gives the descriptor that holds the lock.

    Raises AlreadyRunningError where another writer holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(_LOCK_PAUSE)
        else:
            return descriptor
    os.close(descriptor)
    raise AlreadyRunningError(f"another proxy writes the tape {folder}")


def held(folder: Path) -> bool:
    """Whether a writer lives that holds this folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def begin_boot(folder: Path, first: UUID) -> None:
    """Note the first segment of a new writer."""
    fresh = folder / f"{BOOT}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, str(first).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(folder / BOOT)


def boot(folder: Path) -> UUID | None:
    """The first segment of the newest writer."""
    try:
        return UUID((folder / BOOT).read_text())
    except (OSError, ValueError):
        return None
