"""Where a running window leads: its rate, its forecast, what one per cent costs, and how good forecasts were so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from core.windows.burn import PERIOD, Burn, burn
from core.windows.calibration import Calibration, calibration
from core.windows.forecast import Forecast, forecast, step_of
from core.windows.past import Window
from core.windows.reading import length_of
from core.windows.sample import Sample, increments
from core.windows.worth import Worth, worth
from dashboard.windows.accounts import Account, View
from dashboard.windows.said import Key, past_windows, samples, series
from sql.database import Database
from sql.rows.windows import AccountUsageStep, WindowNow

WEEKS: Final = timedelta(days=28)
"""The past that forecasts throw their lots from."""
PRICED: Final = timedelta(days=7)
"""The past that what one per cent costs is told from."""
SHORTEST: Final = timedelta(minutes=30)
"""Utilisation often comes in whole per cents: what one costs, told from shorter steps, would fit the rounding."""


@dataclass(frozen=True, slots=True)
class Known:
    """What an outlook is made from: read once, then pure."""

    row: WindowNow
    length: timedelta
    recent: Sequence[Sample]
    past: Sequence[Sample]
    windows: Sequence[Window]
    costs: Sequence[AccountUsageStep]


@dataclass(frozen=True, slots=True)
class Outlook:
    """All None where too little was seen."""

    burn: Burn | None
    forecast: Forecast | None
    worth: Worth | None
    calibration: Calibration | None


async def known(
    database: Database, view: View, account: Account, key: Key, row: WindowNow, now: datetime, *, brief: bool = False
) -> Known:
    """What is known of a running window; ``brief``: no more than a forecast needs, of an idle one nothing."""
    length = length_of(row.window_name) or timedelta(0)
    recent = await samples(database, account, key, now - PERIOD)
    if brief and burn(recent, now) is None:
        return Known(row, length, recent, (), (), ())
    since = now - WEEKS
    past = await series(database, account, key, since, step_of(length))
    if brief:
        return Known(row, length, recent, past, (), ())
    windows = await past_windows(database, account, key, since)
    costs = await _costs(database, view, account, length, now) if view.whole else []
    return Known(row, length, recent, past, windows, costs)


async def _costs(
    database: Database, view: View, account: Account, length: timedelta, now: datetime
) -> list[AccountUsageStep]:
    numbers, step = list(account.numbers), max(step_of(length), SHORTEST)
    return await database.fetch(
        "usage_series_of_account", AccountUsageStep, view.numbers, numbers, now - PRICED, now, step
    )


def outlook(given: Known, now: datetime, *, calibrated: bool = False) -> Outlook:
    """The outlook. The same readings give the same at the same moment."""
    rate, used = burn(given.recent, now), given.row.utilization
    over = [window for window in given.windows if window.reset_at <= now]
    return Outlook(
        burn=rate,
        forecast=None if used is None else forecast_of(given, now, rate, used),
        worth=worth(_steps(given)),
        calibration=calibration(over, given.past, given.length, step_of(given.length), _seed(given))
        if calibrated
        else None,
    )


def forecast_of(given: Known, now: datetime, rate: Burn | None, used: float) -> Forecast | None:
    """The forecast from a use of so much; with the same lots whatever the use, so that two can be compared."""
    step, reset = step_of(given.length), given.row.reset_at
    if reset is None:
        return None
    return forecast(now, used, reset, rate, increments(given.past, step), step=step, seed=_seed(given))


def _seed(given: Known) -> int:
    return crc32(f"{given.row.account} {given.row.window_name}".encode())


def _steps(given: Known) -> list[tuple[float, float]]:
    """What each step cost and added."""
    step = max(step_of(given.length), SHORTEST)
    added = {one.at: one.amount for one in increments(given.past, step)}
    return [(float(step.cost_usd), added[step.at]) for step in given.costs if step.at in added and not step.unpriced]
