"""How many conversations began, week by week: the last twelve, whatever period the page is about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.charts import bars
from dashboard.charts.figure import MEASURED, Figure
from dashboard.charts.palette import Look
from dashboard.charts.table import Column, Table, Value
from dashboard.render import figures
from dashboard.totals.slots import Slot, axis_note, slots
from dashboard.totals.wording import count_cell, money_cell
from sql.database import Database
from sql.rows.overview_more import BegunRow

WEEKS = 12
SOURCE = MEASURED.told(
    "Conversations by when their first request began; side calls (titles, quotas) are none, sub-agents are in theirs."
)


async def begun(database: Database, trains: Sequence[int], zone: ZoneInfo, now: datetime, csv: str) -> Figure:
    """The bars. One query."""
    cut = slots(now - timedelta(weeks=WEEKS - 1), now, "week", zone, now)[-WEEKS:]
    rows = await database.fetch("conversations_begun", BegunRow, list(trains), cut[0].start, zone.key)
    return figure(cut, {row.week: row for row in rows}, zone, csv)


def figure(cut: Sequence[Slot], found: dict[datetime, BegunRow], zone: ZoneInfo, csv: str) -> Figure:
    """The figure of these weeks; one without a row had none."""
    counts = [found[slot.start].conversations if slot.start in found else 0 for slot in cut]
    series = [bars.Series("Conversations", Look(0, "A"), tuple(float(count) for count in counts))]
    # The first week is whole: what it is cut from is the week of the moment so many weeks ago.
    buckets = [
        bars.Bucket(slot.label, slot.title, "so far" if place + 1 == len(cut) else "") for place, slot in enumerate(cut)
    ]
    finding = _finding(counts)
    drawing = bars.stacked(buckets, series, _whole, label=f"Conversations a week. {finding}", whole=True)
    columns = (
        Column("Week", "week", number=False),
        Column("Conversations", "conversations", count_cell),
        Column("Requests", "requests", count_cell),
        Column("Cost", "cost_usd", money_cell, about="All that they ever cost, by list price"),
        Column("Unpriced requests", "unpriced", count_cell),
    )
    table = Table(columns, tuple(_line(slot, found.get(slot.start)) for slot in cut))
    return Figure(
        "weeks", "Conversations a week", finding, drawing, table, SOURCE, note=axis_note("week", zone), csv=csv
    )


def _whole(value: float) -> str:
    return figures.compact(round(value))


def _line(slot: Slot, row: BegunRow | None) -> tuple[Value, ...]:
    if row is None:
        return (slot.title, 0, 0, None, 0)
    return (slot.title, row.conversations, row.requests, row.cost_usd, row.unpriced)


def _finding(counts: Sequence[int]) -> str:
    *earlier, now = counts
    known = [count for count in earlier if count]
    if not known and not now:
        return "No conversation began in these weeks."
    said = f"{figures.plural(now, 'conversation')} began this week so far"
    if not known:
        return f"{said}, the first of these weeks with any."
    return f"{said}; {earlier[-1]} last week, {round(sum(earlier) / len(earlier))} a week on average before."
