"""What a worker counts, in a mapped file of its own, so that any worker can answer for all (``/metrics``).

Adding is one addition in memory. Counters survive a restart of their worker; gauges count only while their worker
lives, which its lock on the file tells.
"""

import fcntl
import mmap
import os
import zlib
from bisect import bisect_left
from pathlib import Path
from struct import pack, unpack_from
from typing import Final

from core.models import Outcome
from core.refusals import Reason

CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx", "none")
HISTOGRAMS: Final[dict[str, tuple[float, ...]]] = {
    "overhead": (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0),
    "ttft": (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
    "duration": (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0),
}
"""Upper bounds of the buckets, seconds."""
PLAIN: Final = (
    *("head_sync_misses", "client_truncated", "request_bytes", "response_bytes"),
    *("tape_lost_frames", "tape_lost_requests", "tape_syncs", "tape_sync_seconds", "tape_errors"),
)
GAUGES: Final = (
    *("open_calls", "open_connections", "loop_lag_seconds"),
    *("tape_bytes", "tape_max_bytes", "tape_buffered_bytes", "tape_full"),
)


def _layout() -> dict[str, int]:
    names = [f"outcome:{outcome}" for outcome in Outcome]
    names += [f"class:{name}" for name in CLASSES]
    names += [f"refused:{reason}" for reason in Reason]
    for name, bounds in HISTOGRAMS.items():
        names += [f"{name}:{place}" for place in range(len(bounds) + 1)] + [f"{name}:sum"]
    names += [*PLAIN, *GAUGES]
    return {name: place for place, name in enumerate(names)}


LAYOUT: Final = _layout()
_HISTOGRAMS: Final = {name: (bounds, LAYOUT[f"{name}:0"], LAYOUT[f"{name}:sum"]) for name, bounds in HISTOGRAMS.items()}
_OUTCOMES: Final = {outcome: LAYOUT[f"outcome:{outcome}"] for outcome in Outcome}
_CLASSES: Final = {number: LAYOUT[f"class:{number}xx"] for number in range(1, 6)}
_NO_CLASS: Final = LAYOUT["class:none"]
_REQUEST_BYTES: Final = LAYOUT["request_bytes"]
_RESPONSE_BYTES: Final = LAYOUT["response_bytes"]
_SIZE: Final = 8 * len(LAYOUT)
_HEADER: Final = pack("<Q", zlib.crc32("\n".join(LAYOUT).encode()))


class Counters:
    """The counters of this worker. All methods are for the event loop's thread."""

    def __init__(self, folder: Path, slot: int) -> None:
        """Map ``<folder>/proxy-<slot>.counters`` and lock it; a file of another version begins anew."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"proxy-{slot}.counters"
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        if os.pread(self._descriptor, 8, 0) != _HEADER or os.fstat(self._descriptor).st_size != 8 + _SIZE:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, _HEADER + bytes(_SIZE), 0)
        self._map = mmap.mmap(self._descriptor, 8 + _SIZE)
        self._view = memoryview(self._map)[8:]
        self._values = self._view.cast("d")
        for name in GAUGES:
            self.set(name, 0.0)

    def add(self, name: str, amount: float = 1.0) -> None:
        """Add to a counter or gauge."""
        self._values[LAYOUT[name]] += amount

    def set(self, name: str, value: float) -> None:
        """Set a gauge."""
        self._values[LAYOUT[name]] = value

    def observe(self, histogram: str, seconds: float) -> None:
        """Count one observation."""
        bounds, first, total = _HISTOGRAMS[histogram]
        self._values[first + bisect_left(bounds, seconds)] += 1
        self._values[total] += seconds

    def count_call(self, outcome: Outcome, status: int, request_bytes: int, response_bytes: int) -> None:
        """Count one relayed call; ``status`` is 0 where the client got no answer."""
        values = self._values
        values[_OUTCOMES[outcome]] += 1
        values[_CLASSES.get(status // 100, _NO_CLASS)] += 1
        values[_REQUEST_BYTES] += request_bytes
        values[_RESPONSE_BYTES] += response_bytes

    def get(self, name: str) -> float:
        """The value of this worker."""
        return self._values[LAYOUT[name]]

    def close(self) -> None:
        """Unmap and unlock."""
        self._values.release()
        self._view.release()
        self._map.close()
        os.close(self._descriptor)


def total(folder: Path) -> dict[str, float]:
    """The sum over all workers that ever counted in this folder; gauges over the living ones only."""
    sums = dict.fromkeys(LAYOUT, 0.0)
    for path in sorted(folder.glob("proxy-*.counters")):
        with path.open("rb") as file:
            content = file.read()
            if content[:8] != _HEADER or len(content) != 8 + _SIZE:
                continue
            dead = _unlocked(file.fileno())
        for (name, _), value in zip(LAYOUT.items(), unpack_from(f"<{len(LAYOUT)}d", content, 8), strict=True):
            if name == "loop_lag_seconds":
                sums[name] = sums[name] if dead else max(sums[name], value)
            elif not (dead and name in GAUGES):
                sums[name] += value
    return sums


def _unlocked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
