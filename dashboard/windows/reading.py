"""What routes and pages ask: the windows of all accounts, of one, their past and where they lead."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.access import Principal
from core.windows.forecast import Forecast
from core.windows.past import Move, Window, summary
from core.windows.reading import FIVE_HOURS, Source, length_of
from core.windows.sample import Sample
from core.windows.span import started_at
from dashboard.problems import Problem
from dashboard.windows import answers, shape
from dashboard.windows.accounts import Account, View, account_called, accounts_in_use, view_of
from dashboard.windows.estimate import Estimate, estimates
from dashboard.windows.outlook import Outlook, known, outlook
from dashboard.windows.query import HistoryQuery
from dashboard.windows.said import RECENT, Key, last_said, limits_said, named, past_windows, running, series
from dashboard.windows.usage import stretch
from dashboard.windows.use import Use, use_of
from sql.database import Database
from sql.rows.windows import AccountRateLimit, WindowNow

LENGTH: Final = timedelta(minutes=300)
"""The window that is inferred where none is asked for."""
MOST_ACCOUNTS: Final = 200
"""Accounts of one answer; of more the first by id."""


@dataclass(frozen=True, slots=True)
class Now:
    """One account's windows at a moment."""

    account: Account
    said: Mapping[Key, WindowNow]
    limits: Sequence[AccountRateLimit]
    estimate: Estimate


async def all_accounts(database: Database, principal: Principal, now: datetime) -> list[Now]:
    """The accounts of the last eight days, by id."""
    view = await view_of(database, principal)
    accounts = (await accounts_in_use(database, view, now - RECENT))[:MOST_ACCOUNTS]
    return await _now(database, view, accounts, LENGTH, now)


async def one_account(
    database: Database, view: View, account: Account, now: datetime, length: timedelta = LENGTH
) -> Now:
    """One account."""
    return (await _now(database, view, [account], length, now))[0]


async def _now(
    database: Database, view: View, accounts: Sequence[Account], length: timedelta, now: datetime
) -> list[Now]:
    said = await last_said(database, accounts, now)
    limits = await limits_said(database, accounts, now)
    found = await estimates(database, view, accounts, said, length, now)
    return [Now(one, said[one.account_id], limits[one.account_id], found[one.account_id]) for one in accounts]


async def found_account(database: Database, view: View, account_id: str) -> Account:
    """The account a path names. Raises Problem 404."""
    account = await account_called(database, view, account_id)
    if account is None:
        raise Problem(404, "there is no such account")
    return account


def chosen(said: Mapping[Key, WindowNow], window: str | None, now: datetime) -> tuple[Key, WindowNow] | None:
    """The running window whose use and forecast is told: the one asked for, else 5h, else the shortest that runs."""
    names = [window] if window is not None else [FIVE_HOURS, *(name for name, _ in named(said))]
    for name in names:
        row = running(said, name, now)
        if row is not None:
            return (name, Source(row.source)), row
    return None


async def use_since(database: Database, view: View, now: Now, row: WindowNow | None, at: datetime) -> Use:
    """What the running window was used for since it began; where none is known, the inferred one."""
    begun = started_at(row.reset_at, length_of(row.window_name)) if row is not None else None
    over = now.estimate.over if begun is None else stretch(begun, at)
    return await use_of(database, view, now.account, over)


async def moves_of(database: Database, now: Now, key: Key, at: datetime) -> Sequence[Move]:
    """Where the running window's end was moved."""
    since = at - (length_of(key[0]) or RECENT) - RECENT
    found = await past_windows(database, now.account, key, since)
    return found[-1].moves if found and found[-1].reset_at > at else ()


async def outlooks(
    database: Database, view: View, now: Now, at: datetime, *, calibrated: bool = False, brief: bool = False
) -> list[tuple[WindowNow, Outlook]]:
    """Where each running window leads, of the most trusted source that knows it; ``brief``: the forecast only."""
    names = list(dict.fromkeys(name for name, _ in named(now.said)))
    found = [(name, row) for name in names if (row := running(now.said, name, at)) is not None and length_of(name)]
    made = []
    for name, row in found:
        given = await known(database, view, now.account, (name, Source(row.source)), row, at, brief=brief)
        # 200 runs are milliseconds of arithmetic: not on the loop, where they would hold up all others.
        made.append((row, await asyncio.to_thread(outlook, given, at, calibrated=calibrated)))
    return made


@dataclass(frozen=True, slots=True)
class History:
    """An account's windows of one name and source."""

    account: Account
    key: Key
    since: datetime
    step: timedelta
    windows: Sequence[Window]
    samples: Sequence[Sample]


async def history(
    database: Database, principal: Principal, account_id: str, query: HistoryQuery, now: datetime
) -> History:
    """The past of an account's window. Raises Problem 404."""
    view = await view_of(database, principal)
    account = await found_account(database, view, account_id)
    key = (query.window, Source(query.source))
    since = now - timedelta(days=query.days)
    step = timedelta(minutes=5) if query.days <= 7 else timedelta(hours=1)
    windows = await past_windows(database, account, key, since)
    return History(account, key, since, step, windows, await series(database, account, key, since, step))


def history_answer(found: History, now: datetime) -> answers.HistoryAnswer:
    """The past as the API gives it."""
    length = length_of(found.key[0])
    told = summary(found.windows, now)
    return answers.HistoryAnswer(
        account_id=found.account.account_id,
        window=found.key[0],
        source=found.key[1],
        window_minutes=length // shape.MINUTE if length is not None else None,
        period=answers.PeriodAnswer(start=found.since, end=now),
        count=told.count,
        exhausted=told.exhausted,
        mean_peak=told.mean_peak,
        windows=[shape.past_window(window, length, now) for window in found.windows],
        step_minutes=found.step // shape.MINUTE,
        samples=[
            answers.SampleAnswer(at=one.at, utilization=one.utilization, reset_at=one.reset_at) for one in found.samples
        ],
    )


def pool(forecasts: Sequence[tuple[WindowNow, Outlook]]) -> answers.PoolAnswer:
    """Five-hour windows of all accounts together: they are dry when the last of them is."""
    made = [(row, told.forecast) for row, told in forecasts if row.window_name == FIVE_HOURS]

    def last(end: Callable[[Forecast], datetime | None]) -> datetime | None:
        ends = [end(one) if one is not None else None for _, one in made]
        known = [moment for moment in ends if moment is not None]
        return max(known) if known and len(known) == len(ends) else None

    resets = [row.reset_at for row, _ in made if row.reset_at is not None]
    return answers.PoolAnswer(
        accounts=len(made),
        dry_at=last(lambda one: one.exhausted_at),
        earliest=last(lambda one: one.earliest),
        latest=last(lambda one: one.latest),
        next_relief=min(resets, default=None),
    )
