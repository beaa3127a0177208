"""What the routes of usage are asked."""

from collections.abc import Set as AbstractSet
from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from core.models import RequestType
from dashboard.recordings.query import Moment, Text, Texts
from dashboard.routing import Query

Bucket = Literal["hour", "day", "week", "month"]


@cache
def _zones() -> AbstractSet[str]:
    return available_timezones()


def known_zone(name: str) -> str:
    """The name of a zone, checked. Raises ValueError."""
    if name not in _zones():
        raise ValueError("no zone of this name; write it as in Europe/Zurich")
    return name


Zone = Annotated[str, Field(max_length=64), AfterValidator(known_zone)]


class UsageQuery(Query):
    """Whose usage."""

    account_id: Text | None = Field(None, description="Account that paid; default all")
    train_id: Texts = Field((), description="Trains, separated by commas; default all that the caller may see")
    tz: Zone = Field("UTC", description="Zone that days are cut in")

    @property
    def zone(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.tz)


class DailyQuery(UsageQuery):
    """Usage of days."""

    days: Annotated[int, Field(ge=1, le=366)] = Field(30, description="How many days, up to and with today")


class SeriesQuery(UsageQuery):
    """Usage by steps of time."""

    since: Moment | None = Field(
        None,
        description="From the five minutes of this time on (by the hour: from its hour on); default 7 days ago",
    )
    until: Moment | None = Field(None, description="Before this time; default now")
    bucket: Bucket = Field("hour", description="Step of time")
    model: Text | None = Field(None, description="Model that answered")
    request_type: RequestType | None = Field(None, description="Kind of call")


class HourlyQuery(UsageQuery):
    """Usage of hours."""

    days: Annotated[int, Field(ge=1, le=31)] = Field(7, description="How many times 24 hours, up to and with this one")


class AccountsQuery(Query):
    """Usage of accounts."""

    train_id: Texts = Field((), description="Trains, separated by commas; default all that the caller may see")
    days: Annotated[int, Field(ge=1, le=366)] = Field(
        30, description="How many times 24 hours, up to and with this one"
    )
