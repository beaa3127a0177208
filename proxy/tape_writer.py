"""The loop's side of the tape: appends without ever blocking; one thread writes and syncs."""

import asyncio
from pathlib import Path
from typing import Literal

from core.tape import Kind
from proxy.tape_status import TapeStatus


class TapeWriter:
    """One tape, written by this process only. All methods are for the event loop's thread."""

    def __init__(
        self, folder: Path, *, policy: Literal["serve", "refuse"], max_bytes: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        """``folder`` is ``<data>/tape/<node>``; its parent is made (0700) where ``<data>`` exists."""

    def open(self) -> None:
        """Take the folder, begin the first segment, start the thread.

        Raises AlreadyRunningError where another writer holds it, BadSettingError where it cannot be written or others
        can read it.
        """

    def append(self, kind: Kind, request_id: bytes, sequence: int, mono_us: int, payload: bytes | memoryview) -> bool:
        """Take one frame; never blocks, never raises. ``payload`` ≤ MAX_PAYLOAD and must not change afterwards.

        False: not taken because the tape is full; it is counted as lost. Count ``sequence`` on in either case: a gap
        shows the recorder what is missing.
        """

    def synced(self) -> asyncio.Future[None]:
        """Done when everything appended so far is on disk (fdatasync, one for all waiters). Safe to cancel."""

    @property
    def accepting(self) -> bool:
        """False only when the tape is full and the policy is ``refuse``: answer 529 with ``retry-after: 30``."""

    @property
    def status(self) -> TapeStatus:
        """How it stands, at most a second old."""

    def close(self) -> None:
        """Write and sync what is there, stop the thread, release the folder. Idempotent; blocks up to 10 s."""
