"""The two requests of a comparison, among those that the caller may see."""

from dataclasses import dataclass
from uuid import UUID

from core.access import Principal
from dashboard.recordings.bodies import MOST_SHOWN_BYTES
from dashboard.recordings.detail import Found
from dashboard.recordings.place import Place
from dashboard.trains import visible_trains
from sql.database import Database
from sql.rows.conversations import LinkRow
from sql.rows.requests import RequestBodyRow, RequestDetailRow


@dataclass(frozen=True, slots=True)
class Side:
    """A request and its body; ``size`` is that of the stored body, None where there is none."""

    row: RequestDetailRow | LinkRow
    body: bytes | None
    size: int | None

    @property
    def id(self) -> UUID:
        """The request's id."""
        return self.row.id

    @property
    def fault(self) -> str | None:
        """Why this request cannot be compared; None where it can."""
        if self.body is not None:
            return None
        if self.size is not None and self.size > MOST_SHOWN_BYTES:
            return "too_large"
        return "running" if self.row.outcome is None else "missing"


async def side_of(database: Database, train: int, row: RequestDetailRow | LinkRow) -> Side:
    """A request with its body, unless that is too large to be compared."""
    stored = await database.fetch_one("request_body_within", RequestBodyRow, train, row.id, MOST_SHOWN_BYTES)
    return Side(row, stored.body, stored.size) if stored is not None else Side(row, None, None)


async def other_side(
    database: Database, principal: Principal, found: Found, place: Place | None, against: UUID | None
) -> Side | None:
    """What a request is compared with: the one asked for, else its parent, else the attempt before it.

    None where there is no such request, or none that the principal may see.
    """
    train = found.row.train
    if against is None:
        row = (place.parent or next(iter(place.earlier[-1:]), None)) if place is not None else None
        return None if row is None else await side_of(database, train, row)
    trains = await visible_trains(database, principal)
    other = await database.fetch_one("request_by_id", RequestDetailRow, sorted(trains), against)
    return None if other is None else await side_of(database, other.train, other)
