"""From the driver's errors to ours, once. Only what is surely a row's own fault is poison: all the rest is transient.

The classes are SQLSTATE's (PostgreSQL, appendix A). A killed server shows up as 57P01, 57P03, 08xxx, OSError and also
as ``asyncpg.InternalClientError``, which is neither a PostgresError nor an InterfaceError.
"""

import asyncpg

from sql.errors import DatabaseAwayError, DatabaseError, NoPartitionError, PoisonRowError, SchemaMismatchError

DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,  # TimeoutError and ConnectionError are OSErrors
    EOFError,  # asyncio.IncompleteReadError
)

_CHECK_VIOLATION = "23514"
_ROW_CLASSES = ("22", "23", "54")
_WRONG_SCHEMA = frozenset({"42P01", "42703", "42883", "42704", "42804", "42P10", "3F000"})


def translated(exc: BaseException) -> DatabaseError:
    """Our error for one of ``DRIVER_ERRORS``; raise it ``from exc``."""
    if isinstance(exc, asyncpg.PostgresError):
        return _of_server(exc)
    if isinstance(exc, asyncpg.InterfaceError) and not isinstance(exc, asyncpg.exceptions.ClientConfigurationError):
        return _of_driver(exc)
    if isinstance(exc, TimeoutError):
        return DatabaseAwayError("the database did not answer in time")
    return DatabaseAwayError(f"the connection to the database failed ({type(exc).__name__})")


def _of_driver(exc: asyncpg.InterfaceError) -> DatabaseError:
    if isinstance(exc, ValueError):
        # asyncpg.exceptions._base.DataError: an argument its type cannot hold, refused before it was sent.
        return PoisonRowError("an argument does not fit its type", "22000")
    return DatabaseAwayError(f"the connection to the database failed ({type(exc).__name__})")


def _of_server(exc: asyncpg.PostgresError) -> DatabaseError:
    state = exc.sqlstate or ""
    kind = f"{type(exc).__name__} ({state})"
    if state == _CHECK_VIOLATION and not exc.constraint_name:
        # Only the missing partition is a check violation without a constraint.
        return NoPartitionError(kind, state)
    if state.startswith(_ROW_CLASSES):
        return PoisonRowError(kind, state)
    if state in _WRONG_SCHEMA:
        return SchemaMismatchError(f"the schema is not this version's: {kind}", state)
    return DatabaseAwayError(kind, state)
