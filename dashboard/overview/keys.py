"""Whose cost it is: by the client key that calls came with, as far as they came with one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from dashboard.charts.figure import ESTIMATED
from dashboard.charts.table import Column, Table
from dashboard.totals.slots import hour_of
from dashboard.totals.wording import COST_FORMULA, count_cell, money_cell, percent_cell
from sql.database import Database
from sql.rows.overview_more import KeyUseRow

QUARTER = timedelta(minutes=15)
UNKNOWN = "not known"
MOST = 12
"""Keys that are listed; the others stand together."""
SOURCE = ESTIMATED.told(
    COST_FORMULA + " By the client key that a call came with; sums of keys are of quarters of an hour."
)


@dataclass(frozen=True, slots=True)
class Line:
    """A key, or what came without one."""

    name: str
    train: str
    requests: int
    cost: Decimal | None
    """None where nothing of it has a price and something should."""
    unpriced: int
    share: float | None


async def by_key(database: Database, trains: Mapping[int, str], since: datetime, until: datetime) -> list[Line]:
    """The keys of these trains, the dearest first, and last what came without. One query."""
    rows = await database.fetch(
        "usage_by_key", KeyUseRow, sorted(trains), quarter_of(since), quarter_of(until, up=True)
    )
    return lines(rows, trains)


def quarter_of(moment: datetime, *, up: bool = False) -> datetime:
    """The quarter of an hour a moment lies in; its end where ``up`` says so and it has begun."""
    start = hour_of(moment) + QUARTER * (moment.minute // 15)
    return start + QUARTER if up and start < moment else start


def lines(rows: Sequence[KeyUseRow], trains: Mapping[int, str]) -> list[Line]:
    """What came without a key is what is left of the whole; no line of it where nothing is."""
    keyed = [row for row in rows if row.key_id is not None and row.requests]
    whole = next((row for row in rows if row.key_id is None), None)
    if whole is None or not whole.requests:
        return []
    own, rest = (keyed, []) if len(keyed) <= MOST else (keyed[: MOST - 1], keyed[MOST - 1 :])
    made = [_line(row.key_id or "", trains.get(row.train or 0, ""), [row], whole) for row in own]
    if rest:
        made.append(_line(f"other keys ({len(rest)})", "", rest, whole))
    left = KeyUseRow(
        None, None, whole.requests - sum(row.requests for row in keyed),
        max(Decimal(0), whole.cost_usd - sum((row.cost_usd for row in keyed), Decimal(0))),
        max(0, whole.unpriced - sum(row.unpriced for row in keyed)),
    )  # fmt: skip
    return [*made, _line(UNKNOWN, "", [left], whole)] if left.requests > 0 or left.cost_usd else made


def _line(name: str, train: str, rows: Sequence[KeyUseRow], whole: KeyUseRow) -> Line:
    requests, unpriced = sum(row.requests for row in rows), sum(row.unpriced for row in rows)
    cost = sum((row.cost_usd for row in rows), Decimal(0))
    known = not unpriced or cost > 0
    share = float(cost / whole.cost_usd) if known and whole.cost_usd else None
    return Line(name, train, requests, cost if known else None, unpriced, share)


def table(found: Sequence[Line]) -> Table:
    """For CSV."""
    columns = (
        Column("Key", "key", number=False),
        Column("Train", "train", number=False),
        Column("Requests", "requests", count_cell),
        Column("Cost", "cost_usd", money_cell),
        Column("Share", "share_of_cost", percent_cell),
        Column("Unpriced", "unpriced", count_cell),
    )
    return Table(columns, tuple((x.name, x.train, x.requests, x.cost, x.share, x.unpriced) for x in found))
