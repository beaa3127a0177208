"""Usage windows that fill up, or that the rate of the last hour empties before their reset."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from core.alerts.kinds import Kind, Tone
from core.alerts.told import Told
from core.alerts.watch import Measure
from core.alerts.watch_words import lasting, plain
from core.windows.reading import Source
from dashboard.alerts.look import Found, Given, found
from dashboard.totals.wording import percent
from dashboard.windows.glance import AccountGlance, Bar, glances
from dashboard.windows.wording import window_title
from sql.database import Database
from sql.rows.alerts_watch import AlertAccount

KINDS: Final = (Kind.WINDOW, Kind.DRY)
END_STEP: Final = 300
"""Seconds. Ends of windows lie on whole five minutes; what is said of one wavers around it."""


async def look(database: Database, given: Given) -> Found:
    """The windows as the provider reported them, where that is still true. Raises sql's errors."""
    # Without trains: who used an account is not asked, only what was said of its windows.
    accounts = await glances(database, [], given.now, whole=True)
    rows = await database.fetch("alert_accounts", AlertAccount, [one.account_id for one in accounts])
    numbers = {row.account_id: row.account for row in rows}
    told = [(one, bar) for one in accounts for bar in one.bars if _is_told(bar)]
    full = [_full(one, bar, numbers, given) for one, bar in told]
    dry = [(bar, _dry(one, bar, numbers, given)) for one, bar in told]
    worth = [measure for bar, measure in dry if bar.dry_at is not None and (bar.utilization or 0) < 1]
    gone = "Nothing was said of it for days."
    filling = found(given, Kind.WINDOW, full, gone=gone)
    return filling + found(given, Kind.DRY, [one for _, one in dry], worth, gone=gone)


def _is_told(bar: Bar) -> bool:
    return bar.source is Source.REPORTED and bar.utilization is not None


def _full(account: AccountGlance, bar: Bar, numbers: Mapping[str, int], given: Given) -> Measure:
    share = percent(bar.utilization)
    name = f"{plain(account.title, 128)}: window of {window_title(bar.window)}"
    cause = "The provider refuses calls until then." if bar.rejected else "As the provider's headers say."
    told = Told(
        title=f"{name}, {share} used",
        cause=cause,
        fields=_fields(account, bar, given, Kind.WINDOW),
        path=_path(account, bar),
        page="The window's course",
    )
    return _measure(Kind.WINDOW, account, bar, numbers, told)


def _dry(account: AccountGlance, bar: Bar, numbers: Mapping[str, int], given: Given) -> Measure:
    name = f"{plain(account.title, 128)}: window of {window_title(bar.window)}"
    fields = _fields(account, bar, given, Kind.DRY)
    about = "soon" if bar.dry_at is None else f"about {given.moment(bar.dry_at, Kind.DRY)}"
    told = Told(
        title=f"{name} runs dry {about}",
        cause="At the rate of the last hour it is used up before its reset. The page has the range of the forecast.",
        fields=fields if bar.dry_at is None else (*fields, ("Left", lasting(bar.dry_at - given.now))),
        path=_path(account, bar),
        page="The forecast",
    )
    return _measure(Kind.DRY, account, bar, numbers, told)


def _measure(kind: Kind, account: AccountGlance, bar: Bar, numbers: Mapping[str, int], told: Told) -> Measure:
    return Measure(
        kind,
        f"{account.account_id}/{bar.window}",
        100 * (bar.utilization or 0.0),
        told,
        percent(bar.utilization),
        account=numbers.get(account.account_id),
        # Of one whose end was never told it is known afterwards only.
        expires_at=bar.observed_at if bar.over and bar.reset_at is None else bar.reset_at,
        sure=not (bar.over or bar.stale),
        tone=Tone.WARNING if kind is Kind.DRY else None,
        incident=_end(bar.reset_at) if kind is Kind.DRY and bar.reset_at is not None else None,
    )


def _end(reset_at: datetime) -> datetime:
    """The end of a window, the same however it wavers."""
    return datetime.fromtimestamp(END_STEP * round(reset_at.timestamp() / END_STEP), UTC)


def _fields(account: AccountGlance, bar: Bar, given: Given, kind: Kind) -> tuple[tuple[str, str], ...]:
    reset = () if bar.reset_at is None else (("Resets", given.moment(bar.reset_at, kind)),)
    gone = () if bar.elapsed is None else (("Time gone", percent(bar.elapsed)),)
    return (("Account", plain(account.title, 128)), ("Used", percent(bar.utilization)), *gone, *reset)


def _path(account: AccountGlance, bar: Bar) -> str:
    return "/windows/" + quote(account.account_id, safe="") + "?" + urlencode({"window": bar.window})
