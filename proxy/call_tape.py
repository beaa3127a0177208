"""One call's place on the tape: numbers its frames, cuts what is too large for one, counts what was not taken."""

import asyncio

from core import frames
from core.models import End, Head, Start
from core.tape import MAX_PAYLOAD, Kind
from proxy.tape_writer import TapeWriter
from proxy.upstream_connection import now_us

AHEAD_BYTES = 8 << 20
"""So much of one call may be on its way to the disk; a transfer that is faster than the disk waits for it."""
CATCH_UP_SECONDS = 1.0
"""How long it waits at most each time: a disk that hangs slows large transfers down and stops none."""


class CallTape:
    """The frames of one call, in order. Appending neither waits nor raises."""

    __slots__ = ("_ahead", "_append", "_request_id", "_sequence", "_tape", "lost")

    def __init__(self, tape: TapeWriter, request_id: bytes) -> None:
        self._tape = tape
        self._append = tape.append_bytes
        self._ahead = 0
        self._request_id = request_id
        self._sequence = 0
        self.lost = 0
        """Frames that were not taken because the tape is full."""

    def start(self, start: Start, now: int) -> None:
        """Append the first frame; ``now`` is the moment of the accept."""
        if not self._tape.append(Kind.START, self._request_id, self._sequence, now, frames.encode_start(start)):
            self.lost += 1
        self._sequence += 1

    def head(self, head: Head) -> None:
        """Append the response head."""
        self.append(Kind.HEAD, frames.encode_head(head), now_us())

    def end(self, end: End) -> None:
        """Append the last frame."""
        self.append(Kind.END, frames.encode_end(end), now_us())

    def append(self, kind: Kind, data: bytes, now: int) -> bool:
        """Append bytes as one frame, or as several.

        True: the disk may be behind this call, which should wait until it has ``caught_up``.
        """
        size, sequence = len(data), self._sequence
        if size > MAX_PAYLOAD:
            for start in range(0, size, MAX_PAYLOAD):
                self.append(kind, data[start : start + MAX_PAYLOAD], now)
            return self._ahead > AHEAD_BYTES
        if not self._append(kind, self._request_id, sequence, now, data):
            self.lost += 1
        self._sequence = sequence + 1
        ahead = self._ahead = self._ahead + size
        return ahead > AHEAD_BYTES

    def caught_up(self) -> asyncio.Future[None]:
        """Done when everything appended so far is on disk, or after a second."""
        self._ahead = 0
        return soon(self._tape.synced(), CATCH_UP_SECONDS)


def soon(synced: asyncio.Future[None], seconds: float) -> asyncio.Future[None]:
    """Done when ``synced`` is, or after so many seconds; safe to cancel."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(_: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = loop.call_later(seconds, wake)
    synced.add_done_callback(wake)
    waiter.add_done_callback(lambda _: timer.cancel())
    return waiter
