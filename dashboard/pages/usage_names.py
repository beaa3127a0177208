"""How trains, models, accounts and types are called on the pages of usage, and where their requests are listed."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from dashboard.pages.shell import address
from dashboard.period import Period
from dashboard.totals.pictures import Naming
from dashboard.totals.usage import Dimension, Span, Usage
from dashboard.totals.wording import NAMELESS

PARAMETER: Mapping[Dimension, str] = {
    "train": "trainId",
    "model": "model",
    "account": "accountId",
    "type": "requestType",
}


class Listed:
    """The list of requests of a period: exactly the time that was summed up, so that both hold the same calls."""

    def __init__(self, span: Span, period: Period, trains: Collection[str]) -> None:
        until = "" if period.live else _written(period.end)
        self._kept = {"range": f"{_written(span.since)}..{until}", "trainId": ",".join(trains)} | period.tz

    def __call__(self, filters: Mapping[str, str]) -> str:
        """Its address with further filters."""
        return address("/requests", {**self._kept, **filters})


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def naming_of(dimension: Dimension, usage: Usage, trains: Mapping[int, str], listed: Listed) -> Naming:
    """Titles and links of a dimension's names."""

    def named(name: str) -> tuple[str, str]:
        """What it is called, and what a filter calls it."""
        if dimension == "account":
            return usage.accounts.get(name, ("", ""))
        if dimension == "train":
            return trains.get(int(name), ""), trains.get(int(name), "")
        return (name.replace("_", " ") if dimension == "type" else name), name

    def link(name: str) -> str | None:
        value = named(name)[1]
        return listed({PARAMETER[dimension]: value}) if value else None

    return Naming(dimension, lambda name: named(name)[0] or NAMELESS[dimension], link)
