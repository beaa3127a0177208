"""How a worker is: may it take calls, does the database answer; and the figures of the tape for its counters."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxy import log
from proxy.counters import Counters
from proxy.tape_status import Level, TapeStatus
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
    _told: Level = field(default="ok", init=False)
    _told_losses: int = field(default=0, init=False)
    _losing: bool = field(default=False, init=False)

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
        self._tell(status)
        for name, attribute in _COUNTED.items():
            value = float(getattr(status, attribute))
            self.counters.add(name, value - self._seen.get(name, 0.0))
            self._seen[name] = value
        self.counters.set("tape_bytes", status.bytes)
        self.counters.set("tape_max_bytes", status.max_bytes)
        self.counters.set("tape_buffered_bytes", status.buffered_bytes)
        self.counters.set("tape_full", 1.0 if status.level == "full" else 0.0)

    def _tell(self, status: TapeStatus) -> None:
        """Log each change of the tape's level once, and where a time of losses begins and ends."""
        lost, new = status.lost_requests, status.lost_requests - self._told_losses
        node = self.tape.node
        if new and not self._losing:
            self._losing = True
            log.write("tape loses what it is given", node=node, count=new)
        if self._losing and status.level != "full":
            self._losing, self._told_losses = False, lost
            log.write("tape takes everything again", node=node, count=new)
        if status.level != self._told:
            self._told = status.level
            log.write("tape level", node=node, level=status.level)
