"""How trains, models, accounts and types are called on the pages of usage, and where their requests are listed."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from dashboard.pages.shell import address
from dashboard.period import Period
from dashboard.totals.pictures import Naming
from dashboard.totals.usage import Dimension, Span, Usage
from dashboard.totals.wording import NAMELESS
from dashboard.trains import account_names
from sql.database import Database
from sql.rows.directory import AccountRow

PARAMETER: Mapping[Dimension, str] = {
    "train": "trainId",
    "model": "model",
    "account": "accountId",
    "type": "requestType",
}


class Listed:
    """The list of requests of a period: exactly the hours that were summed up, so that both hold the same calls."""

    def __init__(self, span: Span, period: Period, trains: Collection[str]) -> None:
        until = "" if period.live else _written(period.end)
        self._kept = {"range": f"{_written(span.since)}..{until}", "trainId": ",".join(trains)} | period.tz

    def __call__(self, filters: Mapping[str, str]) -> str:
        """Its address with further filters."""
        return address("/requests", {**self._kept, **filters})


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def naming_of(
    database: Database, dimension: Dimension, usage: Usage, trains: Mapping[int, str], listed: Listed
) -> Naming:
    """Titles and links of a dimension's names; accounts are looked up."""
    numbers = [int(name) for name in usage.names if name.isdecimal()] if dimension == "account" else []
    return naming(dimension, trains, await account_names(database, numbers), listed)


def naming(
    dimension: Dimension, trains: Mapping[int, str], accounts: Mapping[int, AccountRow], listed: Listed
) -> Naming:
    """The same of accounts that are known."""

    def named(name: str) -> tuple[str, str]:
        """What it is called, and what a filter calls it."""
        if dimension == "train":
            title = trains.get(int(name), "")
            return title, title
        if dimension == "account":
            account = accounts.get(int(name))
            return ("", "") if account is None else (account.display_name or account.account_id, account.account_id)
        return name.replace("_", " ") if dimension == "type" else name, name

    def link(name: str) -> str | None:
        value = named(name)[1]
        return listed({PARAMETER[dimension]: value}) if value else None

    return Naming(dimension, lambda name: named(name)[0] or NAMELESS[dimension], link)
