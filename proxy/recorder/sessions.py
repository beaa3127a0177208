"""Sessions: one run of a client each, counted as its calls become complete."""

from collections.abc import Sequence

from proxy.recorder.columns import COLUMNS, Row
from sql.database import Transaction

# The columns of the row itself, so that both say the same.
_FIELDS = ("id", "session_id", "client", "client_version", "account", "started_at", "ended_at")
_COLUMNS = [next(column for column in COLUMNS if column.name == name) for name in _FIELDS]
_SESSION = _COLUMNS[1]


async def write(transaction: Transaction, train: int, news: Sequence[Row]) -> None:
    """Add rows that became complete in this transaction to their sessions. Raises sql's errors."""
    rows = [row for row in news if _SESSION.fitted(row)]
    if rows:
        values = [[column.fitted(row) for row in rows] for column in _COLUMNS]
        await transaction.execute("rollup_sessions", train, *values)
