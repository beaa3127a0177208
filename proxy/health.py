"""How a worker is: may it take calls, does the database answer; and the figures of the tape for its counters."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxy.counters import Counters
from proxy.tape_writer import TapeWriter

if TYPE_CHECKING:
    from sql.database import Database

FRESH_SECONDS = 2.0
ASK_SECONDS = 1.5
_COUNTED = {
    "tape_lost_frames": "lost_frames",
    "tape_lost_requests": "lost_requests",
    "tape_syncs": "syncs",
    "tape_sync_seconds": "sync_seconds_total",
    "tape_errors": "errors",
}


@dataclass
class Health:
    """One worker's state. The database is reported, never required."""

    tape: TapeWriter
    counters: Counters
    database: "Database | None"
    draining: bool = False
    _asked_at: float = field(default=float("-inf"), init=False)
    _answered: bool = field(default=False, init=False)
    _seen: dict[str, float] = field(default_factory=dict, init=False)

    @property
    def ok(self) -> bool:
        """Whether it can forward and tape."""
        return not self.draining and self.tape.accepting

    async def database_answers(self) -> bool:
        """Whether the database answers; asked at most every two seconds, waited for at most 1.5 s."""
        now = asyncio.get_running_loop().time()
        if self.database is None:
            return False
        if now - self._asked_at > FRESH_SECONDS:
            self._asked_at = now
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    self._answered = await self.database.alive()
            except TimeoutError:
                self._answered = False
        return self._answered

    def count(self) -> None:
        """Bring the tape's figures into the counters; what the tape counts since it was opened is added on."""
        status = self.tape.status
        for name, attribute in _COUNTED.items():
            value = float(getattr(status, attribute))
            self.counters.add(name, value - self._seen.get(name, 0.0))
            self._seen[name] = value
        self.counters.set("tape_bytes", status.bytes)
        self.counters.set("tape_max_bytes", status.max_bytes)
        self.counters.set("tape_buffered_bytes", status.buffered_bytes)
        self.counters.set("tape_full", 1.0 if status.level == "full" else 0.0)
