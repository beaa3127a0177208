"""What was reported or polled of accounts' windows: the last word, samples over time, the ends a window had."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from core.windows.past import Seen, Window, windows
from core.windows.reading import OVERALL, Source, length_of
from core.windows.sample import Sample
from dashboard.windows.accounts import Account
from sql.database import Database
from sql.rows.windows import AccountRateLimit, WindowNow, WindowSample, WindowSeen

RECENT: Final = timedelta(days=8)
"""A window of which nothing was said for longer is not listed."""
MOST_SAMPLES: Final = 4000

Key = tuple[str, Source]
"""A window by name and source."""


async def last_said(
    database: Database, accounts: Sequence[Account], now: datetime
) -> Mapping[str, Mapping[Key, WindowNow]]:
    """By account id: the last word of each source on each window, the overall one too."""
    owners = {number: account.account_id for account in accounts for number in account.numbers}
    rows = await database.fetch("windows_now", WindowNow, sorted(owners), now - RECENT) if owners else []
    found: dict[str, dict[Key, WindowNow]] = {account.account_id: {} for account in accounts}
    for row in rows:
        key = (row.window_name, Source(row.source))
        before = found[owners[row.account]].get(key)
        if before is None or before.last_at < row.last_at:
            found[owners[row.account]][key] = row
    return found


def live(row: WindowNow, now: datetime) -> bool:
    """Whether a window still runs: its end has not come, or, where none was told, it was seen not long ago."""
    if row.reset_at is not None:
        return row.reset_at > now
    return now - row.last_at < (length_of(row.window_name) or RECENT)


def running(said: Mapping[Key, WindowNow], name: str, now: datetime) -> WindowNow | None:
    """The word on a running window of the most trusted source that has one with a utilisation."""
    for source in (Source.REPORTED, Source.POLLED):
        row = said.get((name, source))
        if row is not None and row.utilization is not None and live(row, now):
            return row
    return None


def members(row: WindowNow) -> Mapping[str, str]:
    """What was said of a window that has no column."""
    return row.more or {}


def named(said: Iterable[Key]) -> list[Key]:
    """Windows in the order they are shown: short before long, one model's after all models', of no length last."""

    def place(key: Key) -> tuple[timedelta, int, str, int]:
        length = length_of(key[0]) or timedelta.max
        return (length, len(key[0]), key[0], list(Source).index(key[1]))

    return sorted((key for key in said if key[0] != OVERALL), key=place)


async def samples(database: Database, account: Account, key: Key, since: datetime) -> list[Sample]:
    """Every observation kept of a window since a moment, in order of time; the latest so many."""
    name, source = key
    rows = await database.fetch(
        "window_samples", WindowSample, list(account.numbers), name, source, since, MOST_SAMPLES
    )
    return [Sample(row.observed_at, row.utilization, row.reset_at) for row in reversed(rows)]


async def series(database: Database, account: Account, key: Key, since: datetime, step: timedelta) -> list[Sample]:
    """The same in steps: the highest of each."""
    name, source = key
    rows = await database.fetch("window_series", WindowSample, list(account.numbers), name, source, since, step)
    return [Sample(row.observed_at, row.utilization, row.reset_at) for row in rows]


async def past_windows(database: Database, account: Account, key: Key, since: datetime) -> list[Window]:
    """The windows that ended since a moment or still run, in order of time."""
    name, source = key
    rows = await database.fetch("windows_seen", WindowSeen, list(account.numbers), name, source, since)
    return windows(Seen(row.reset_at, row.first_at, row.last_at, row.peak, row.rejected_at) for row in rows)


async def limits_said(
    database: Database, accounts: Sequence[Account], now: datetime
) -> Mapping[str, Sequence[AccountRateLimit]]:
    """By account id: the per-minute limits of its API key."""
    owners = {number: account.account_id for account in accounts for number in account.numbers}
    rows = await database.fetch("rate_limits_of", AccountRateLimit, sorted(owners), now - RECENT) if owners else []
    found: dict[str, list[AccountRateLimit]] = {account.account_id: [] for account in accounts}
    for row in rows:
        found[owners[row.account]].append(row)
    return found
