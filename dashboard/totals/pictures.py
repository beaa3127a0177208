"""The charts of usage: stacked by what it is made of, and hour by weekday. Each says its finding in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dashboard.charts import bars, heat
from dashboard.charts.figure import Figure, Key
from dashboard.charts.palette import Look, looks
from dashboard.charts.table import Column, Table, Value
from dashboard.render import figures
from dashboard.totals.comparison import Change
from dashboard.totals.slots import HOUR, Slot, axis_note, hour_of
from dashboard.totals.sums import Sums
from dashboard.totals.usage import Dimension, Usage
from dashboard.totals.wording import TITLES, Measure, count_cell, money_cell, percent, told

MOST_NAMED = bars.MOST_SERIES - 1
"""Names with bars of their own; the rest stands together as "other"."""
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Naming:
    """How the names of a dimension are shown, and where each one's requests are listed."""

    dimension: Dimension
    title: Callable[[str], str]
    link: Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Group:
    """Names that share a bar: one name, or all others."""

    title: str
    names: tuple[str, ...]
    sums: Sums
    look: Look
    link: str | None


def groups_of(usage: Usage, naming: Naming) -> list[Group]:
    """The names with bars of their own, the dearest first, and the others together."""
    names = list(usage.names)
    own, rest = (names, []) if len(names) <= bars.MOST_SERIES else (names[:MOST_NAMED], names[MOST_NAMED:])
    titles = [naming.title(name) for name in own] + ([f"{OTHER} ({len(rest)})"] if rest else [])
    found = looks(titles, others=bool(rest))
    made = [
        Group(title, (name,), usage.names[name], look, naming.link(name))
        for title, name, look in zip(titles, own, found, strict=False)
    ]
    if rest:
        whole = sum((usage.names[name] for name in rest), Sums())
        made.append(Group(titles[-1], tuple(rest), whole, found[-1], None))
    return made


def stacked(
    usage: Usage, naming: Naming, measure: Measure, *, key: str, csv: str, label: str, change: Change | None = None
) -> Figure:
    """Bars by slot, stacked by name."""
    groups, cut = groups_of(usage, naming), usage.span.slots
    series = [bars.Series(group.title, group.look, _values(usage, group, cut, measure)) for group in groups]
    title = f"{measure.title} by {TITLES[naming.dimension].lower()}"
    finding = _finding(usage, groups, cut, measure, label, change)
    buckets = [bars.Bucket(slot.label, slot.title, slot.note) for slot in cut]
    drawing = bars.stacked(buckets, series, measure.write, label=f"{title}. {finding}", whole=measure.whole)
    keys = tuple(Key(group.title, group.look, told(measure, group.sums), group.link) for group in groups)
    return Figure(
        key, title, finding, drawing, _table(cut, series, measure), measure.source, keys, _note(usage, cut), csv
    )


def _values(usage: Usage, group: Group, cut: list[Slot], measure: Measure) -> tuple[float | None, ...]:
    found = usage.of(names=group.names)
    return tuple(measure.value(found[slot.start]) if slot.start in found else 0.0 for slot in cut)


def _note(usage: Usage, cut: list[Slot]) -> str:
    # Of 24 hours the first and the last bear the same label.
    by_hour = usage.span.unit == "hour"
    odd = [f"{slot.title if by_hour else slot.label}: {slot.note}" for slot in cut if slot.note]
    return "; ".join([axis_note(usage.span.unit, usage.span.zone), *odd])


def _finding(
    usage: Usage, groups: list[Group], cut: list[Slot], measure: Measure, label: str, change: Change | None
) -> str:
    whole = usage.total
    if not whole.requests:
        return f"Nothing was recorded in this period ({label})."
    parts = [f"{told(measure, whole)}{'' if measure.name == 'cost' else ' ' + measure.unit} in {label}"]
    if change is not None and change.way:
        parts.append(f"{'up' if change.way > 0 else 'down'} {change.words} on the same weekdays before")
    value, first = measure.value(whole), groups[0]
    if value and len(groups) > 1 and (own := measure.value(first.sums)):
        parts.append(f"{first.title} has {percent(own / value)} of it")
    by_slot = usage.of()
    best = max(cut, key=lambda slot: measure.value(by_slot.get(slot.start, Sums())) or 0)
    if value and len(cut) > 1 and best.start in by_slot:
        parts.append(f"the most on {best.title} ({told(measure, by_slot[best.start])})")
    if measure.name == "cost" and whole.unpriced:
        parts.append(f"without {figures.plural(whole.unpriced, 'request')} that no price is known for")
    return "; ".join(parts) + "."


def _table(cut: list[Slot], series: list[bars.Series], measure: Measure) -> Table:
    write = money_cell if measure.name == "cost" else count_cell
    columns = (
        Column("From", "from", number=False),
        *(Column(each.name, each.name, write) for each in series),
        Column("Total", "total", write),
    )
    rows = []
    for place, slot in enumerate(cut):
        values = [each.values[place] for each in series]
        known = [value for value in values if value is not None]
        total = sum(known) if known or not values else None
        words = f"{slot.title} ({slot.note})" if slot.note else slot.title
        rows.append((words, *(_exact(value, measure) for value in (*values, total))))
    return Table(columns, tuple(rows))


def _exact(value: float | None, measure: Measure) -> Value:
    return value if value is None or measure.name == "cost" else round(value)


def by_hour(usage: Usage, measure: Measure, *, key: str, csv: str) -> Figure:
    """Hour by weekday."""
    cells: Mapping[tuple[int, int], float] = {
        place: value for place, sums in usage.hours.items() if (value := measure.value(sums)) is not None
    }
    write = money_cell if measure.name == "cost" else count_cell
    minute = usage.span.end.astimezone(usage.span.zone).minute - usage.span.end.minute
    hours = heat.Hours(minute % 60)
    finding = _busiest(cells, measure, hours)
    title = f"{measure.title} by weekday and hour"
    drawing = heat.drawn(_whole(usage, cells), measure.write, hours, label=f"{title}. {finding}")
    return Figure(
        key, title, finding, drawing, heat.table(cells, write, hours), measure.source,
        note=f"hours in {usage.span.zone}{hours.note}, summed over the period", csv=csv,
    )  # fmt: skip


def _whole(usage: Usage, cells: Mapping[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """The cells with a 0 for every hour that was in the period and in which nothing happened."""
    span, found = usage.span, dict(cells)
    if (span.end - span.since).days >= 7:
        return {(day, hour): found.get((day, hour), 0.0) for day in range(7) for hour in range(heat.HOURS)}
    hour = hour_of(span.since)
    while hour < span.end:
        there = hour.astimezone(span.zone)
        found.setdefault((there.weekday(), there.hour), 0.0)
        hour += HOUR
    return found


def _busiest(cells: Mapping[tuple[int, int], float], measure: Measure, hours: heat.Hours) -> str:
    whole = sum(cells.values())
    if not whole:
        return "Nothing was recorded in this period."
    day, hour = max(cells, key=lambda place: cells[place])
    weekend = sum(value for (weekday, _), value in cells.items() if weekday >= 5)
    when = f"{heat.LONG_DAYS[day]}s from {hours.begins(hour)} to {hours.begins(hour + 1)}"
    return f"The most on {when} ({measure.write(cells[day, hour])}); {percent(weekend / whole)} of it on weekends."
