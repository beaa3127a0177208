"""Sessions: one run of a client each, counted as its calls become complete."""

from collections.abc import Sequence

from proxy.recorder.columns import COLUMNS, Row, of_rows
from sql.database import Transaction

# The columns of the row itself, so that both say the same.
_FIELDS = ("id", "session_id", "client", "client_version", "account", "started_at", "ended_at")
_COLUMNS = [next(column for column in COLUMNS if column.name == name) for name in _FIELDS]
_SESSION = _COLUMNS[1]


async def write(transaction: Transaction, train: int, news: Sequence[Row]) -> None:
    """Add rows that became complete in this transaction to their sessions. Raises sql's errors."""
    sessions = of_rows(_SESSION, news)
    rows = [row for row, session in zip(news, sessions, strict=True) if session]
    if rows:
        values = [of_rows(column, rows) for column in _COLUMNS]
        await transaction.execute("rollup_sessions", train, *values)
