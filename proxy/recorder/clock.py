"""The server's clock, kept between looks at it: what time it is, is the database's word."""

from collections.abc import Callable
from datetime import datetime, timedelta

from proxy.recorder.filing import Span
from sql.database import Database
from sql.rows.record import RecorderClock

LOOK_AGAIN_SECONDS = 600.0


class ServerClock:
    """When the installation began and what time it is there. Looks again every ten minutes."""

    def __init__(self, database: Database, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._monotonic = monotonic
        self._seen: tuple[RecorderClock, float] | None = None

    async def _look(self) -> tuple[RecorderClock, float]:
        row = await self._database.fetch_one("record_clock", RecorderClock)
        if row is None:
            raise AssertionError("every migrated database has its installation row")
        return row, self._monotonic()

    async def span(self) -> Span:
        """Which ids are plausible now."""
        row, seconds = await self._last()
        return Span.around(row.installed_at, row.now + timedelta(seconds=seconds))

    async def now(self) -> datetime:
        """What time it is."""
        row, seconds = await self._last()
        return row.now + timedelta(seconds=seconds)

    async def compression(self) -> str:
        """The best compression of bodies this server has: ``lz4`` or ``pglz``."""
        return (await self._last())[0].compression

    async def _last(self) -> tuple[RecorderClock, float]:
        if self._seen is None or self._monotonic() - self._seen[1] > LOOK_AGAIN_SECONDS:
            self._seen = await self._look()
        row, at = self._seen
        return row, self._monotonic() - at
