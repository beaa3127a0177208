"""The loop's side of the tape: appends without ever blocking; one thread writes and syncs (``proxy.tape_deck``)."""

import asyncio
import os
import threading
from pathlib import Path

from core.errors import BadSettingError
from core.tape import MAX_FRAME, MAX_PAYLOAD, Kind
from proxy.tape_bell import Ringer
from proxy.tape_buffer import MEMORY_BYTES, TapeBuffer
from proxy.tape_deck import Deck, complete
from proxy.tape_disk import Disk
from proxy.tape_folder import begin_boot, hold, prepare
from proxy.tape_room import Policy, Room
from proxy.tape_starts import Starts, rescue
from proxy.tape_status import TapeStatus, level_of

_CLOSE_SECONDS = 10.0


class TapeWriter:
    """One tape, written by this process only. All methods are for the event loop's thread."""

    def __init__(
        self,
        folder: Path,
        *,
        policy: Policy,
        max_bytes: int,
        loop: asyncio.AbstractEventLoop,
        disk: Disk | None = None,
    ) -> None:
        """``folder`` is ``<data>/tape/<node>``; its parent is made (0700) where ``<data>`` exists."""
        self._folder = folder
        self._policy = policy
        self._loop = loop
        self._disk = disk or Disk()
        self._buffer = TapeBuffer()
        self.append_bytes = self._buffer.put
        """``append`` for what is bytes, fits into a frame and is no start; with nothing in between."""
        self._room = Room(folder, policy, max_bytes, self._disk)
        self._deck: Deck | None = None
        self._thread: threading.Thread | None = None
        self._ringer: Ringer | None = None
        self._starts: Starts | None = None
        self._lock = -1

    def open(self) -> None:
        """Take the folder, begin the first segment, start the thread.

        Raises AlreadyRunningError where another writer holds it, BadSettingError where it cannot be written or others
        can look into it.
        """
        prepare(self._folder)
        self._lock = hold(self._folder)
        self._ringer = Ringer(self._folder, self._lock)
        self._deck = Deck(self._folder, self._buffer, self._room, self._disk, self._ringer, self._loop)
        try:
            self._starts = self._begin_starts()
            begin_boot(self._folder, self._deck.begin().id)
        except OSError as exc:
            self._let_go()
            raise BadSettingError(f"cannot write the tape in {self._folder}: {exc.strerror}") from exc
        # A daemon: a disk that hangs for ever must not keep the process from ending.
        self._thread = threading.Thread(target=self._deck.run, name="tape", daemon=True)
        self._thread.start()

    def _begin_starts(self) -> Starts | None:
        try:
            rescue(self._folder, self._disk)
            return Starts(self._folder)
        except OSError:
            # A full disk: what a killed writer left stays where it is, for the next start.
            return None

    def append(
        self, kind: Kind, request_id: bytes, sequence: int, mono_us: int, payload: bytes | memoryview | bytearray
    ) -> bool:
        """Take one frame; never blocks, never raises. ``payload`` ≤ MAX_PAYLOAD; anything but bytes is copied.

        False: not taken because the tape is full (or closed); it is counted as lost. Count ``sequence`` on in either
        case: a gap shows the recorder what is missing.
        """
        if type(payload) is not bytes:
            payload = bytes(payload)
        if len(payload) > MAX_PAYLOAD:
            self._buffer.losses.lose(request_id)
            return False
        if kind is Kind.START and self._starts is not None and not self._buffer.closing:
            self._starts.put(request_id, sequence, mono_us, payload)
        return self._buffer.put(kind, request_id, sequence, mono_us, payload)

    def synced(self) -> asyncio.Future[None]:
        """Done when everything appended so far is on disk (fdatasync, one for all waiters). Safe to cancel.

        It never fails; on a disk that hangs it waits, so give it a time limit. What the policy gave up (full tape, see
        ``status``) is not waited for.
        """
        waiter = self._loop.create_future()
        if self._thread is None or not self._buffer.held:
            waiter.set_result(None)
        else:
            self._buffer.put_waiter(waiter)
        return waiter

    @property
    def node(self) -> str:
        """The tape's name: its folder's."""
        return self._folder.name

    @property
    def accepting(self) -> bool:
        """False only when the tape is full and the policy is ``refuse``: answer 529 with ``retry-after: 30``."""
        if self._policy == "serve":
            return True
        return not self._buffer.refusing and self._buffer.held <= MEMORY_BYTES // 2

    @property
    def status(self) -> TapeStatus:
        """How it stands; the disk was asked at most a second ago."""
        buffer, room, deck = self._buffer, self._room, self._deck
        full = buffer.full or buffer.refusing or buffer.held > MEMORY_BYTES - MAX_FRAME
        return TapeStatus(
            bytes=room.used,
            max_bytes=room.limit,
            fill=room.fill,
            level=level_of(room.fill, full=full),
            lost_frames=buffer.losses.frames,
            lost_requests=buffer.losses.requests,
            syncs=deck.syncs if deck else 0,
            sync_seconds_total=deck.sync_seconds if deck else 0.0,
            errors=deck.errors if deck else 0,
            buffered_bytes=buffer.held,
        )

    def close(self) -> None:
        """Write and sync what is there, stop the thread, release the folder. Idempotent; blocks up to 10 s."""
        thread, self._thread = self._thread, None
        self._buffer.closing = True
        if thread is None:
            return
        self._buffer.ring()
        thread.join(_CLOSE_SECONDS)
        complete(self._buffer.take_waiters())
        if not thread.is_alive():
            if self._starts is not None and not self._buffer.held:
                self._starts.close()
            self._let_go()

    def _let_go(self) -> None:
        if self._ringer is not None:
            self._ringer.close()
        os.close(self._lock)
        self._lock = -1
