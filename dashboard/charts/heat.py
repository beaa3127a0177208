"""Hour by weekday: how much happens when. A cell's size says what its colour says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

from dashboard.charts.table import Column, Table, Value
from dashboard.render.hidden import spelled
from dashboard.render.secrets import safe

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = 24
LEVELS = 5
ROW = 22
_SVG = Markup('<svg class="plot heat" width="100%" height="{}" role="img" aria-label="{}">{}</svg>')
_ROW = Markup('<text class="tick" x="-8" y="%.1f" text-anchor="end">%s</text>')
_HOUR = Markup('<text class="tick{}" x="{:.3f}%" y="{}" text-anchor="middle">{:02d}</text>')
_CELL = Markup("<g><title>%s</title>%s</g>")
_FIELD = Markup('<rect class="hit" x="{:.3f}%" y="{}" width="{:.3f}%" height="{}"/>')
_MARK = Markup('<rect class="h{}" x="{:.3f}%" y="{:.2f}" width="{:.3f}%" height="{:.2f}" rx="2"/>')

Cells = Mapping[tuple[int, int], float]
"""(weekday from Monday = 0, hour) → value. What is missing was not in the period: that is not 0."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of a day, which are those of UTC: where a zone is half an hour off they begin at half past."""

    minute: int = 0

    def begins(self, hour: int) -> str:
        """When one begins: ``23:00``, ``23:30``."""
        return f"{hour % HOURS:02d}:{self.minute:02d}"

    @property
    def note(self) -> str:
        """What is special about them, to go on with."""
        return f", each from {self.minute} minutes past" if self.minute else ""


FULL = Hours()


def drawn(cells: Cells, write: Callable[[float], str], hours: Hours = FULL, *, label: str) -> Markup:
    """The drawing."""
    most = max(cells.values(), default=0)
    rows = [_ROW % (day * ROW + ROW / 2 + 4, name) for day, name in enumerate(DAYS)]
    ticks = [
        _HOUR.format(" odd" if hour % 6 else "", (hour + 0.5) * 100 / HOURS, 7 * ROW + 16, hour)
        for hour in range(0, HOURS, 3)
    ]
    every = [_cell(cells, day, hour, most, write, hours) for day in range(7) for hour in range(HOURS)]
    inside = Markup("").join([*rows, *every, *ticks])
    return _SVG.format(7 * ROW + 22, spelled(safe(label)), inside)


def level(value: float, most: float) -> int:
    """1 to 5 for a share of the most; 0 for nothing."""
    return 0 if value <= 0 or most <= 0 else min(LEVELS, int(value / most * LEVELS) + 1)


def _cell(cells: Cells, day: int, hour: int, most: float, write: Callable[[float], str], hours: Hours) -> Markup:
    value = cells.get((day, hour))
    name = f"{LONG_DAYS[day]} {hours.begins(hour)}–{hours.begins(hour + 1)}"
    if value is None:
        return _CELL % (f"{name}: not in this period", _shape(day, hour, None))
    return _CELL % (f"{name}: {write(value)}", _shape(day, hour, level(value, most)))


@cache
def _shape(day: int, hour: int, found: int | None) -> Markup:
    """What a cell looks like at each of its levels, made once: a drawing has 168 of them, five figures each."""
    step = 100 / HOURS
    field = _FIELD.format(hour * step, day * ROW, step, ROW)
    if found is None:
        return field
    share = 0.2 if found == 0 else 0.34 + 0.6 * found / LEVELS
    width, height = step * share, ROW * share
    mark = _MARK.format(found, hour * step + (step - width) / 2, day * ROW + (ROW - height) / 2, width, height)
    return field + mark


def table(cells: Cells, write: Callable[[Value], str], hours: Hours = FULL) -> Table:
    """The same as weekdays by hours."""
    columns = tuple(
        Column(hours.begins(hour) if hours.minute else f"{hour:02d}", f"hour_{hour:02d}", write)
        for hour in range(HOURS)
    )
    rows = tuple((name, *(cells.get((day, hour)) for hour in range(HOURS))) for day, name in enumerate(LONG_DAYS))
    return Table((Column("Weekday", "weekday", number=False), *columns), rows)
