"""How long disk and machine let a writer wait, measured beside the product while things are killed.

    python -m tests.chaos.stalls FILE LOG

The tape's thread writes every 5 ms, but not while it syncs or nobody lets it run: then what a client has got already
waits in memory, and goes with a process that is killed. How long that is, is the disk's and the machine's to say, so
this does what that thread does, to a FILE on the same disk, and notes in LOG when it was held up.
"""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from proxy.tape_deck import FLUSH_SECONDS, UNSYNCED_SECONDS

LOOK_BACK_SECONDS = 2.0
"""A sync of ours and one of the tape's need not fall together; what held one up lasts."""


@dataclass(frozen=True)
class Stalls:
    """When a writer was held up: begin and end of each write with its sync, on the monotonic clock."""

    rounds: tuple[tuple[float, float], ...] = ()

    def longest(self, until: float) -> float:
        """Seconds that what was written just before a moment may have waited at most."""
        near = (end - begin for begin, end in self.rounds if begin <= until <= end + LOOK_BACK_SECONDS)
        return max(near, default=FLUSH_SECONDS)


def read_stalls(log: Path) -> Stalls:
    """What was noted; a line that was not finished is left out."""
    lines = log.read_text().split("\n")[:-1] if log.exists() else []
    return Stalls(tuple((begin, end) for begin, end in map(json.loads, lines)))


def main(file: Path, log: Path) -> None:
    """Write until killed."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with log.open("a", buffering=1) as noted:
        while True:
            begin = time.monotonic()
            os.write(descriptor, bytes(4096))
            os.fdatasync(descriptor)
            time.sleep(FLUSH_SECONDS)  # the thread's own pace: there is nothing that it waits for
            end = time.monotonic()
            if end - begin > 2 * FLUSH_SECONDS:
                noted.write(f"[{begin}, {end}]\n")
            time.sleep(UNSYNCED_SECONDS - FLUSH_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
