"""All accounts' windows at a glance, by one query: bars, their pace, and when the last hour's rate empties them.

The range of a forecast takes more reading: ``outlook`` has it, for one account.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.windows.burn import PERIOD, burn
from core.windows.forecast import forecast
from core.windows.reading import FIVE_HOURS, REJECTED, Source, length_of
from core.windows.sample import Sample
from core.windows.span import elapsed, pace
from dashboard.windows.said import RECENT, named
from dashboard.windows.shape import STALE
from sql.database import Database
from sql.rows.usage_pages import WindowGlance


@dataclass(frozen=True, slots=True)
class Bar:
    """What one source said last of one window; never two sources in one (rule N8)."""

    window: str
    source: Source
    utilization: float | None
    status: str | None
    reset_at: datetime | None
    observed_at: datetime
    elapsed: float | None
    pace: float | None
    rejected_at: datetime | None
    over: bool
    """Its end has passed: what is said is how it ended."""
    stale: bool
    dry_at: datetime | None
    """When it is used up at the rate of the last hour; None where it lasts, or where too little was seen."""
    rated: bool
    """Whether enough was seen to say so."""

    @property
    def rejected(self) -> bool:
        """Whether it refuses calls."""
        return self.status == REJECTED


@dataclass(frozen=True, slots=True)
class AccountGlance:
    """An account and its windows, the short ones first."""

    account_id: str
    display_name: str | None
    kind: str
    bars: Sequence[Bar]

    @property
    def title(self) -> str:
        """What it is called."""
        return self.display_name or self.account_id

    @property
    def subscription(self) -> bool:
        """Whether it has windows at all: an API key is billed by use."""
        return self.kind == "oauth"


@dataclass(frozen=True, slots=True)
class Pool:
    """Running five-hour windows of all accounts together."""

    accounts: int
    dry_at: datetime | None
    next_relief: datetime | None


async def glances(database: Database, trains: Sequence[int], now: datetime, *, whole: bool) -> list[AccountGlance]:
    """The accounts of the last eight days, by id. ``whole`` also has those that only their windows were seen of."""
    rows = await database.fetch("windows_at_a_glance", WindowGlance, list(trains), now - RECENT, whole, now - PERIOD)
    of: dict[str, list[WindowGlance]] = {}
    for row in rows:
        of.setdefault(row.account_id, []).append(row)
    return [_account(name, own, now) for name, own in of.items()]


def _account(name: str, rows: Sequence[WindowGlance], now: datetime) -> AccountGlance:
    latest: dict[tuple[str, Source], WindowGlance] = {}
    for row in rows:
        if row.window_name is None or row.source is None or row.last_at is None:
            continue
        key = (row.window_name, Source(row.source))
        before = latest.get(key)
        if before is None or (before.last_at or row.last_at) < row.last_at:
            latest[key] = row
    bars = [_bar(key, latest[key], latest[key].last_at or now, now) for key in named(latest)]
    return AccountGlance(name, rows[0].display_name, rows[0].kind, bars)


def _bar(key: tuple[str, Source], row: WindowGlance, observed_at: datetime, now: datetime) -> Bar:
    window, source = key
    length = length_of(window)
    gone = elapsed(row.reset_at, length, now)
    over = row.reset_at <= now if row.reset_at is not None else now - observed_at >= (length or RECENT)
    stale = now - observed_at > STALE
    rated, dry = (False, None) if over or stale else _dry(row, now)
    return Bar(
        window, source, row.utilization, row.status, row.reset_at, observed_at, gone,
        None if over else pace(row.utilization, gone), row.rejected_at, over, stale, dry, rated,
    )  # fmt: skip


def _dry(row: WindowGlance, now: datetime) -> tuple[bool, datetime | None]:
    """Whether the last hour says how fast it goes, and when it is used up at that rate, before its reset."""
    if row.utilization is None or row.reset_at is None:
        return False, None
    samples = [Sample(at, used, row.reset_at) for at, used in zip(row.seen_at, row.seen, strict=True)]
    made = forecast(now, row.utilization, row.reset_at, burn(samples, now), [])
    return made is not None, made.exhausted_at if made is not None else None


def pool_of(accounts: Sequence[AccountGlance]) -> Pool | None:
    """All running five-hour windows as one; None without any. Dry when the last of them is."""
    running = [bar for account in accounts if (bar := five_hours(account)) is not None]
    if not running:
        return None
    ends = [bar.dry_at for bar in running]
    known = [moment for moment in ends if moment is not None]
    resets = [bar.reset_at for bar in running if bar.reset_at is not None]
    return Pool(len(running), max(known) if len(known) == len(ends) else None, min(resets, default=None))


def five_hours(account: AccountGlance) -> Bar | None:
    """Its running five-hour window, of the most trusted source that tells its use."""
    return next(
        (bar for bar in account.bars if bar.window == FIVE_HOURS and not bar.over and bar.utilization is not None), None
    )


def fullest(accounts: Sequence[AccountGlance]) -> Bar | None:
    """The fullest five-hour window that is reported and still true."""
    running = [bar for account in accounts if (bar := five_hours(account)) is not None]
    official = [bar for bar in running if bar.source is Source.REPORTED]
    return max(official, key=lambda bar: bar.utilization or 0.0, default=None)


def until(moment: datetime, now: datetime) -> timedelta:
    """How long it is to a moment, never below nothing."""
    return max(timedelta(0), moment - now)
