"""The tape's writer: what is appended is on disk in order, and what is synced survives anything."""

import asyncio
import errno
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop

from core.errors import AlreadyRunningError, BadSettingError
from core.tape import MAX_PAYLOAD, Frame, Kind
from proxy import tape_deck, tape_segment
from proxy.tape_bell import TapeBell
from proxy.tape_buffer import TapeBuffer
from proxy.tape_folder import boot, held, segments
from proxy.tape_writer import TapeWriter
from tests.tape_disk import FailingDisk, on_tape

Make = Callable[..., TapeWriter]
RID = bytes(range(16))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of one tape."""
    return tmp_path / "tape" / "node-0"


@pytest.fixture
async def make(folder: Path) -> AsyncIterator[Make]:
    """Opens writers, and closes them in the end."""
    writers = []

    def make(disk: FailingDisk | None = None, policy: str = "serve", max_bytes: int = 1 << 30) -> TapeWriter:
        loop, real = asyncio.get_running_loop(), disk.disk() if disk else None
        writer = TapeWriter(folder, policy=policy, max_bytes=max_bytes, loop=loop, disk=real)
        writer.open()
        writers.append((writer, disk))
        return writer

    yield make
    for writer, disk in writers:
        if disk is not None:
            disk.gate.set()
        await asyncio.to_thread(writer.close)


def frames(folder: Path) -> list[tuple[int, bytes]]:
    """Sequence and payload of what is on disk."""
    return [(item.sequence, item.payload) for item in on_tape(folder) if isinstance(item, Frame)]


async def test_what_is_synced_is_on_disk_in_order(make: Make, folder: Path) -> None:
    """Everything appended before ``synced`` can be read when it is done."""
    writer = make()
    payloads = [bytes([number % 256]) * (number * 11) for number in range(1500)]
    for number, payload in enumerate(payloads):
        assert writer.append(Kind.CHUNK, RID, number, 7, payload)
    await writer.synced()
    assert frames(folder) == list(enumerate(payloads))
    assert writer.status.buffered_bytes == 0
    assert writer.status.lost_frames == 0


async def test_a_last_frame_that_ends_in_zeros_is_whole(make: Make, folder: Path) -> None:
    """They are its own, not what lies behind a preallocated segment's tail."""
    writer = make()
    for number in range(3):
        assert writer.append(Kind.CHUNK, RID, number, 7, b"zeros" + bytes(number))
        await writer.synced()
        assert frames(folder)[-1] == (number, b"zeros" + bytes(number))


async def test_frames_reach_the_disk_without_anybody_waiting(make: Make, folder: Path) -> None:
    """The thread drains by itself; nobody has to ask."""
    writer = make()
    writer.append(Kind.CHUNK, RID, 0, 0, b"alone")
    async with asyncio.timeout(30):
        while not frames(folder):
            await asyncio.sleep(0.005)


def test_a_quarter_of_a_megabyte_wakes_the_thread() -> None:
    """It need not rest its 5 ms out then (here: for ever); below that it is left alone."""
    assert tape_deck.FLUSH_SECONDS == 0.005
    buffer = TapeBuffer()
    buffer.put(Kind.CHUNK, RID, 0, 0, bytes(200_000))
    buffer.wait(0.0, idle=False)
    resting = threading.Thread(target=buffer.wait, args=(-1,), kwargs={"idle": False}, daemon=True)
    resting.start()
    resting.join(0.05)
    assert resting.is_alive()
    buffer.put(Kind.CHUNK, RID, 1, 0, bytes(63_000))
    resting.join(10)
    assert not resting.is_alive()


