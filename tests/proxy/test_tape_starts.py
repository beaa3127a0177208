"""No call that went upstream is without a start on the tape, even if the process is killed before it was written."""

import asyncio
import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.tape import Frame, Kind
from proxy.tape_starts import SIZE, STARTS, Starts, rescue
from proxy.tape_writer import TapeWriter
from tests.tape_disk import FailingDisk, on_tape

KILLED_AT_ONCE = """
import asyncio, os, signal, sys
from pathlib import Path
from core.tape import Kind
from proxy.tape_disk import Disk
from proxy.tape_writer import TapeWriter

def never(*_):
    signal.pause()

async def main():
    disk = Disk(writev=never)
    loop = asyncio.get_running_loop()
    writer = TapeWriter(Path(sys.argv[1]), policy="serve", max_bytes=1 << 30, loop=loop, disk=disk)
    writer.open()
    for number in range(20):
        writer.append(Kind.START, bytes([number]) * 16, 0, number, b"start %d" % number)
        writer.append(Kind.CHUNK, bytes([number]) * 16, 1, number, b"chunk")
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of one tape."""
    return tmp_path / "tape" / "node-0"


def started(folder: Path) -> list[tuple[bytes, bytes]]:
    """Id and payload of the start frames on the tape."""
    return [(f.request_id, f.payload) for f in on_tape(folder) if isinstance(f, Frame) and f.kind is Kind.START]


def writer(folder: Path, disk: FailingDisk | None = None) -> TapeWriter:
    """A writer in a folder, not opened yet."""
    loop = asyncio.get_running_loop()
    return TapeWriter(folder, policy="serve", max_bytes=1 << 30, loop=loop, disk=disk and disk.disk())


async def test_a_start_outlives_a_kill_before_any_write(folder: Path) -> None:
    """The thread never wrote a byte; the next writer finds every start, in order, ahead of its own segment."""
    command = [sys.executable, "-c", KILLED_AT_ONCE, str(folder)]
    ended = await asyncio.to_thread(subprocess.run, command, check=False, cwd=Path.cwd())
    assert ended.returncode == -signal.SIGKILL
    assert started(folder) == []

    successor = writer(folder)
    successor.open()
    successor.close()
    assert started(folder) == [(bytes([number]) * 16, b"start %d" % number) for number in range(20)]


async def test_a_clean_close_leaves_nothing_to_rescue(folder: Path) -> None:
    """What is on the tape is not put there twice."""
    first = writer(folder)
    first.open()
    first.append(Kind.START, bytes(16), 0, 0, b"start")
    await asyncio.to_thread(first.close)
    assert not (folder / STARTS).exists()
    second = writer(folder)
    second.open()
    second.close()
    assert started(folder) == [(bytes(16), b"start")]


def test_the_ring_keeps_the_newest(tmp_path: Path) -> None:
    """However many come, the last ones are whole; what a newer one covers in part is passed over."""
    ring = Starts(tmp_path)
    for number in range(5000):
        ring.put(number.to_bytes(16, "big"), 0, number, bytes([number % 256]) * (number % 3000))
    assert rescue(tmp_path, FailingDisk().disk()) > 100
    rescued = started(tmp_path)
    newest = [int.from_bytes(request_id, "big") for request_id, _ in rescued]
    assert newest[-300:] == list(range(4700, 5000))
    assert all(payload == bytes([n % 256]) * (n % 3000) for n, (_, payload) in zip(newest, rescued, strict=True))


def test_what_is_too_large_for_the_ring_is_left_to_the_tape(tmp_path: Path) -> None:
    """A frame larger than the ring breaks nothing."""
    ring = Starts(tmp_path)
    ring.put(bytes(16), 0, 0, b"kept")
    ring.put(bytes(15) + b"\1", 0, 0, bytes(SIZE))
    rescue(tmp_path, FailingDisk().disk())
    assert started(tmp_path) == [(bytes(16), b"kept")]


def test_a_full_disk_keeps_the_ring_for_later(tmp_path: Path) -> None:
    """A rescue that fails can be done again."""
    Starts(tmp_path).put(bytes(16), 0, 0, b"start")
    full = FailingDisk(write_errors=[errno.ENOSPC])
    with pytest.raises(OSError, match="injected"):
        rescue(tmp_path, full.disk())
    assert rescue(tmp_path, FailingDisk().disk()) == 1
    assert started(tmp_path) == [(bytes(16), b"start")]


@pytest.mark.parametrize("content", [b"", b"x" * 100, bytes(SIZE)])
def test_a_ring_of_nonsense_holds_nothing(tmp_path: Path, content: bytes) -> None:
    """A file cut short, foreign or empty is no ring."""
    (tmp_path / STARTS).write_bytes(content)
    assert rescue(tmp_path, FailingDisk().disk()) == 0
