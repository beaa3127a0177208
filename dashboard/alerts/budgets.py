"""Budgets that reach their warnings."""

from typing import Final
from zoneinfo import ZoneInfo

from core.alerts.kinds import Kind
from core.alerts.told import Told
from core.alerts.watch import Measure
from core.alerts.watch_words import moment, plain
from dashboard.alerts.look import Found, Given, found
from dashboard.overview.budgets import Stand, stands
from dashboard.render import figures
from dashboard.totals.wording import percent
from sql.database import Database
from sql.rows.record import TrainKey

KINDS: Final = (Kind.BUDGET,)
TRAINS: Final = 20
"""Of one query."""
MOST: Final = 200
"""Budgets that a query gives at most."""


async def look(database: Database, given: Given) -> Found:
    """The budgets as they stand. Raises sql's errors."""
    rows = await database.fetch("alert_budget_trains", TrainKey)
    trains = {row.train: given.trains[row.train] for row in rows if row.train in given.trains}
    numbers, all_of, whole = sorted(trains), list[Stand](), True
    for first in range(0, len(numbers), TRAINS):
        part = await stands(database, {one: trains[one] for one in numbers[first : first + TRAINS]}, given.now)
        whole &= len(part) < MOST
        all_of += part
    gone = "The budget was taken back." if whole else ""
    return found(given, Kind.BUDGET, [_measure(one) for one in all_of], gone=gone)


def _measure(one: Stand) -> Measure:
    row, zone = one.row, ZoneInfo(one.row.zone)
    share = percent(one.share)
    whose = f"{one.train}, key {plain(row.key_id, 80)}" if row.key_id else one.train
    fields = [
        ("Train", one.train),
        ("Used", f"{one.written(one.state.used)} of {one.written(row.amount)}"),
        ("Period", f"the {row.period} until {moment(row.ends_at, zone)}"),
    ]
    if one.empty_at is not None:
        fields.append(("At this pace", f"used up about {moment(one.empty_at, zone)}"))
    if one.state.unpriced:
        fields.append(("Not counted", f"{figures.plural(one.state.unpriced, 'call')} without a price"))
    told = Told(
        title=f"Budget of {whose}: {share} of {one.written(row.amount)} a {row.period} used",
        cause="" if one.share < 1 else "It is used up.",
        fields=tuple(fields),
        path="/budgets#budgets",
        page="All budgets",
    )
    return Measure(
        Kind.BUDGET, f"budget {row.budget}", 100 * one.share, told, share, train=row.train, expires_at=row.ends_at
    )
