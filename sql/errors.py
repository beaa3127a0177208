"""Database errors, one class per decision; translated from the driver's in one place (``sql.translation``).

No text of a server error is carried over: it can quote recorded content ("Key (…)=(…) already exists").
"""


class DatabaseError(Exception):
    """Anything the database refused. ``sqlstate`` is the server's code, where a server spoke."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class DatabaseAwayError(DatabaseError):
    """Not the row's fault: away, hanging, locked, full, restarting. Wait and do the same again."""


class SchemaMismatchError(DatabaseAwayError):
    """The schema is not the one this version was built for. Write nothing; somebody has to migrate or upgrade."""


class NoPartitionError(DatabaseError):
    """There is no partition for the row's month yet. Make partitions and do the same again."""


class PoisonRowError(DatabaseError):
    """The database can never take this row. Doing it again will not help."""