async def test_one_sync_serves_all_waiters(make: Make) -> None:
    """A hundred waiters of one moment share one sync; one that gives up harms nobody."""
    disk = FailingDisk()
    writer = make(disk)
    disk.gate.clear()
    writer.append(Kind.CHUNK, RID, 0, 0, b"x")
    first = writer.synced()
    await asyncio.to_thread(disk.syncing.wait, 10)
    writer.append(Kind.CHUNK, RID, 1, 0, b"y")
    waiters = [writer.synced() for _ in range(100)]
    waiters[50].cancel()
    before = writer.status.syncs
    disk.gate.set()
    await first
    await asyncio.gather(*waiters[:50], *waiters[51:])
    assert writer.status.syncs - before == 2


async def test_nothing_to_sync_is_synced_at_once(make: Make) -> None:
    """Without anything unsynced nobody waits."""
    writer = make()
    assert writer.synced().done()


async def test_close_writes_everything_and_lets_go(make: Make, folder: Path) -> None:
    """After ``close`` all is on disk, the folder is free, and later frames are refused and counted."""
    writer = make()
    for number in range(100):
        writer.append(Kind.CHUNK, RID, number, 0, b"x" * 1000)
    waiter = writer.synced()
    assert held(folder)
    writer.close()
    writer.close()
    await waiter
    assert len(frames(folder)) == 100
    assert not held(folder)
    assert not writer.append(Kind.END, RID, 100, 0, b"")
    assert writer.status.lost_frames == 1
    assert writer.synced().done()


async def test_modes_and_names(make: Make, folder: Path) -> None:
    """The folder is 0700, every file in it 0600, and the newest writer's first segment is noted."""
    make()
    assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert boot(folder) == segments(folder)[-1]


async def test_a_second_writer_is_told(make: Make, folder: Path) -> None:
    """The folder has one writer; a reader that asks does not count as one."""
    make()
    with pytest.raises(AlreadyRunningError, match="another proxy"):
        make()
    assert held(folder)


async def test_restart_begins_a_later_segment(make: Make, folder: Path) -> None:
    """A new writer never appends to the segment of a dead one, and its ids are later even if the clock stepped back."""
    folder.mkdir(mode=0o700, parents=True)
    folder.parent.chmod(0o700)
    future = folder / "7fffffff-ffff-7000-8000-000000000000.seg"
    future.touch(0o600)
    make().close()
    make()
    assert [str(segment)[:13] for segment in segments(folder)] == ["7fffffff-ffff", "80000000-0000", "80000000-0001"]


async def test_a_segment_ends_by_size_and_by_age(make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """64 MB or 60 s; its name is on disk before a frame is in it."""
    assert (tape_segment.SEGMENT_BYTES, tape_deck.SEGMENT_SECONDS) == (64 << 20, 60.0)
    synced: list[int] = []
    sync_folder = tape_segment.sync_folder

    def counting(path: Path) -> None:
        synced.append(len(segments(path)))
        sync_folder(path)

    monkeypatch.setattr(tape_segment, "sync_folder", counting)
    monkeypatch.setattr(tape_segment, "SEGMENT_BYTES", 10_000)
    writer = make()
    for number in range(5):
        writer.append(Kind.CHUNK, RID, number, 0, b"x" * 4000)
    await writer.synced()
    assert synced == [1, 2, 3]
    monkeypatch.setattr(tape_deck, "SEGMENT_SECONDS", 0.0)
    async with asyncio.timeout(30):
        while len(segments(folder)) == 3:
            await asyncio.sleep(0.01)
    assert [sequence for sequence, _ in frames(folder)] == list(range(5))


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o500])
def test_others_can_look_in_or_nobody_can_write(folder: Path, mode: int) -> None:
    """A tape others can read, or that cannot be written, is refused in one line (faults.md, row 23)."""
    for path in (folder, folder.parent):
        folder.mkdir(parents=True, exist_ok=True)
        folder.parent.chmod(0o700)
        folder.chmod(0o700)
        path.chmod(mode)
        with pytest.raises(BadSettingError, match=str(path)) as caught:
            writer_of(folder).open()
        assert "\n" not in str(caught.value)


