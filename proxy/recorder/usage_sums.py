"""The sums of usage by time: requests are added when they end, and taken back around a change of what they say."""

from collections.abc import Iterable
from uuid import UUID

from sql.database import Transaction


async def add(transaction: Transaction, train: int, ids: Iterable[UUID]) -> None:
    """Add what these requests say now. Raises sql's errors."""
    await _sum_up(transaction, train, ids, 1)


async def take_back(transaction: Transaction, train: int, ids: Iterable[UUID]) -> None:
    """Take back what these requests say still. Raises sql's errors."""
    await _sum_up(transaction, train, ids, -1)


async def _sum_up(transaction: Transaction, train: int, ids: Iterable[UUID], times: int) -> None:
    given = sorted(ids)  # the statement opens only the months between the first and the last
    if given:
        await transaction.execute("rollup_usage", train, given, times)
