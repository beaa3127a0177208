"""The newest ``start`` frames in memory that the kernel keeps when the process is killed.

Request bytes go upstream at once, and the tape's thread writes some milliseconds later (tape.md). A process killed in
between would leave a call that the upstream saw and nobody recorded. So the loop copies each ``start`` frame into a
shared mapping first: no system call, and the page cache outlives the process. The next writer of the folder puts what
it finds there on the tape again. Most of it is there already: repeating a frame changes nothing (``proxy.recorder``).
"""

import mmap
import os
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

from core.tape import HEADER_SIZE, Decoder, Frame, Kind, encode, seed_of
from proxy.tape_disk import Disk
from proxy.tape_folder import next_segment
from proxy.tape_segment import Segment

STARTS = "starts"
SIZE = 1 << 20
"""Bytes; hundreds of calls, many times what can come while the thread writes."""
_SEED_BYTES = 16


class Starts:
    """A ring of ``start`` frames; the event loop's thread only."""

    def __init__(self, folder: Path) -> None:
        """Begin an empty ring. Raises OSError where the file cannot be made or its blocks are not to be had."""
        self._path = folder / STARTS
        fresh = folder / f"{STARTS}.new"
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            # Real blocks: writing to a hole of a full disk through a mapping is a SIGBUS.
            os.posix_fallocate(descriptor, 0, SIZE)
            self._ring = mmap.mmap(descriptor, SIZE)
        finally:
            os.close(descriptor)
        ring = uuid4()
        self._seed = seed_of(ring)
        self._ring[:_SEED_BYTES] = ring.bytes
        self._at = _SEED_BYTES
        fresh.replace(self._path)

    def put(self, request_id: bytes, sequence: int, mono_us: int, payload: bytes) -> None:
        """Keep one frame, over the oldest."""
        size = HEADER_SIZE + len(payload)
        if self._at + size > SIZE:
            if size > SIZE - _SEED_BYTES:
                return
            self._at = _SEED_BYTES
        ring, at = self._ring, self._at
        ring[at : at + HEADER_SIZE] = encode(Kind.START, request_id, sequence, mono_us, payload, self._seed)
        ring[at + HEADER_SIZE : at + size] = payload
        self._at = at + size

    def close(self) -> None:
        """Everything is on the tape: forget it."""
        self._ring.close()
        with suppress(FileNotFoundError):
            self._path.unlink()


def rescue(folder: Path, disk: Disk) -> int:
    """Put the frames that a killed writer left in its ring on the tape, as a segment; how many. Raises OSError."""
    frames = _left(folder / STARTS)
    if not frames:
        return 0
    segment = Segment.create(folder, next_segment(folder), disk)
    try:
        parts: list[bytes] = []
        ends: list[int] = []
        for frame in frames:
            header = encode(frame.kind, frame.request_id, frame.sequence, frame.mono_us, frame.payload, segment.seed)
            parts += (header, frame.payload)
            ends.append((ends[-1] if ends else 0) + frame.length)
        _write(segment, parts, ends)
        segment.sync()
    finally:
        segment.close()
    (folder / STARTS).unlink()
    return len(frames)


def _write(segment: Segment, parts: list[bytes], ends: list[int]) -> None:
    group = 512  # two parts a frame, and IOV_MAX is 1024
    for first in range(0, len(ends), group):
        before = ends[first - 1] if first else 0
        _, error = segment.write(
            parts[2 * first : 2 * (first + group)], [end - before for end in ends[first : first + group]]
        )
        if error is not None:
            raise error


def _left(path: Path) -> list[Frame]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    if len(data) != SIZE:
        return []
    decoder = Decoder(UUID(bytes=data[:_SEED_BYTES]), _SEED_BYTES)
    found = [*decoder.feed(data[_SEED_BYTES:]), *decoder.finish()]
    frames = {frame.request_id: frame for frame in found if isinstance(frame, Frame) and frame.kind is Kind.START}
    return [frames[request_id] for request_id in sorted(frames)]
