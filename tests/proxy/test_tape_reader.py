"""The tape's reader: every whole frame once, in order, over the ends of segments; damage never stops it."""

import asyncio
import os
import random
import time
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import pytest

from core.errors import BadFrameError
from core.ids import uuid7
from core.tape import HEADER_SIZE, MAX_PAYLOAD, PREALLOCATED, Frame, Kind, encode, seed_of
from proxy.tape_folder import begin_boot, hold, segment_path, used_bytes
from proxy.tape_reader import Backlog, Place, Position, Quarantined, TapeReader, nodes, writer_alive
from proxy.tape_writer import TapeWriter
from tests.tape_disk import FailingDisk

RID = bytes(range(16))
NOW_MS = 1_700_000_000_000


def name(number: int) -> UUID:
    """The id of the n-th segment."""
    return uuid7(NOW_MS + number, bytes(10))


def frame(segment: UUID, sequence: int, payload: bytes = b"x", kind: Kind = Kind.CHUNK, flags: int = 0) -> bytes:
    """A whole frame of this segment."""
    return encode(kind, RID, sequence, 1000 * sequence, payload, seed_of(segment), flags) + payload


def write(folder: Path, number: int, sequences: Iterable[int], *, flags: int = 0, behind: bytes = b"") -> bytes:
    """A segment with these frames."""
    data = b"".join(frame(name(number), sequence, flags=flags) for sequence in sequences) + behind
    segment_path(folder, name(number)).write_bytes(data)
    return data


def numbers(frames: list[Frame]) -> list[int]:
    """Their sequences."""
    return [item.sequence for item in frames]


def place_of(item: Frame) -> Place:
    """Where a frame was read."""
    return Place(item.segment, item.offset, item.length)


def open_files() -> int:
    """How many descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def held(tmp_path: Path) -> Iterable[int]:
    """The lock of a living writer."""
    descriptor = hold(tmp_path)
    yield descriptor
    os.close(descriptor)


def test_a_reader_says_whether_it_gave_all_there_was(tmp_path: Path, held: int) -> None:
    """Not where a limit stopped it; so nobody has to read once more to see that there is nothing."""
    assert held >= 0
    large = b"".join(frame(name(1), sequence, bytes(MAX_PAYLOAD)) for sequence in range(8))
    segment_path(tmp_path, name(1)).write_bytes(large)
    with TapeReader(tmp_path) as reader:
        assert not reader.at_end
        assert (len(reader.read()), reader.at_end) == (8, True)
        assert (reader.read(), reader.at_end) == ([], True)
    with TapeReader(tmp_path) as reader:
        some = reader.read(max_frames=1)
        assert some
        assert not reader.at_end
        assert (len(some + reader.read()), reader.at_end) == (8, True)


def test_a_dead_writers_tape_is_read_to_its_end(tmp_path: Path) -> None:
    """All segments in order, then ``ended``; reading on gives nothing and goes round nothing."""
    for number in range(3):
        write(tmp_path, number, range(number * 10, number * 10 + 10))
    with TapeReader(tmp_path) as reader:
        assert numbers(reader.read()) == list(range(30))
        assert reader.ended
        assert reader.position == Position(name(2), 10 * 45)
        assert reader.read() == reader.read() == []
        assert reader.backlog() == Backlog(0, None)


def test_frames_come_with_their_payload_and_their_place(tmp_path: Path) -> None:
    """Who does not keep the payload loads it again by the place."""
    data = b""
    for sequence, kind in enumerate(Kind):
        data += frame(name(0), sequence, bytes([65 + sequence]) * 3, kind)
    segment_path(tmp_path, name(0)).write_bytes(data)
    with TapeReader(tmp_path) as reader:
        frames = reader.read()
        for item in frames:
            assert item.payload == bytes([65 + item.sequence]) * 3
            assert place_of(item) == (name(0), item.sequence * 47, HEADER_SIZE + 3)
            assert item.mono_us == 1000 * item.sequence
        assert reader.load([place_of(item) for item in reversed(frames)]) == [b"EEE", b"DDD", b"CCC", b"BBB", b"AAA"]


def test_from_any_position(tmp_path: Path) -> None:
    """A reader goes on where another one stood, also in a segment that is gone, also before the oldest."""
    for number in (1, 2):
        write(tmp_path, number, range(number * 10, number * 10 + 10))
    for position, first in [
        (Position(name(1), 90), 12),
        (Position(name(1), 450), 20),
        (Position(name(0), 450), 10),
        (Position(name(2), 0), 20),
        (None, 10),
    ]:
        with TapeReader(tmp_path, position) as reader:
            assert numbers(reader.read()) == list(range(first, 30))


def test_what_a_dead_writer_left_is_not_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tape read to its end is asked again and again; only a new segment is worth a look."""
    write(tmp_path, 0, [0])
    with TapeReader(tmp_path) as reader:
        assert numbers(reader.read()) == [0]
        assert reader.ended
        with monkeypatch.context() as patched:
            patched.setattr("proxy.tape_reader.segment_path", None)
            assert reader.read() == []
            assert reader.ended
        write(tmp_path, 1, [7])
        assert numbers(reader.read()) == [7]
        assert reader.ended


