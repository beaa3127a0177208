"""The table behind a figure: drawn under "Show as table" and written as CSV, from the same values."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dashboard.exports.cells import harmless
from dashboard.render import figures
from dashboard.render.secrets import safe

Value = str | int | float | Decimal | datetime | None
BOM = "\ufeff"
"""Without it a spreadsheet reads UTF-8 as its own code page."""


def plain(value: Value) -> str:
    """A value as it is; unknown is an en dash."""
    return figures.UNKNOWN if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, its name in CSV, and how its values are worded. ``about`` says where they come from."""

    title: str
    key: str
    write: Callable[[Value], str] = plain
    number: bool = True
    about: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows; a row has one value a column, the first names it."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]

    @property
    def lines(self) -> list[list[tuple[Column, str]]]:
        """Each row as its columns and worded values."""
        pairs = [zip(self.columns, row, strict=True) for row in self.rows]
        return [[(column, column.write(value)) for column, value in line] for line in pairs]

    def as_csv(self) -> str:
        """RFC 4180 with a byte order mark; unknown is empty, exact figures, no word that a spreadsheet would run."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([column.key for column in self.columns])
        writer.writerows([[_cell(value) for value in row] for row in self.rows])
        return BOM + out.getvalue()


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return str(value)
    return harmless(safe(value))


def rows_of(rows: Sequence[Sequence[Value]]) -> tuple[tuple[Value, ...], ...]:
    """Rows frozen."""
    return tuple(tuple(row) for row in rows)
