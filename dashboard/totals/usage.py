"""What was used in a period: by slot and by train, account, model or request type."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from dashboard.totals.slots import HOUR, Slot, Unit, five_minutes_of, hour_of, slots, unit_of
from dashboard.totals.sums import Sums, sums_of
from sql.database import Database
from sql.rows.usage_pages import UsageSlotRow, UsageSumRow

Dimension = Literal["train", "model", "account", "type"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
SUBSCRIPTION = "oauth"
"""The kind of account whose use is not billed by tokens (security.md, accounts)."""


@dataclass(frozen=True, slots=True)
class Span:
    """A period from one five minutes on, as the roll-ups hold it, and how it is cut."""

    since: datetime
    end: datetime
    unit: Unit
    zone: ZoneInfo
    now: datetime

    @property
    def until(self) -> datetime:
        """Up to where it is summed up: of the running hour all, which is one row where its parts are many."""
        return max(self.end, hour_of(self.now) + HOUR) if self.end >= self.now else self.end

    @property
    def slots(self) -> list[Slot]:
        """Its slots, the last ones where there are too many for a drawing."""
        return slots(self.since, self.end, self.unit, self.zone, self.now)


def span_of(
    since: datetime | None,
    end: datetime,
    zone: ZoneInfo,
    now: datetime,
    first: datetime | None,
    unit: Unit | None = None,
) -> Span:
    """A period as it is summed up; one that is open at its beginning begins with the ``first`` that is known."""
    start = five_minutes_of(since or first or end)
    return Span(start, end, unit_of(start, end, unit), zone, now)


@dataclass(frozen=True)
class Usage:
    """Sums by slot, name and kind of account, and by weekday and hour. Names are numbers for trains and accounts."""

    span: Span
    cells: Mapping[tuple[datetime, str, str], Sums]
    hours: Mapping[tuple[int, int], Sums]
    """(weekday from Monday = 0, hour) → sums."""
    accounts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Where names are accounts: what each is called, and its id."""

    @cached_property
    def total(self) -> Sums:
        """Everything."""
        return sum(self.cells.values(), Sums())

    @cached_property
    def names(self) -> Mapping[str, Sums]:
        """Each name's sums, the dearest first, then those with the most tokens."""
        found: dict[str, Sums] = {}
        for (_, name, _), sums in self.cells.items():
            found[name] = found.get(name, Sums()) + sums
        ranked = sorted(
            found.items(), key=lambda pair: (-pair[1].cost_usd, -pair[1].tokens, -pair[1].requests, pair[0])
        )
        return dict(ranked)

    def of(self, *, names: Collection[str] | None = None) -> Mapping[datetime, Sums]:
        """Sums by the start of their slot, of some names only."""
        found: dict[datetime, Sums] = {}
        for (slot, name, _), sums in self.cells.items():
            if names is None or name in names:
                found[slot] = found.get(slot, Sums()) + sums
        return found

    def only(self, *, subscription: bool) -> "Usage":
        """What subscriptions used, or what all others did; hours of the week are not told apart."""
        cells = {place: sums for place, sums in self.cells.items() if (place[2] == SUBSCRIPTION) is subscription}
        return Usage(self.span, cells, {}, self.accounts)

    def billed(self, *, subscription: bool) -> Sums:
        """Everything that was used by subscriptions, or by all others."""
        return sum(
            (sums for (_, _, kind), sums in self.cells.items() if (kind == SUBSCRIPTION) is subscription), Sums()
        )


async def read_usage(
    database: Database, trains: Sequence[int], span: Span, dimension: Dimension, *, hours: bool = False
) -> Usage:
    """One query; by weekday and hour too where ``hours`` says so.

    Days are those of the zone, hours those of UTC: in a zone that is half an hour off they begin at half past.
    """
    # An hour is cut by UTC: its start in a zone that is half an hour off is no hour there.
    zone = "UTC" if span.unit == "hour" else span.zone.key
    rows = await database.fetch(
        "usage_by_slot", UsageSlotRow, list(trains), span.since, span.until, span.unit, zone, dimension, span.zone.key,
        hours,
    )  # fmt: skip
    cells = {(row.slot, row.name or "", row.kind or ""): sums_of(row) for row in rows if row.slot is not None}
    of_week = {
        (row.weekday - 1, row.hour): sums_of(row)
        for row in rows
        if row.slot is None and row.weekday is not None and row.hour is not None
    }
    accounts = {
        row.name or "": (row.display_name or row.account_id, row.account_id)
        for row in rows
        if dimension == "account" and row.slot is not None and row.account_id is not None
    }
    return Usage(span, cells, of_week, accounts)


async def read_sum(database: Database, trains: Sequence[int], since: datetime, end: datetime) -> UsageSumRow:
    """The sums of a period, and since when anything is known."""
    row = await database.fetch_one("usage_between", UsageSumRow, list(trains), since, end)
    if row is None:
        raise AssertionError("an aggregate without groups has one row")
    return row
