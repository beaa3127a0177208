"""The query strings of the lists of conversations and sessions."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field

from dashboard.period import Period, both
from dashboard.recordings.query import FIRST_ID, LAST_ID, Moment, Paged, Text, Texts, split

Having = Literal["branches", "subtasks", "errors", "compaction", "side_calls"]
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
LAST_TEXT = "\U0010ffff"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def cursor(moment: datetime, name: object) -> str:
    """Where a list goes on behind a row: its last activity to the microsecond, and its id."""
    return f"{(moment - _EPOCH) // _MICROSECOND}-{name}"


def _moment(cursor: str) -> tuple[datetime, str]:
    microseconds, _, name = cursor.partition("-")
    return _EPOCH + int(microseconds) * _MICROSECOND, name


class ConversationsQuery(Paged):
    """Filters of a list of conversations; all that are given must hold."""

    train_id: Texts = Field((), description="Trains, separated by commas; default all that the caller may see")
    account_id: Text | None = Field(None, description="Account that paid")
    date_from: Moment | None = Field(None, description="Last active at this time or later, ISO 8601")
    date_to: Moment | None = Field(None, description="Last active before this time, ISO 8601")
    q: Text | None = Field(None, description="Words in the title, in any case")
    has: Annotated[tuple[Having, ...], BeforeValidator(split)] = Field(
        (), description="What it must have, separated by commas; `side_calls` lists these too (titles, quota …)"
    )
    session_id: Text | None = Field(None, description="Session that some of it was part of")
    model: Text | None = Field(None, description="Model that answered some of it")
    before: Annotated[str, Field(pattern=r"^\d{1,17}-[0-9a-fA-F-]{36}$")] | None = Field(
        None, description="Cursor: `next_cursor` of the page before this one"
    )

    def within(self, period: Period) -> Self:
        """The same list, of what was last active in the period too."""
        since, until = both(period, self.date_from, self.date_to)
        return self.model_copy(update={"date_from": since, "date_to": until})

    @property
    def below(self) -> tuple[datetime, UUID]:
        """The last activity and id that all of the page come behind."""
        end = (LATEST, LAST_ID) if self.date_to is None else (self.date_to, FIRST_ID)
        if self.before is None:
            return end
        moment, name = _moment(self.before)
        try:
            return min(end, (moment, UUID(name)))
        except ValueError:
            return min(end, (moment, LAST_ID))

    @property
    def filters(self) -> tuple[Any, ...]:
        """Parameters $4 to $6 of the list queries."""
        return self.date_from or EARLIEST, self.q, self.session_id

    @property
    def having(self) -> tuple[bool, ...]:
        """Parameters $8 to $12 of the list queries; a session is shown with its side calls."""
        wanted = ("branches", "subtasks", "errors", "compaction")
        return *(name in self.has for name in wanted), "side_calls" in self.has


class SessionsQuery(Paged):
    """Filters of a list of sessions; all that are given must hold."""

    train_id: Texts = Field((), description="Trains, separated by commas; default all that the caller may see")
    account_id: Text | None = Field(None, description="Account that paid")
    client: Text | None = Field(None, description="Program that was used, e.g. claude-code")
    date_from: Moment | None = Field(None, description="Last active at this time or later, ISO 8601")
    date_to: Moment | None = Field(None, description="Last active before this time, ISO 8601")
    before: Annotated[str, Field(pattern=r"^\d{1,17}-", max_length=300)] | None = Field(
        None, description="Cursor: `next_cursor` of the page before this one"
    )

    def within(self, period: Period) -> Self:
        """The same list, of what was last active in the period too."""
        since, until = both(period, self.date_from, self.date_to)
        return self.model_copy(update={"date_from": since, "date_to": until})

    @property
    def below(self) -> tuple[datetime, str]:
        """The last activity and id that all of the page come behind."""
        end = (LATEST, LAST_TEXT) if self.date_to is None else (self.date_to, "")
        return end if self.before is None else min(end, _moment(self.before))
