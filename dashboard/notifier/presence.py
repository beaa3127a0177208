"""Who else tells alerts: all dashboards of one installation need the same SLACK_WEBHOOK_URL, and are asked about it.

The row of its channel holds no secret, so whoever claims a message tells it on the webhook of his own environment.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from core.errors import BadSettingError
from core.settings import Settings
from dashboard import log
from dashboard.notifier.target import NOT_SET
from dashboard.secret import sealing_key
from sql.database import Database
from sql.rows.alerts_deliver import NotifiersDiffer

EVERY: Final = timedelta(seconds=15)
"""So often a notifier says that it is there; a minute after the last time it is not believed to be."""
NONE: Final = "none"
UNKNOWN: Final = "unknown"
LENGTH: Final = 16


@dataclass(slots=True)
class Presence:
    """One notifier among others."""

    database: Database
    settings: Settings
    number: UUID = field(default_factory=uuid4)
    _next: datetime | None = None
    _differed: bool = False

    async def note(self, now: datetime) -> None:
        """Say that it is there, where that is due; what differs is logged once. Raises DatabaseError."""
        if self._next is not None and now < self._next:
            return
        found = await self.database.fetch_one("notifier_seen", NotifiersDiffer, self.number, mark(self.settings), now)
        self._next = now + EVERY
        differ = found is not None and found.differ
        if differ and not self._differed:
            log.write("slack_webhook_url_differs_from_another_dashboards")
        self._differed = differ
        if self.settings.slack_webhook_url is None:
            await self.database.execute("notifier_no_environment", NOT_SET, now)

    async def leave(self) -> None:
        """Say that it stops. Raises DatabaseError."""
        await self.database.execute("notifier_left", self.number)


def mark(settings: Settings) -> str:
    """By what a webhook of the environment is told from another; nobody can find the webhook by it."""
    if settings.slack_webhook_url is None:
        return NONE
    try:
        key = sealing_key(settings)
    except BadSettingError:
        key = None
    if key is None:
        return UNKNOWN
    said = b"footplate: which SLACK_WEBHOOK_URL, 1|" + settings.slack_webhook_url.encode()
    return hmac.digest(key, said, "sha256").hex()[:LENGTH]