def writer_of(folder: Path) -> TapeWriter:
    """A writer that is not opened yet."""
    loop = asyncio.new_event_loop()
    loop.close()
    return TapeWriter(folder, policy="serve", max_bytes=1 << 30, loop=loop)


def test_a_missing_data_folder(tmp_path: Path) -> None:
    """A data folder that is not there is a mistake in the setting, not something to make."""
    with pytest.raises(BadSettingError, match="does not exist"):
        writer_of(tmp_path / "nowhere" / "tape" / "node").open()


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    """Whatever else is wrong with the path is one line too."""
    (tmp_path / "tape").touch()
    with pytest.raises(BadSettingError, match="cannot make"):
        writer_of(tmp_path / "tape" / "node").open()


async def test_mistakes_of_a_caller_are_lost_alone(make: Make, folder: Path) -> None:
    """A frame nobody can encode is counted; the others around it are written."""
    writer = make()
    assert writer.append(Kind.CHUNK, RID, 0, 0, b"a")
    assert not writer.append(Kind.CHUNK, RID, 1, 0, bytes(MAX_PAYLOAD + 1))
    writer.append(Kind.CHUNK, b"short", 2, 0, b"")
    writer.append(Kind.CHUNK, RID, -3, 0, b"")
    assert writer.append(Kind.CHUNK, RID, 4, 0, memoryview(b"xbx")[1:2])
    await writer.synced()
    assert frames(folder) == [(0, b"a"), (4, b"b")]
    assert writer.status.lost_frames == 3
    assert writer.status.buffered_bytes == 0


async def test_short_writes_are_completed(make: Make, folder: Path) -> None:
    """A system call that takes seven bytes at a time changes nothing."""
    writer = make(FailingDisk(longest_write=7))
    for number in range(20):
        writer.append(Kind.CHUNK, RID, number, 0, b"x" * number)
    await writer.synced()
    assert frames(folder) == [(number, b"x" * number) for number in range(20)]


async def test_a_failed_sync_is_never_asked_again(make: Make, folder: Path) -> None:
    """After EIO a new segment gets everything unacknowledged; the waiters never notice (faults.md, row 22)."""
    disk = FailingDisk()
    writer = make(disk)
    writer.append(Kind.CHUNK, RID, 0, 0, b"acknowledged")
    await writer.synced()
    disk.sync_errors = [errno.EIO, errno.EIO]
    for number in range(1, 6):
        writer.append(Kind.CHUNK, RID, number, 0, b"x" * number)
    await writer.synced()
    there = segments(folder)
    assert len(there) == 3
    newest = [(item.sequence, item.payload) for item in on_tape(folder)[-5:] if isinstance(item, Frame)]
    assert newest == [(number, b"x" * number) for number in range(1, 6)]
    assert writer.status.errors == 2
    assert writer.status.lost_frames == 0


async def test_a_failed_write_goes_to_a_new_segment(make: Make, folder: Path) -> None:
    """EIO of a write costs nothing either."""
    disk = FailingDisk(write_errors=[errno.EIO] * 3)
    writer = make(disk)
    writer.append(Kind.START, RID, 0, 0, b"a")
    writer.append(Kind.CHUNK, RID, 1, 0, b"b")
    await writer.synced()
    assert frames(folder) == [(0, b"a"), (1, b"b")]
    assert len(segments(folder)) == 4


async def test_a_disk_that_hangs_never_holds_the_loop(make: Make) -> None:
    """While a sync hangs, appends return at once, memory is bounded, small frames are kept, losses are exact."""
    disk = FailingDisk()
    writer = make(disk)
    disk.gate.clear()
    writer.append(Kind.START, RID, 0, 0, b"")
    waiter = writer.synced()
    await asyncio.to_thread(disk.syncing.wait, 10)
    chunk, taken = bytes(MAX_PAYLOAD), 0
    while writer.append(Kind.CHUNK, RID, 1 + taken, 0, chunk):
        taken += 1
    assert 200 < taken < 256
    assert writer.status.level == "full"
    assert writer.append(Kind.END, RID, 2 + taken, 0, b"")
    assert not waiter.done()
    assert (writer.status.lost_frames, writer.status.lost_requests) == (1, 1)
    disk.gate.set()
    await writer.synced()
    assert writer.status.level == "ok"
    assert writer.status.buffered_bytes == 0


