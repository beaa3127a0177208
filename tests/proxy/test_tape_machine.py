"""The tape as a state machine: whatever fails in whatever order, what was acknowledged is read, once and in order."""

import asyncio
import errno
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.tape import Frame, Kind
from proxy import tape_folder, tape_segment
from proxy.tape_bell import Ringer
from proxy.tape_buffer import TapeBuffer
from proxy.tape_deck import Deck
from proxy.tape_folder import begin_boot, hold, prepare, segment_path, segments
from proxy.tape_reader import Quarantined, TapeReader
from proxy.tape_room import Room
from tests.tape_disk import FailingDisk

RID = bytes(range(16))


class SyncedSizes(FailingDisk):
    """Remembers how much of each file is safe from a power cut."""

    def __init__(self) -> None:
        super().__init__()
        self.safe: dict[str, int] = {}

    def fdatasync(self, descriptor: int) -> None:
        """Only a sync that did not fail makes anything safe."""
        super().fdatasync(descriptor)
        self.safe[Path(f"/proc/self/fd/{descriptor}").readlink().name] = os.lseek(descriptor, 0, os.SEEK_CUR)


class Tape(RuleBasedStateMachine):
    """One tape: the deck is stepped by hand instead of by its thread, and read beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "tape" / "node"
        self.loop = asyncio.new_event_loop()
        self.disk = SyncedSizes()
        self.sequence = 0
        self.acknowledged = 0
        self.lost: set[int] = set()
        self.read: list[int] = []
        self.start()
        self.reader = TapeReader(self.folder)

    def start(self) -> None:
        """A writer begins."""
        prepare(self.folder)
        self.lock = hold(self.folder)
        self.buffer = TapeBuffer()
        room = Room(self.folder, "serve", 1 << 40, self.disk.disk())
        self.ringer = Ringer(self.folder, self.lock)
        self.deck = Deck(self.folder, self.buffer, room, self.disk.disk(), self.ringer, self.loop)
        begin_boot(self.folder, self.deck.begin().id)

    def step(self) -> None:
        """One round of the thread, with a sync asked for."""
        waiter = self.loop.create_future()
        self.buffer.put_waiter(waiter)
        frames, waiters = self.buffer.take()
        self.deck._queue.extend(frames)
        self.deck._waiters.extend(waiters)
        self.deck._work(closing=False)
        self.loop.run_until_complete(asyncio.sleep(0))
        if waiter.done():
            self.acknowledged = self.sequence
        else:
            self.deck._waiters.remove(waiter)

    def stop(self) -> None:
        """The writer's process is gone."""
        self.ringer.close()
        os.close(self.lock)
        if self.deck._tail is not None:
            self.deck._tail.close()
        if self.deck._segment is not None:
            with suppress(OSError):
                os.close(self.deck._segment._descriptor)

    @rule(sizes=st.lists(st.sampled_from([0, 1, 40, 500, 3000]), min_size=1, max_size=30))
    def append(self, sizes: list[int]) -> None:
        """Frames come."""
        for size in sizes:
            assert self.buffer.put(Kind.HEAD, RID, self.sequence, 0, bytes([self.sequence % 256]) * size)
            self.sequence += 1

    @rule()
    def sync(self) -> None:
        """The thread writes and syncs."""
        self.step()

    @rule(error=st.sampled_from([errno.EIO, errno.ENODEV]), where=st.sampled_from(["sync", "write"]))
    def fail(self, error: int, where: str) -> None:
        """The next sync or write fails."""
        (self.disk.sync_errors if where == "sync" else self.disk.write_errors).append(error)
        self.step()

    @rule(longest=st.sampled_from([1 << 40, 4000, 777]))
    def shorten(self, longest: int) -> None:
        """Writes become short."""
        self.disk.longest_write = longest

    @rule(frames=st.integers(1, 40))
    def follow(self, frames: int) -> None:
        """The recorder reads on beside the writer, and takes passed segments off."""
        self.take(self.reader.read(max_frames=frames))
        if self.reader.position is not None:
            self.reader.drop_before(self.reader.position)

    @rule()
    def reopen(self) -> None:
        """Another recorder goes on where the last one stood."""
        position = self.reader.position
        self.reader.close()
        self.reader = TapeReader(self.folder, position)

    @rule()
    def rotate(self) -> None:
        """A minute is over."""
        with suppress(OSError):
            self.deck._rotate()

    @rule(torn=st.integers(0, 3000))
    def crash(self, torn: int) -> None:
        """Power fails: of what was not synced some bytes stay, cut anywhere. The writer starts again."""
        self.stop()
        for segment in segments(self.folder):
            path = segment_path(self.folder, segment)
            left = self.disk.safe.get(path.name, 0) + torn
            if left < path.stat().st_size:
                os.truncate(path, left)
        if self.acknowledged < self.sequence:
            self.lost |= set(range(self.acknowledged, self.sequence))
            self.sequence = self.acknowledged = self.sequence + 1
            self.lost.add(self.sequence - 1)
        self.disk.write_errors.clear()
        self.disk.sync_errors.clear()
        self.start()

    @precondition(lambda self: self.disk.safe)
    @rule()
    def settle(self) -> None:
        """Without new failures everything appended is acknowledged and read."""
        self.disk.write_errors.clear()
        self.disk.sync_errors.clear()
        self.step()
        assert self.acknowledged == self.sequence
        while frames := self.reader.read():
            self.take(frames)
        assert [number for number in self.read if number not in self.lost] == [
            number for number in range(self.sequence) if number not in self.lost
        ]

    def take(self, frames: list[Frame]) -> None:
        """As a recorder does: what is repeated voids what it repeats."""
        for frame in frames:
            while self.read and self.read[-1] >= frame.sequence:
                self.read.pop()
            self.read.append(frame.sequence)
            assert frame.payload == bytes([frame.sequence % 256]) * len(frame.payload)

    @invariant()
    def nothing_is_counted_as_lost(self) -> None:
        """None of these failures may cost a frame that the writer still holds."""
        assert self.buffer.losses.frames == 0
        assert self.reader.quarantined == Quarantined(0, 0)
        assert self.buffer.held >= 0

    def teardown(self) -> None:
        """Everything goes."""
        self.reader.close()
        self.stop()
        self.loop.close()
        shutil.rmtree(self.root)


def test_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few hundred lives of a tape with small segments that are recycled."""
    monkeypatch.setattr(tape_segment, "SEGMENT_BYTES", 20_000)
    monkeypatch.setattr(tape_folder, "_FREE_BYTES", 10_000)
    machine = Tape.TestCase
    machine.settings = settings(
        max_examples=60, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine("runTest").runTest()