def test_small_reads_add_up(tmp_path: Path) -> None:
    """However little is asked for at a time, everything comes once, and the position is always between two frames."""
    chance = random.Random(1)
    payloads = [chance.randbytes(chance.choice([0, 10, 5000, MAX_PAYLOAD])) for _ in range(60)]
    for number in range(2):
        data = b"".join(frame(name(number), sequence, payload) for sequence, payload in enumerate(payloads))
        segment_path(tmp_path, name(number)).write_bytes(data)
    position, found = None, []
    while True:
        with TapeReader(tmp_path, position) as reader:
            frames = reader.read(max_frames=chance.randrange(1, 9), max_bytes=chance.randrange(1, MAX_PAYLOAD * 3))
            position = reader.position
        if not frames:
            break
        found += frames
    assert numbers(found) == [*range(60), *range(60)]
    with TapeReader(tmp_path) as reader:
        assert reader.load([place_of(item) for item in found]) == payloads * 2


def test_a_torn_tail_waits_for_a_living_writer(tmp_path: Path, held: int) -> None:
    """Whatever part of a frame is there: the reader waits, and reads what is there in the end, also if it was cut."""
    whole = frame(name(0), 1)
    for cut in range(1, len(whole)):
        write(tmp_path, 0, [0], behind=whole[:cut])
        with TapeReader(tmp_path) as reader:
            assert numbers(reader.read()) == [0]
            assert reader.read() == []
            assert not reader.ended
            assert reader.position == Position(name(0), 45)
            write(tmp_path, 0, [0, 7] if cut % 2 else [0, 1])
            assert numbers(reader.read()) == [7 if cut % 2 else 1]
            assert reader.quarantined == Quarantined(0, 0)


def test_a_torn_tail_of_a_dead_writer_is_the_end(tmp_path: Path) -> None:
    """It is no damage and is put nowhere; the next segment is read."""
    write(tmp_path, 0, [0], behind=frame(name(0), 1)[:30])
    with TapeReader(tmp_path) as reader:
        assert numbers(reader.read()) == [0]
        assert reader.ended
        write(tmp_path, 1, [2])
        assert numbers(reader.read()) == [2]
        assert reader.quarantined == Quarantined(0, 0)
    assert not list(tmp_path.glob("*.bad"))