async def test_the_recorder_is_woken_by_an_end(make: Make, folder: Path) -> None:
    """An ``end`` rings the bell in the tape's folder; without a listener nothing happens."""
    writer = make()
    writer.append(Kind.END, RID, 0, 0, b"")
    await writer.synced()
    bell = TapeBell(folder)
    try:
        writer.append(Kind.END, RID, 0, 0, b"")
        assert await bell.wait(30)
        assert frames(folder)[-1] == (0, b"")
        assert not await bell.wait(0.01)
        writer.append(Kind.START, RID, 0, 0, b"")
        assert await bell.wait(30)
    finally:
        bell.close()
    assert not (folder / "recorder.sock").exists()


async def test_the_bell_in_a_deep_folder(tmp_path: Path) -> None:
    """A path too long for a unix socket is reached by the folder's descriptor."""
    folder = tmp_path / ("d" * 120) / "tape" / "node"
    folder.parent.parent.mkdir()
    writer = TapeWriter(folder, policy="serve", max_bytes=1 << 30, loop=asyncio.get_running_loop())
    writer.open()
    bell = TapeBell(folder)
    try:
        writer.append(Kind.END, RID, 0, 0, b"")
        assert await bell.wait(30)
    finally:
        bell.close()
        writer.close()


def test_the_bell_on_uvloop(tmp_path: Path) -> None:
    """The loop the product runs on hears it too."""

    async def rung() -> tuple[bool, bool]:
        bell = TapeBell(tmp_path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ringer:
            before = await bell.wait(0.01)
            ringer.sendto(b"\0", str(tmp_path / "recorder.sock"))
            heard = await bell.wait(30)
        bell.close()
        return before, heard

    assert uvloop.run(rung()) == (False, True)


async def test_a_later_recorder_takes_the_bell_over(tmp_path: Path) -> None:
    """A socket left behind is replaced; the one replaced does not remove its successor's."""
    first, second = TapeBell(tmp_path), TapeBell(tmp_path)
    first.close()
    first.close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ringer:
        ringer.sendto(b"\0", str(tmp_path / "recorder.sock"))
    assert await second.wait(30)
    second.close()


KILLED = """
import asyncio, os, sys
from pathlib import Path
from core.tape import Kind
from proxy.tape_writer import TapeWriter

async def main():
    writer = TapeWriter(Path(sys.argv[1]), policy="serve", max_bytes=1 << 30, loop=asyncio.get_running_loop())
    writer.open()
    for number in range(1_000_000):
        writer.append(Kind.CHUNK, bytes(16), number, 0, os.urandom(number % 5000))
        if number % 10 == 9:
            await writer.synced()
            print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 40, 90])
async def test_a_killed_writer_loses_nothing_that_was_synced(folder: Path, after: int) -> None:
    """SIGKILL at any moment: every acknowledged frame is there, in order; the folder is free (faults.md, row 13)."""
    folder.parent.parent.chmod(0o700)
    acknowledged = -1
    with subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, cwd=Path.cwd()) as child:
        assert child.stdout is not None
        for line in child.stdout:
            acknowledged = int(line)
            if acknowledged >= after * 10:
                child.send_signal(signal.SIGKILL)
                break
        with suppress(ValueError):
            acknowledged = max([acknowledged, *map(int, child.stdout.read().split())])
    numbers = [sequence for sequence, _ in frames(folder)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > acknowledged
    assert not held(folder)
