"""Segments that were read are written over: what lay there before is never read again, and nothing new is missed."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.tape import Frame, Kind
from proxy import tape_folder, tape_segment
from proxy.tape_folder import free_segments, segment_path, segments
from proxy.tape_reader import Position, Quarantined, TapeReader
from proxy.tape_writer import TapeWriter

RID = bytes(range(16))
SEGMENT_BYTES = 300_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a tape with small segments, all of them worth keeping."""
    monkeypatch.setattr(tape_segment, "SEGMENT_BYTES", SEGMENT_BYTES)
    monkeypatch.setattr(tape_folder, "_FREE_BYTES", 200_000)
    return tmp_path / "tape" / "node"


def opened(folder: Path) -> TapeWriter:
    """A writer at work."""
    writer = TapeWriter(folder, policy="serve", max_bytes=1 << 30, loop=asyncio.get_running_loop())
    writer.open()
    return writer


@pytest.fixture
async def writer(folder: Path) -> AsyncIterator[TapeWriter]:
    """A writer at work, closed in the end."""
    writer = opened(folder)
    yield writer
    await asyncio.to_thread(writer.close)


async def test_round_and_round(folder: Path, writer: TapeWriter) -> None:
    """Over many rounds of writing, reading and recycling each frame comes once, in order, byte for byte."""
    chance = random.Random(5)
    sent: list[bytes] = []
    found: list[Frame] = []
    recycled = False
    with TapeReader(folder) as reader:
        for _ in range(120):
            for _ in range(chance.randrange(1, 30)):
                sent.append(chance.randbytes(chance.choice([0, 50, 4000, 60_000])))
                writer.append(Kind.HEAD, RID, len(sent) - 1, 0, sent[-1])
            await writer.synced()
            if chance.random() < 0.7:
                found += reader.read(max_frames=chance.randrange(1, 100))
                assert reader.position is not None
                reader.drop_before(reader.position)
            recycled = recycled or bool(free_segments(folder))
            assert len(free_segments(folder)) <= 2
        while frames := reader.read():
            found += frames
        assert reader.backlog().bytes == 0
        assert reader.quarantined == Quarantined(0, 0)
    assert [item.sequence for item in found] == list(range(len(sent)))
    assert [item.payload for item in found] == sent
    assert recycled
    assert writer.status.lost_frames == 0


async def begin_recycled(folder: Path) -> TapeWriter:
    """A writer whose segment is a recycled one: three new frames of 45 bytes, old ones behind them."""
    writer = opened(folder)
    for number in range(100):
        writer.append(Kind.CHUNK, RID, 1000 + number, 0, b"o" * 10_000)
    await writer.synced()
    writer.close()
    with TapeReader(folder) as reader:
        reader.read()
        assert reader.position is not None
        reader.drop_before(reader.position)
    assert free_segments(folder)
    writer = opened(folder)
    for number in range(3):
        writer.append(Kind.CHUNK, RID, number, 0, b"n")
    await writer.synced()
    return writer


async def test_behind_the_tail_of_a_recycled_segment(folder: Path) -> None:
    """Beside a living writer the reader waits at the tail, and the backlog does not count what lies behind it."""
    writer = await begin_recycled(folder)
    newest = segments(folder)[-1]
    assert segment_path(folder, newest).stat().st_size > 200_000
    with TapeReader(folder, Position(newest, 0)) as reader:
        assert reader.backlog().bytes == 3 * 45
        assert [item.sequence for item in reader.read()] == [0, 1, 2]
        assert reader.position == Position(newest, 3 * 45)
        assert reader.backlog() == (0, None)
        writer.append(Kind.CHUNK, RID, 3, 0, b"n")
        await writer.synced()
        assert reader.backlog().bytes == 45
        assert [item.sequence for item in reader.read()] == [3]
        writer.close()
        assert reader.read() == []
        assert reader.ended
        assert reader.quarantined == Quarantined(0, 0)


@pytest.mark.parametrize("hit", [0, 50, 100])
async def test_a_crash_with_damage_in_a_recycled_segment(folder: Path, hit: int) -> None:
    """A dead writer's recycled segment: damage before the tail is set aside, the old frames behind it are not."""
    writer = await begin_recycled(folder)
    newest = segments(folder)[-1]
    path = segment_path(folder, newest)
    data = bytearray(path.read_bytes())
    data[hit] ^= 4
    writer.close()
    path.write_bytes(data)  # as it would be without the writer's orderly end
    with TapeReader(folder, Position(newest, 0)) as reader:
        assert [item.sequence for item in reader.read()] == [number for number in range(3) if number != hit // 45]
        assert reader.ended
        assert reader.read() == []
        assert reader.quarantined == (Quarantined(1, 45) if hit < 90 else Quarantined(0, 0))
