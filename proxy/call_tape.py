"""One call's place on the tape: numbers its frames, cuts what is too large for one, counts what was not taken."""

from collections.abc import Iterator

from core import frames
from core.models import End, Head, Start
from core.tape import MAX_PAYLOAD, Kind
from proxy.tape_writer import TapeWriter
from proxy.upstream_connection import now_us


class CallTape:
    """The frames of one call, in order. Nothing here waits or raises."""

    __slots__ = ("_request_id", "_sequence", "_tape", "lost")

    def __init__(self, tape: TapeWriter, request_id: bytes) -> None:
        self._tape = tape
        self._request_id = request_id
        self._sequence = 0
        self.lost = 0
        """Frames that were not taken because the tape is full."""

    def start(self, start: Start, now: int) -> None:
        """Append the first frame; ``now`` is the moment of the accept."""
        self.append(Kind.START, frames.encode_start(start), now)

    def head(self, head: Head) -> None:
        """Append the response head."""
        self.append(Kind.HEAD, frames.encode_head(head), now_us())

    def end(self, end: End) -> None:
        """Append the last frame."""
        self.append(Kind.END, frames.encode_end(end), now_us())

    def append(self, kind: Kind, data: bytes, now: int) -> None:
        """Append bytes as one frame, or as several."""
        for payload in _payloads(data):
            if not self._tape.append(kind, self._request_id, self._sequence, now, payload):
                self.lost += 1
            self._sequence += 1


def _payloads(data: bytes) -> tuple[bytes] | Iterator[bytes]:
    if len(data) <= MAX_PAYLOAD:
        return (data,)
    return (data[start : start + MAX_PAYLOAD] for start in range(0, len(data), MAX_PAYLOAD))
