"""Reads one tape from a position on: whole frames with their places; damage is set aside.

A segment is finished when a newer one exists or its writer is dead. At the end of an unfinished one the reader waits:
what looks torn there may be cut off and written anew. In a segment that was preallocated (the reserve) other bytes lie
behind the tail, so there it also waits at anything that is no frame until the segment is finished.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self
from uuid import UUID

from core.errors import BadFrameError
from core.tape import MAX_FRAME, PREALLOCATED, Decoder, Frame, Skipped, payload_at, seed_of
from proxy.tape_folder import bad_path, boot, drop_segment, held, segment_path, segments
from proxy.tape_places import Backlog, Place, Position, Quarantined
from proxy.tape_quarantine import Quarantine
from proxy.tape_tail import backlog, preallocated

__all__ = ["Backlog", "Place", "Position", "Quarantined", "TapeReader", "nodes", "writer_alive"]

BLOCK_BYTES = 1 << 20
_OPEN_FILES = 8
"""Segments kept open for ``load``: a long stream's chunks lie in a few of them."""


def nodes(data_dir: Path) -> list[str]:
    """The names of the tapes in a data folder, sorted; each is ``<data>/tape/<node>``."""
    with suppress(FileNotFoundError), os.scandir(data_dir / "tape") as entries:
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    return []


