"""Our own sums of accounts over any stretch of time, to five minutes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from core.windows.sample import binned
from dashboard.windows.accounts import Account, View
from sql.database import Database
from sql.rows.windows import AccountUsage

SLOT: Final = timedelta(minutes=5)
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Stretch:
    """From the start of the five minutes that it begins in, up to ``end``."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Sum:
    """What was recorded; zeros where that was nothing. ``first_at``: when the first request of it started."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    priced: int = 0
    first_at: datetime | None = None

    @property
    def total_tokens(self) -> int:
        """Input and output, as the seed counts."""
        return self.input_tokens + self.output_tokens

    @property
    def cost(self) -> Decimal | None:
        """USD of what has a price; None where nothing has one and something should."""
        return None if self.unpriced and not self.priced else self.cost_usd

    @property
    def weight(self) -> tuple[Decimal, int]:
        """What shares are ordered by: cost, and tokens of all classes where there is no price."""
        cached = self.cache_creation_input_tokens + self.cache_read_input_tokens
        return self.cost_usd, self.total_tokens + cached


def stretch(start: datetime, end: datetime) -> Stretch:
    """A stretch as the sums have it: they begin every five minutes."""
    return Stretch(binned(start.astimezone(UTC), SLOT), end)


async def usage_of(
    database: Database, view: View, accounts: Sequence[Account], over: Stretch
) -> Mapping[str, Sequence[AccountUsage]]:
    """By account id: what it was used for by train, model and request type."""
    owners = {number: account.account_id for account in accounts for number in account.numbers}
    found: dict[str, list[AccountUsage]] = {account.account_id: [] for account in accounts}
    if owners and view.trains:
        rows = await database.fetch(
            "usage_of_accounts", AccountUsage, view.numbers, sorted(owners), over.start, over.end
        )
        for row in rows:
            found[owners[row.account]].append(row)
    return found


def summed(rows: Iterable[AccountUsage]) -> Sum:
    """All of it together."""
    given = list(rows)
    return Sum(
        requests=sum(row.requests for row in given),
        input_tokens=sum(row.input_tokens for row in given),
        output_tokens=sum(row.output_tokens for row in given),
        cache_creation_input_tokens=sum(row.cache_creation_input_tokens for row in given),
        cache_read_input_tokens=sum(row.cache_read_input_tokens for row in given),
        cost_usd=sum((row.cost_usd for row in given), Decimal(0)),
        unpriced=sum(row.unpriced for row in given),
        priced=sum(row.priced for row in given),
        first_at=min((row.first_at for row in given), default=None),
    )


def summed_by(rows: Iterable[AccountUsage], key: Callable[[AccountUsage], K]) -> dict[K, Sum]:
    """The sums of each key, the heaviest first."""
    parts: dict[K, list[AccountUsage]] = {}
    for row in rows:
        parts.setdefault(key(row), []).append(row)
    sums = {key: summed(part) for key, part in parts.items()}
    return dict(sorted(sums.items(), key=lambda item: item[1].weight, reverse=True))
