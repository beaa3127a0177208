"""A full tape: ``serve`` keeps a record of every request and counts each loss, ``refuse`` lets nobody new in."""

import asyncio
import errno
import json
import os
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.tape import METADATA, PREALLOCATED, Frame, Kind
from proxy.counters import Counters
from proxy.health import Health
from proxy.tape_folder import segments
from proxy.tape_reader import TapeReader
from proxy.tape_room import RESERVE
from proxy.tape_status import level_of
from proxy.tape_writer import TapeWriter
from tests.tape_disk import FailingDisk, on_tape

MIB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of one tape."""
    return tmp_path / "tape" / "node-0"


def writer_on(folder: Path, disk: FailingDisk | None, policy: str, max_bytes: int = 1 << 30) -> TapeWriter:
    """An open writer."""
    loop, real = asyncio.get_running_loop(), disk.disk() if disk else None
    writer = TapeWriter(folder, policy=policy, max_bytes=max_bytes, loop=loop, disk=real)
    writer.open()
    return writer


async def exchange(writer: TapeWriter, number: int, size: int = 50_000) -> None:
    """One call: start, body, head, three chunks, end; the sequence counts on whatever is taken."""
    request_id = number.to_bytes(16, "big")
    kinds = [Kind.START, Kind.BODY, Kind.HEAD, Kind.CHUNK, Kind.CHUNK, Kind.CHUNK, Kind.END]
    for sequence, kind in enumerate(kinds):
        writer.append(kind, request_id, sequence, 0, b"{}" if kind in METADATA else b"x" * size)
    async with asyncio.timeout(20):
        await writer.synced()


def check_exact(folder: Path, writer: TapeWriter, count: int, *, metadata: bool = True) -> None:
    """What is on the tape and what was counted as lost make up everything that was appended, request by request."""
    there: dict[int, set[int]] = {number: set() for number in range(count)}
    for item in on_tape(folder):
        if isinstance(item, Frame):
            there[int.from_bytes(item.request_id, "big")].add(item.sequence)
    missing = {number: 7 - len(found) for number, found in there.items() if len(found) < 7}
    assert writer.status.lost_frames == sum(missing.values())
    assert writer.status.lost_requests == len(missing)
    if metadata:
        assert all({0, 2, 6} <= found for found in there.values())


async def test_serve_keeps_the_metadata_and_counts_the_rest(folder: Path) -> None:
    """Bodies and chunks are lost once the disk is full; every start, head and end is on the tape (row 21)."""
    disk = FailingDisk(room=2_000_000)
    writer = writer_on(folder, disk, "serve")
    for number in range(40):
        await exchange(writer, number)
    assert writer.status.level == "full"
    assert writer.accepting
    assert writer.status.lost_frames > 100
    check_exact(folder, writer, 40)
    writer.close()
    check_exact(folder, writer, 40)
    flags = Counter(item.flags for item in on_tape(folder) if isinstance(item, Frame))
    assert flags[PREALLOCATED] >= 3 * 28


@pytest.mark.parametrize("room", [1_000_000, 1_000_001, 1_100_043, 1_234_567])
async def test_the_torn_frame_is_cut_off(folder: Path, room: int) -> None:
    """A disk does a short write before it says no: the whole frames stay, the torn one is not there."""
    writer = writer_on(folder, FailingDisk(room=room), "serve")
    for number in range(12):
        await exchange(writer, number)
    writer.close()
    assert all(isinstance(item, Frame) for item in on_tape(folder))
    check_exact(folder, writer, 12)


async def test_the_setting_is_a_limit_too(folder: Path) -> None:
    """``max_bytes`` reached is full, on however large a disk."""
    writer = writer_on(folder, None, "serve", max_bytes=MIB)
    for number in range(30):
        await exchange(writer, number)
    writer.close()
    assert sum(item.length for item in on_tape(folder) if not item.flags) <= MIB
    check_exact(folder, writer, 30)


async def test_a_reserve_used_up_is_counted_too(folder: Path) -> None:
    """Where not even metadata fits any more, those frames are counted like the others."""
    writer = writer_on(folder, None, "serve", max_bytes=1 << 17)
    for number in range(2000):
        await exchange(writer, number, size=100)
    writer.close()
    assert writer.status.lost_requests > 1000
    check_exact(folder, writer, 2000, metadata=False)


async def test_the_end_of_what_was_let_in_always_fits(folder: Path) -> None:
    """The last of the reserve is for ends: a call that stayed open would keep the recorder from freeing the tape."""
    writer = writer_on(folder, None, "serve", max_bytes=1 << 17)
    early = (5000).to_bytes(16, "big")
    writer.append(Kind.START, early, 0, 0, b"{}")
    for number in range(2000):
        await exchange(writer, number, size=100)
    writer.append(Kind.END, early, 1, 0, b"{}")
    writer.close()
    kinds: dict[bytes, set[Kind]] = {}
    for item in on_tape(folder):
        if isinstance(item, Frame):
            kinds.setdefault(item.request_id, set()).add(item.kind)
    assert {Kind.START, Kind.END} <= kinds[early]
    assert all(Kind.END in found for found in kinds.values())


async def test_going_on_when_there_is_room_again(folder: Path) -> None:
    """After the recorder deleted segments everything is taken again, and a new reserve is made."""
    disk = FailingDisk(room=4_000_000)
    writer = writer_on(folder, disk, "serve")
    for number in range(60):
        await exchange(writer, number)
    assert writer.status.level == "full"
    lost = writer.status.lost_frames
    for segment in segments(folder)[:-1]:
        (folder / f"{segment}.seg").unlink()
    disk.room = 1 << 40
    async with asyncio.timeout(20):
        while writer.status.level == "full":
            await asyncio.sleep(0.02)
    await exchange(writer, 60)
    assert writer.status.lost_frames == lost
    assert (folder / RESERVE).exists()
    last = [item for item in on_tape(folder) if isinstance(item, Frame)][-7:]
    assert [item.sequence for item in last] == list(range(7))
    writer.close()


async def test_refuse_lets_nobody_in_and_finishes_what_it_let_in(folder: Path) -> None:
    """At the limit ``accepting`` turns false while the disk still takes the running calls whole (row 21)."""
    disk = FailingDisk(room=10_000_000)
    writer = writer_on(folder, disk, "refuse")
    taken = 0
    async with asyncio.timeout(20):
        while writer.accepting:
            await exchange(writer, taken)
            taken += 1
    assert writer.status.level == "full"
    assert taken > 40
    await exchange(writer, taken)
    writer.close()
    assert writer.status.lost_frames == 0
    check_exact(folder, writer, taken + 1)


async def test_refuse_at_the_setting(folder: Path) -> None:
    """``max_bytes`` stops new calls only: running ones are written beyond it."""
    writer = writer_on(folder, None, "refuse", max_bytes=MIB)
    for number in range(10):
        await exchange(writer, number)
    assert not writer.accepting
    writer.close()
    check_exact(folder, writer, 10)
    assert writer.status.lost_frames == 0


async def test_a_sync_without_space(folder: Path) -> None:
    """Some file systems say it only in the sync: the metadata is written again, the rest counted."""
    disk = FailingDisk()
    writer = writer_on(folder, disk, "serve")
    await exchange(writer, 0)
    disk.sync_errors, disk.room = [errno.ENOSPC], 0
    await exchange(writer, 1)
    assert {item.sequence for item in on_tape(folder)[7:] if isinstance(item, Frame)} >= {0, 2, 6}
    assert writer.status.level == "full"
    assert writer.status.lost_requests == 1
    writer.close()


@pytest.fixture
async def small_disk(tmp_path: Path) -> AsyncIterator[Path]:
    """A real disk of 8 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    path = tmp_path / "disk"
    path.mkdir()
    mounted = await asyncio.to_thread(
        subprocess.run, ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", path], check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount")
    yield path
    await asyncio.to_thread(subprocess.run, ["umount", "-l", path], check=True)