def test_damage_is_set_aside_and_costs_its_frame_only(tmp_path: Path) -> None:
    """Each of 300 flipped bits: the other frames come, the damage lies in ``.bad``, also the second time (row 20)."""
    chance = random.Random(20)
    for _ in range(300):
        data = bytearray(write(tmp_path, 0, range(10)))
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        segment_path(tmp_path, name(0)).write_bytes(data)
        write(tmp_path, 1, [10])
        for _ in range(2):
            with TapeReader(tmp_path) as reader:
                assert numbers(reader.read()) == [number for number in range(11) if number != place // 45]
                assert reader.read() == []
                if reader.quarantined.places:
                    assert reader.quarantined == Quarantined(1, 45)
                    hit = place // 45 * 45
                    assert (tmp_path / f"{name(0)}.bad").read_bytes()[hit:] == data[hit : hit + 45]
        (tmp_path / f"{name(0)}.bad").unlink(missing_ok=True)


def test_damage_in_a_growing_segment_is_passed_at_the_next_frame(tmp_path: Path, held: int) -> None:
    """Beside a living writer damage is judged as soon as a whole frame lies behind it."""
    write(tmp_path, 0, [0], behind=b"\0" * 45)
    with TapeReader(tmp_path) as reader:
        assert numbers(reader.read()) == [0]
        assert reader.read() == []
        write(tmp_path, 0, [0], behind=b"\0" * 45 + frame(name(0), 2))
        assert numbers(reader.read()) == [2]
        assert reader.quarantined == Quarantined(1, 45)


def test_a_preallocated_segment_ends_at_its_tail(tmp_path: Path, held: int) -> None:
    """Zeros and leftovers behind the tail are waited at beside a living writer and never set aside."""
    stale = frame(name(9), 99) * 3
    for behind in (b"\0" * 3000, stale + b"\0" * 100):
        write(tmp_path, 0, [0, 1], flags=PREALLOCATED, behind=behind)
        (tmp_path / f"{name(1)}.seg").unlink(missing_ok=True)
        with TapeReader(tmp_path) as reader:
            assert numbers(reader.read()) == [0, 1]
            assert reader.read() == []
            assert reader.position == Position(name(0), 90)
            write(tmp_path, 0, [0, 1, 2], flags=PREALLOCATED, behind=behind)
            assert numbers(reader.read()) == [2]
            write(tmp_path, 1, [3])
            assert numbers(reader.read()) == [3]
            assert reader.quarantined == Quarantined(0, 0)


def test_an_empty_preallocated_segment(tmp_path: Path, held: int) -> None:
    """Nothing written yet into a file of zeros is waited for."""
    write(tmp_path, 0, [], behind=b"\0" * 5000)
    with TapeReader(tmp_path) as reader:
        assert reader.read() == []
        write(tmp_path, 0, [0], flags=PREALLOCATED, behind=b"\0" * 5000)
        assert numbers(reader.read()) == [0]


def test_no_tape_yet(tmp_path: Path) -> None:
    """A folder without segments, or none at all, is read as nothing."""
    for folder in (tmp_path, tmp_path / "gone"):
        with TapeReader(folder) as reader:
            assert reader.read() == []
            assert reader.position is None
            assert reader.ended
            assert reader.backlog() == Backlog(0, None)
    assert not writer_alive(tmp_path / "gone")


def test_nodes(tmp_path: Path) -> None:
    """Each folder of the tape folder is a node."""
    assert nodes(tmp_path) == []
    for node in ("host-1", "host-0"):
        (tmp_path / "tape" / node).mkdir(parents=True)
    (tmp_path / "tape" / "file").touch()
    assert nodes(tmp_path) == ["host-0", "host-1"]


def test_passed_segments_are_deleted(tmp_path: Path) -> None:
    """What lies before the position goes; what it stands in and what follows stays; asking twice is fine."""
    for number in range(4):
        write(tmp_path, number, [number])
    with TapeReader(tmp_path) as reader:
        places = [place_of(item) for item in reader.read()]
        reader.load(places)
        assert reader.drop_before(Position(name(2), 45)) == 2
        assert reader.drop_before(Position(name(2), 45)) == 0
        assert reader.load(places[2:]) == [b"x", b"x"]
        with pytest.raises(BadFrameError, match="is gone"):
            reader.load(places[:1])


def test_a_place_that_is_no_frame(tmp_path: Path) -> None:
    """Loading what is not, or no longer, a whole frame is one error type."""
    data = bytearray(write(tmp_path, 0, [0, 1]))
    with TapeReader(tmp_path) as reader:
        for place in (Place(name(0), 1, 45), Place(name(0), 0, 44), Place(name(0), 0, 90), Place(name(0), 900, 45)):
            with pytest.raises(BadFrameError):
                reader.load([place])
        data[44] ^= 1
        segment_path(tmp_path, name(0)).write_bytes(data)
        with pytest.raises(BadFrameError):
            reader.load([Place(name(0), 0, 45)])


def test_many_segments_are_not_kept_open(tmp_path: Path) -> None:
    """Loading over many segments holds a few files only."""
    for number in range(30):
        write(tmp_path, number, [number])
    with TapeReader(tmp_path) as reader:
        places = [place_of(item) for item in reader.read()]
        before = open_files()
        assert len(reader.load(places * 2)) == 60
        assert open_files() - before <= 8


def test_backlog_is_bytes_and_the_age_of_the_oldest(tmp_path: Path) -> None:
    """It counts what lies behind the position, and knows when the first of it was written."""
    mono_us = time.monotonic_ns() // 1000
    segment, now_ms = uuid7(time.time_ns() // 1_000_000 - 5_000, bytes(10)), time.time_ns() // 1_000_000
    old, new = ((encode(Kind.CHUNK, RID, 0, mono_us - ago, b"", seed_of(segment))) for ago in (3_000_000, 1_000_000))
    segment_path(tmp_path, segment).write_bytes(old + new)
    with TapeReader(tmp_path) as reader:
        for offset, ago in ((0, 3000), (HEADER_SIZE, 1000)):
            backlog = reader.backlog(Position(segment, offset))
            assert backlog.bytes == 2 * HEADER_SIZE - offset
            assert backlog.oldest_ms is not None
            assert abs(now_ms - ago - backlog.oldest_ms) < 900
        reader.read()
        assert reader.backlog() == Backlog(0, None)
    write(tmp_path, 0, [0])
    os.utime(segment_path(tmp_path, name(0)), (NOW_MS / 1000, NOW_MS / 1000 + 1))  # so its frame is of another boot
    with TapeReader(tmp_path) as reader:
        assert reader.backlog() == Backlog(45 + 2 * HEADER_SIZE, NOW_MS)


def test_who_wrote_a_segment(tmp_path: Path, held: int) -> None:
    """A segment's writer is gone when nobody holds the tape or when a later writer began."""
    write(tmp_path, 0, [0])
    write(tmp_path, 1, [1])
    with TapeReader(tmp_path) as reader:
        assert writer_alive(tmp_path)
        assert not reader.writer_gone(name(0))
        begin_boot(tmp_path, name(1))
        assert reader.writer_gone(name(0))
        assert not reader.writer_gone(name(1))
        assert not reader.writer_gone(name(5))
    os.close(os.dup(held))


async def test_following_a_real_writer(tmp_path: Path) -> None:
    """Beside a writer that runs, fails to sync, and fills its disk, every frame that was not lost is read, in order."""
    folder = tmp_path / "tape" / "node"
    disk = FailingDisk()
    loop = asyncio.get_running_loop()
    writer = TapeWriter(folder, policy="serve", max_bytes=1 << 30, loop=loop, disk=disk.disk())
    writer.open()
    found: list[Frame] = []
    with TapeReader(folder) as reader:
        assert reader.node == "node"
        for number in range(400):
            if number == 100:
                disk.sync_errors = [5]
            if number == 300:
                disk.room = 20_000
            kind = Kind.HEAD if number >= 300 else Kind.CHUNK
            writer.append(kind, RID, number, 0, os.urandom(number))
            if number % 7 == 0:
                await writer.synced()
                found += reader.read(max_frames=3)
        await writer.synced()
        while frames := reader.read():
            found += frames
        assert not reader.ended
        await asyncio.to_thread(writer.close)
        found += reader.read()
        assert reader.ended
        assert reader.quarantined == Quarantined(0, 0)
    newest: list[int] = []
    for item in found:
        while newest and newest[-1] >= item.sequence:  # repeated after the failed sync
            newest.pop()
        newest.append(item.sequence)
    assert newest == list(range(400))
    assert writer.status.lost_frames == 0


def test_set_aside_damage_counts_as_what_it_takes_on_disk(tmp_path: Path) -> None:
    """A ``.bad`` file has its damage at the segment's own offset, behind a hole: the hole takes no room."""
    with (tmp_path / "01a1f8d3-ea7b-7000-8000-000000000000.bad").open("wb") as bad:
        bad.seek(60 << 20)
        bad.write(bytes(300))
    assert used_bytes(tmp_path) < 1 << 20
