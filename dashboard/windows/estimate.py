"""The inferred window: our own sums of the last so many minutes, against a limit that was never told (usage.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.windows.inferred import Limit, limit
from core.windows.reading import FIVE_HOURS, length_of
from core.windows.span import started_at
from dashboard.windows.accounts import Account, View
from dashboard.windows.said import Key, running
from dashboard.windows.usage import Stretch, Sum, stretch, summed, usage_of
from sql.database import Database
from sql.rows.windows import AccountUsage, RejectedWindow, WindowNow

NAMES: Final[Mapping[timedelta, str]] = {timedelta(hours=5): FIVE_HOURS, timedelta(days=7): "7d"}
"""The window that a rolling one of this length is compared with."""
REMEMBERED: Final = timedelta(days=35)
"""A rejection of longer ago says nothing of today's limit."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What we recorded of an account in a stretch of time, and what that may be of its window."""

    over: Stretch
    length: timedelta
    rows: Sequence[AccountUsage]
    limit: Limit | None

    @property
    def sum(self) -> Sum:
        """All requests of it."""
        return summed(self.rows)

    @property
    def utilization(self) -> float | None:
        """Share of the limit; None where nothing is known of one."""
        return self.sum.total_tokens / self.limit.tokens if self.limit is not None else None

    @property
    def reset_at(self) -> datetime | None:
        """When the oldest request falls out of the window; None without any."""
        first = self.sum.first_at
        return first + self.length if first is not None else None


async def estimates(
    database: Database,
    view: View,
    accounts: Sequence[Account],
    said: Mapping[str, Mapping[Key, WindowNow]],
    length: timedelta,
    now: datetime,
) -> Mapping[str, Estimate]:
    """By account id: the last ``length`` up to now. Only those that were used in it are asked for their limit."""
    over = stretch(now - length, now)
    used = await usage_of(database, view, accounts, over)
    found: dict[str, Estimate] = {}
    for account in accounts:
        rows = used[account.account_id]
        words = said.get(account.account_id, {})
        known = await _limit(database, view, account, words, length, now) if rows and view.whole else None
        found[account.account_id] = Estimate(over, length, rows, known)
    return found


async def _limit(
    database: Database, view: View, account: Account, said: Mapping[Key, WindowNow], length: timedelta, now: datetime
) -> Limit | None:
    name = NAMES.get(length)
    if name is None:
        return None
    rejected = await database.fetch(
        "rejected_windows", RejectedWindow, view.numbers, list(account.numbers), name, length, now - REMEMBERED
    )
    found = limit(row.total_tokens for row in rejected)
    if found is not None:
        return found
    row = running(said, name, now)
    begun = started_at(row.reset_at, length_of(name)) if row is not None else None
    if row is None or begun is None:
        return None
    since = await usage_of(database, view, [account], stretch(begun, row.last_at + timedelta(microseconds=1)))
    return limit([], summed(since[account.account_id]).total_tokens, row.utilization)