async def test_a_real_full_disk(small_disk: Path) -> None:
    """The same on a real tmpfs: 0 errors for the caller, every request on record, the losses exact (row 21)."""
    folder = small_disk / "tape" / "node-0"
    writer = writer_on(folder, None, "serve")
    for number in range(100):
        await exchange(writer, number)
    assert writer.status.level == "full"
    writer.close()
    check_exact(folder, writer, 100)


async def test_what_was_read_can_go_piece_by_piece(folder: Path) -> None:
    """One segment is an eighth of the tape at most, so that a reader that is up to date keeps it from filling."""
    writer = writer_on(folder, None, "refuse", max_bytes=8 * MIB)
    with TapeReader(folder) as reader:
        for number in range(200):  # 40 MB
            await exchange(writer, number)
            while reader.read():
                pass
            assert reader.position is not None
            reader.drop_before(reader.position)
            assert writer.accepting
    assert max(path.stat().st_size for path in folder.glob("*.seg")) <= MIB
    writer.close()


async def test_refusing_ends_when_everything_was_read(folder: Path) -> None:
    """A tape that refuses begins a new segment, so that the full one can go as soon as it is read."""
    writer = writer_on(folder, None, "refuse", max_bytes=100_000)
    await exchange(writer, 0)
    assert not writer.accepting
    (full,) = segments(folder)
    async with asyncio.timeout(30):
        while segments(folder) == [full]:
            await asyncio.sleep(0.02)
        assert not writer.accepting
        with TapeReader(folder) as reader:
            while reader.read():
                pass
            assert reader.position is not None
            assert reader.drop_before(reader.position) == 1
        while not writer.accepting:
            await asyncio.sleep(0.02)
    await exchange(writer, 1)
    writer.close()
    assert writer.status.lost_frames == 0


async def test_each_change_is_told_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """70 %, 90 %, full, the first loss and the way back: one log line each, however often it is looked at."""
    disk = FailingDisk()
    writer = writer_on(folder, disk, "serve", max_bytes=4_000_000)
    counters = Counters(folder.parent, 0)
    health = Health(writer, counters, None)
    for number in range(40):
        await exchange(writer, number)
        health.count()
        health.count()
    lost = writer.status.lost_requests
    for segment in segments(folder)[:-1]:
        (folder / f"{segment}.seg").unlink()
    async with asyncio.timeout(20):
        while writer.status.level != "ok":
            await asyncio.sleep(0.02)
    health.count()
    health.count()
    writer.close()
    counters.close()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {line["node"] for line in lines} == {"node-0"}
    told = [line.get("level") or line["event"] for line in lines]
    assert told == ["warn", "alert", *told[2:4], "tape takes everything again", "ok"]
    assert set(told[2:4]) == {"full", "tape loses what it is given"}
    assert lines[4]["count"] == lost


def test_levels() -> None:
    """70 % warns, 90 % alerts, full is full at any fill."""
    assert [level_of(fill, full=False) for fill in (0.0, 0.69, 0.7, 0.89, 0.9, 1.0)] == [
        "ok", "ok", "warn", "warn", "alert", "alert",
    ]  # fmt: skip
    assert level_of(0.1, full=True) == "full"
