"""The notifier: once a second it looks what is due, and tells it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from core.alerts.kinds import KINDS
from core.settings import Settings
from dashboard import log
from dashboard.notifier import target
from dashboard.notifier.answers import reasons
from dashboard.notifier.delivery import Delivery
from dashboard.notifier.posting import Slack
from dashboard.notifier.presence import Presence
from dashboard.notifier.turn import SPACING, take_turn
from sql.database import Database
from sql.errors import DatabaseError
from sql.rows.alerts_deliver import WorkDue

LOOK_SECONDS: Final = 1.0
GRACE_SECONDS: Final = 0.4
"""How long a message that is being sent may still take when the notifier is stopped."""


class Notifier:
    """Delivers what waits in the outbox."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._pause = pause
        self._slack = Slack(settings)
        self._presence = Presence(database, settings)
        self._delivery = Delivery(database, settings, self._slack, clock, pause)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._stopping = False

    async def run(self) -> None:
        """Until cancelled; then what is being sent is finished within moments, or given back."""
        try:
            async with asyncio.TaskGroup() as group:
                try:
                    await self._go_on(group)
                except asyncio.CancelledError:
                    self._stopping = True
                    if self._running:
                        await asyncio.wait(self._running.values(), timeout=GRACE_SECONDS)
                    raise
        finally:
            await self.close()

    async def look(self) -> bool:
        """Do at once what is due, one message a channel; whether anything was told or tried."""
        told = False
        for channel in await self._due():
            told |= await self._tell_next(channel)
        return told

    async def set_up(self) -> None:
        """Say that it is there, and make the environment's channel what that says of it. Raises DatabaseError."""
        await self._presence.note(self._clock())
        if self._settings.slack_webhook_url is not None:
            parts = urlsplit(self._settings.slack_webhook_url)
            masked = f"{parts.scheme}://{parts.hostname}/…"
            known = [*reasons(), *target.REASONS]
            await self._database.execute("notifier_environment", masked, known)

    async def close(self) -> None:
        """Close the connections to Slack, and say so to the others; where that fails they know within a minute."""
        await self._slack.close()
        with suppress(DatabaseError, TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await self._presence.leave()

    async def _go_on(self, group: asyncio.TaskGroup) -> None:
        await self._until_known()
        while True:
            for channel in await self._due():
                if channel not in self._running:
                    self._running[channel] = group.create_task(self._serve(channel))
            await self._pause(LOOK_SECONDS)

    async def _until_known(self) -> None:
        while True:
            with suppress(DatabaseError):
                return await self.set_up()
            await self._pause(LOOK_SECONDS)

    async def _due(self) -> list[int]:
        """Channels whose turn it is; what ran out, or has no channel, is seen to on the way."""
        now = self._clock()
        try:
            await self._presence.note(now)
            due = await self._database.fetch("notifier_due", WorkDue, now)
            works = {one.work for one in due}
            if "lost" in works:
                await self._database.execute("notifier_lost", now)
            if "route" in works:
                matter = {str(kind): about.matters_for for kind, about in KINDS.items() if about.matters_for}
                await self._database.execute("notifier_route", now, list(matter), list(matter.values()))
            if works & {"lost", "route"}:
                due = await self._database.fetch("notifier_due", WorkDue, now)
        except DatabaseError:
            return []  # away: what waits goes on waiting, and pages say that the database is away
        return sorted(one.channel for one in due if one.work == "turn" and one.channel is not None)

    async def _serve(self, channel: int) -> None:
        """One message after another, a second apart, as long as there is one."""
        try:
            while await self._tell_next(channel) and not self._stopping:
                await self._pause(SPACING.total_seconds())
        finally:
            del self._running[channel]

    async def _tell_next(self, channel: int) -> bool:
        try:
            knows = self._settings.slack_webhook_url is not None
            claimed = await take_turn(self._database, channel, self._clock(), knows_environment=knows)
            if claimed is None:
                return False
            await self._delivery.tell(claimed)
        except DatabaseError:
            return False
        except Exception as exc:  # noqa: BLE001  one channel must not stop the others
            log.write_failure(exc, request_id=None, route="notifier")
            return False
        return True
