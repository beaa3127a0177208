"""Each of the driver's errors says one of four things, and only what is surely the row's own fault is poison."""

import asyncio

import asyncpg
import asyncpg.exceptions as driver
import pytest

from sql.errors import DatabaseAwayError, NoPartitionError, PoisonRowError, SchemaMismatchError
from sql.translation import DRIVER_ERRORS, translated

CASES = [
    (driver.UntranslatableCharacterError("x"), PoisonRowError),  # 22P05
    (driver.CharacterNotInRepertoireError("x"), PoisonRowError),  # 22021
    (driver.NumericValueOutOfRangeError("x"), PoisonRowError),  # 22003
    (driver.UniqueViolationError("x"), PoisonRowError),
    (driver.NotNullViolationError("x"), PoisonRowError),
    (driver.ForeignKeyViolationError("x"), PoisonRowError),
    (driver.ProgramLimitExceededError("x"), PoisonRowError),  # 54000
    (driver.StatementTooComplexError("x"), PoisonRowError),
    (driver.CheckViolationError("no partition of relation"), NoPartitionError),
    (driver.UndefinedTableError("x"), SchemaMismatchError),
    (driver.UndefinedColumnError("x"), SchemaMismatchError),
    (driver.UndefinedFunctionError("x"), SchemaMismatchError),
    (driver.SerializationError("x"), DatabaseAwayError),  # 40001
    (driver.DeadlockDetectedError("x"), DatabaseAwayError),
    (driver.DiskFullError("x"), DatabaseAwayError),  # 53100
    (driver.TooManyConnectionsError("x"), DatabaseAwayError),  # 53300
    (driver.OutOfMemoryError("x"), DatabaseAwayError),
    (driver.LockNotAvailableError("x"), DatabaseAwayError),  # 55P03
    (driver.QueryCanceledError("x"), DatabaseAwayError),  # 57014
    (driver.AdminShutdownError("x"), DatabaseAwayError),  # 57P01
    (driver.CrashShutdownError("x"), DatabaseAwayError),
    (driver.CannotConnectNowError("x"), DatabaseAwayError),  # 57P03
    (driver.ConnectionDoesNotExistError("x"), DatabaseAwayError),  # 08003
    (driver.InvalidPasswordError("x"), DatabaseAwayError),
    (driver.ReadOnlySQLTransactionError("x"), DatabaseAwayError),  # 25006, after a failover
    (driver.InternalServerError("x"), DatabaseAwayError),  # XX000
    (driver.InternalClientError("x"), DatabaseAwayError),
    (driver.ProtocolError("x"), DatabaseAwayError),
    (driver.InterfaceError("x"), DatabaseAwayError),
    (driver.ClientConfigurationError("x"), DatabaseAwayError),
    (ConnectionRefusedError(), DatabaseAwayError),
    (FileNotFoundError(), DatabaseAwayError),
    (TimeoutError(), DatabaseAwayError),
    (asyncio.IncompleteReadError(b"", 1), DatabaseAwayError),
]


@pytest.mark.parametrize(("error", "ours"), CASES, ids=lambda value: getattr(value, "__name__", type(value).__name__))
def test_each_error_is_one_decision(error: Exception, ours: type[Exception]) -> None:
    """Exactly this class; the server's code is kept, its text is not."""
    assert isinstance(error, DRIVER_ERRORS)
    answer = translated(error)
    assert type(answer) is ours
    if isinstance(error, asyncpg.PostgresError):
        assert answer.sqlstate == error.sqlstate


def test_a_broken_rule_of_ours_is_poison_not_a_missing_partition() -> None:
    """Both are 23514; only a rule has a name."""
    broken = driver.CheckViolationError("x")
    broken.constraint_name = "requests_check"
    assert type(translated(broken)) is PoisonRowError


def test_no_text_of_the_servers_comes_along() -> None:
    """It quotes rows: Key (id)=(sk-…) already exists."""
    assert "sk-canary" not in str(translated(driver.UniqueViolationError("Key (word)=(sk-canary) already exists")))
    assert "sk-canary" not in str(translated(OSError(1, "sk-canary")))