def _runs(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Places one right behind the other, to be read at once, as long as they are no large block."""
    run: list[Place] = []
    for place in places:
        if run:
            behind = run[-1].segment == place.segment and run[-1].offset + run[-1].length == place.offset
            if not behind or place.offset + place.length - run[0].offset > BLOCK_BYTES:
                yield run
                run = []
        run.append(place)
    if run:
        yield run


def writer_alive(folder: Path) -> bool:
    """Whether a writer holds this tape now; it does not notice the question."""
    return held(folder)


class TapeReader:
    """Follows one tape. Not for two threads at once; file I/O only, so an event loop calls it in a thread.

    The same (request id, sequence) may come twice: after a failed sync the writer repeats what was not acknowledged in
    a new segment. Then the later one counts, and everything of that request before it with the same or a higher
    sequence is void. A gap in the sequence is a loss (tape full, or damage).
    """

    def __init__(self, folder: Path, position: Position | None = None) -> None:
        """From ``position`` on; None begins at the oldest segment there is."""
        self._folder = folder
        self._position = position
        self._decoder: Decoder | None = None
        self._file = -1
        self._preallocated = False
        self._resync = True
        self._ended = False
        self._at_end = False
        self._quarantine = Quarantine()
        self._files: dict[UUID, int] = {}

    @property
    def node(self) -> str:
        """The tape's name: its folder's."""
        return self._folder.name

    @property
    def position(self) -> Position | None:
        """Where the next ``read`` begins; None while the tape has no segment."""
        return self._position

    @property
    def ended(self) -> bool:
        """Whether the last ``read`` reached the end of a tape whose writer is dead: nothing more will come."""
        return self._ended

    @property
    def at_end(self) -> bool:
        """Whether the last ``read`` gave all there was."""
        return self._at_end

    @property
    def quarantined(self) -> Quarantined:
        """Damage met so far."""
        return self._quarantine.counted

    def read(self, max_frames: int = 2048, max_bytes: int = 8 << 20) -> list[Frame]:
        """The next whole frames, empty where nothing new is there. The limits are soft: one block more may come.

        Goes on over the ends of segments; a missing segment is normal. Waits at a torn tail while its writer lives.
        """
        frames: list[Frame] = []
        taken = 0
        self._at_end = True
        while len(frames) < max_frames and taken < max_bytes:
            if self._decoder is None and not self._enter():
                return frames
            # Asked before the bytes are: what a writer wrote before it ended is then among them.
            finished = self._finished()
            size = max(MAX_FRAME, min(BLOCK_BYTES, max_bytes - taken))
            if not self._resync:
                size = MAX_FRAME  # most of it lies behind the tail
                if finished:
                    self._look_behind_damage()
            block = self._take_in(size, frames)
            taken += block
            if not self._resync and self._at_tail():
                break
            if block == size:
                continue
            if not finished or not self._leave(frames):
                break
        else:
            self._at_end = False
        self._rewind()
        return frames

    def load(self, places: Sequence[Place]) -> list[bytes]:
        """The payloads at these places, in their order.

        Raises BadFrameError where a segment is gone or the bytes are not the frame they were.
        """
        return [payload for run in _runs(places) for payload in self._load(run)]

    def writer_gone(self, segment: UUID) -> bool:
        """Whether the writer of this segment is dead: nobody holds the tape, or a later writer began after it.

        What it left open will never get an ``end``, once everything it wrote is read.
        """
        if not held(self._folder):
            return True
        newest = boot(self._folder)
        return newest is not None and segment < newest

    def drop_before(self, position: Position) -> int:
        """Take the segments off the tape that this position has passed; gives their number.

        The position is the earliest open exchange's, so no place still needed is lost.
        """
        dropped = 0
        for segment in segments(self._folder):
            if segment >= position.segment:
                break
            self._close_loaded(segment)
            with suppress(FileNotFoundError):
                drop_segment(self._folder, segment)
                dropped += 1
        return dropped

    def backlog(self, position: Position | None = None) -> Backlog:
        """What lies behind ``position`` (default: behind what was read)."""
        return backlog(self._folder, position or self._position)

    def close(self) -> None:
        """Close the files. Idempotent."""
        self._close_file()
        for segment in list(self._files):
            self._close_loaded(segment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Going along the segments

    def _enter(self) -> bool:
        """Open the segment of the position, or the next one there is; False where there is none."""
        there = segments(self._folder)
        if self._ended and self._position is not None and there[-1:] <= [self._position.segment]:
            # Four times a second of every dead writer's tape: without opening what was read to its end.
            self._ended = not held(self._folder)
            if self._ended:
                return False
        for segment in there:
            if self._position is not None and segment < self._position.segment:
                continue
            try:
                self._file = os.open(segment_path(self._folder, segment), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            if self._position is None or segment != self._position.segment:
                self._position = Position(segment, 0)
            self._preallocated = preallocated(self._file, segment)
            self._decode_from(self._position, resync=not self._preallocated)
            self._ended = False
            return True
        self._ended = not held(self._folder)
        return False

    def _finished(self) -> bool:
        position = self._position
        if position is None or not held(self._folder):
            return True
        return segments(self._folder)[-1:] > [position.segment]

    def _leave(self, frames: list[Frame]) -> bool:
        """Finish a segment that was read to its end; False where no later one exists."""
        decoder, position = self._decoder, self._position
        if decoder is None or position is None:
            return False
        found = decoder.finish()
        if self._preallocated and found and isinstance(found[-1], Skipped):
            found.pop()  # what lies behind the tail of a preallocated segment was never ours
        self._place(found, frames)
        later = [segment for segment in segments(self._folder) if segment > position.segment]
        if not later:
            # Its writer is dead. A new one begins a new segment, so nothing is ever added to this one.
            end = os.fstat(self._file).st_size
            self._close_file()
            self._position = Position(position.segment, end)
            self._ended = True
            return False
        self._close_file()
        self._position = Position(later[0], 0)
        return True

    # Reading

    def _take_in(self, size: int, frames: list[Frame]) -> int:
        """Read on; gives the number of bytes, less than asked for at the end of the segment."""
        if self._decoder is None:
            return 0
        block = os.pread(self._file, size, self._decoder.fed)
        self._place(self._decoder.feed(block), frames)
        return len(block)

    def _at_tail(self) -> bool:
        """Whether what is no frame was met: the tail of a preallocated segment, to be read again from there."""
        if self._decoder is None or self._position is None or self._decoder.lost_at is None:
            return False
        self._decode_from(Position(self._position.segment, self._decoder.lost_at), resync=False)
        return True

    def _look_behind_damage(self) -> None:
        """A preallocated segment is finished now: what is no frame may be damage with frames behind it."""
        self._rewind()
        if self._position is not None:
            self._decode_from(self._position, resync=True)

    def _decode_from(self, position: Position, *, resync: bool) -> None:
        self._position, self._resync = position, resync
        self._decoder = Decoder(position.segment, position.offset, resync=resync)

    def _rewind(self) -> None:
        """Hold no bytes between two reads: the writer may cut a torn tail off and write something else there."""
        if self._decoder is not None and self._position is not None:
            self._position = Position(self._position.segment, self._decoder.rewind())

    def _place(self, found: list[Frame | Skipped], frames: list[Frame]) -> None:
        if self._position is None:
            return
        whole = [item for item in found if isinstance(item, Frame)]
        if whole:
            frames += whole
            self._preallocated = bool(whole[-1].flags & PREALLOCATED)
        if len(whole) < len(found):
            bad = bad_path(self._folder, self._position.segment)
            for item in found:
                if isinstance(item, Skipped):
                    self._quarantine.put(self._file, bad, item)

    def _load(self, run: Sequence[Place]) -> Iterator[bytes]:
        """The payloads of frames that stand one behind the other."""
        segment, begin = run[0].segment, run[0].offset
        try:
            data = os.pread(self._loaded(segment), run[-1].offset + run[-1].length - begin, begin)
        except FileNotFoundError as exc:
            raise BadFrameError(f"segment {segment} is gone") from exc
        seed = seed_of(segment)
        for place in run:
            payload = payload_at(data, place.offset - begin, place.length, seed)
            if payload is None:
                raise BadFrameError(f"no whole frame at {segment}:{place.offset}")
            yield payload

    def _loaded(self, segment: UUID) -> int:
        file = self._files.get(segment)
        if file is None:
            file = os.open(segment_path(self._folder, segment), os.O_RDONLY | os.O_CLOEXEC)
            if len(self._files) >= _OPEN_FILES:
                self._close_loaded(next(iter(self._files)))
            self._files[segment] = file
        return file

    def _close_loaded(self, segment: UUID) -> None:
        file = self._files.pop(segment, None)
        if file is not None:
            os.close(file)

    def _close_file(self) -> None:
        self._decoder = None
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
