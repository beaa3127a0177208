"""Models without a price that have one now. Recorders raise them."""

from collections.abc import Sequence
from typing import Final

from core.alerts.kinds import Kind
from core.alerts.watch import Over
from core.prices import names
from dashboard.alerts.look import Found, Given
from dashboard.usage.price_list import listed
from sql.database import Database
from sql.rows.prices import PriceRow

KINDS: Final = (Kind.UNKNOWN_MODEL,)


async def look(database: Database, given: Given) -> Found:
    """Which of the models have a price now. Raises sql's errors."""
    opened = given.open_of(Kind.UNKNOWN_MODEL)
    if not opened:
        return Found()
    own = await database.fetch("prices_own", PriceRow)
    over = [Over(row.alert, "It has a price now.") for row in opened if _is_priced(_model(row.subject), own, given)]
    return Found(over=over)


def _model(subject: str) -> str:
    """Behind the train, whose name has no slash."""
    return subject.partition("/")[2]


def _is_priced(model: str, own: Sequence[PriceRow], given: Given) -> bool:
    called = names(model)
    return listed().find(model, given.now, 1) is not None or any(
        row.model in called
        and (row.valid_from is None or row.valid_from <= given.now)
        and (row.valid_to is None or row.valid_to > given.now)
        for row in own
    )
