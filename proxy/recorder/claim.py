"""Who reads a tape: a lock file in its folder as courtesy, the generation of its row as fence.

The lock keeps recorders of one machine from taking a tape from each other; a dead recorder's is free at once, so an
orphaned tape is adopted by whoever looks next. Where the lock does not work (some network disks) the row decides:
taking it raises its generation, and whoever had it before can write nothing any more.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sql.database import Database
from sql.rows.record import TapeClaim

NAME = "recorder.lock"


@contextmanager
def courtesy(folder: Path) -> Iterator[bool]:
    """Whether no other recorder reads this tape; holds the lock until the end of the block."""
    descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


async def take(database: Database, node: str) -> TapeClaim:
    """Take the tape over. Raises DatabaseAwayError."""
    claim = await database.fetch_one("record_claim", TapeClaim, node)
    if claim is None:
        raise AssertionError("an upsert returns its row")
    return claim
