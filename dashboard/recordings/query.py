"""The query string of a list of requests: filters, page or cursor."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from core.ids import MAX_MS, uuid7
from core.models import Outcome, RequestType
from dashboard.period import Period, both
from dashboard.routing import Query

MOST_PER_PAGE = 200
DEEPEST_ROW = 2000
"""Numbered pages end here: what lies deeper is reached by cursor, which costs the same at any depth."""

FIRST_ID, LAST_ID = UUID(int=0), UUID(int=(1 << 128) - 1)

_LOST_PLUS = re.compile(r" (?=\d\d:?\d\d$)")


def split(value: Any) -> Any:
    """The parts of what was given once with commas, or several times."""
    values = value if isinstance(value, list) else [value]
    return tuple(part.strip() for one in values for part in str(one).split(",") if part.strip())


def _storable(value: str) -> str:
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("holds characters that no text in the database has")
    return value


def _moment(value: Any) -> Any:
    # A + that was not escaped arrives as a blank.
    return _LOST_PLUS.sub("+", value) if isinstance(value, str) else value


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Text = Annotated[str, Field(max_length=256), AfterValidator(_storable)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(split), Field(max_length=100)]
Moment = Annotated[datetime, BeforeValidator(_moment), AfterValidator(_aware)]
Milliseconds = Annotated[int, Field(ge=0, le=86_400_000)]
OutcomeFilter = Outcome | Literal["in_flight", "failed"]


class Paged(Query):
    """Which part of a list: numbered pages, or what follows a cursor."""

    page: Annotated[int, Field(ge=1)] = Field(1, description="Which page, counted from 1")
    per_page: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] = Field(50, alias="per_page", description="Rows on a page")
    limit: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] | None = Field(None, description="The same as per_page")
    offset: Annotated[int, Field(ge=0)] | None = Field(None, description="Rows to skip; instead of page")

    @model_validator(mode="before")
    @classmethod
    def _cursor_is_before(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("cursor") is not None:
            if given.get("before") is not None:
                raise ValueError("cursor and before are the same: give one")
            return {name: value for name, value in given.items() if name != "cursor"} | {"before": given["cursor"]}
        return given

    @model_validator(mode="after")
    def _one_way_to_page(self) -> Self:
        if getattr(self, "before", None) is not None and self.skip:
            raise ValueError("before is a cursor: give no page or offset with it")
        if self.skip + self.size > DEEPEST_ROW:
            raise ValueError(f"pages end at row {DEEPEST_ROW}: go deeper with before=<next_cursor>")
        return self

    @property
    def size(self) -> int:
        """Rows of one page."""
        return self.limit or self.per_page

    @property
    def skip(self) -> int:
        """Rows before the page."""
        return (self.page - 1) * self.size if self.offset is None else self.offset


class RequestsQuery(Paged):
    """Filters of a list of requests; all that are given must hold."""

    train_id: Texts = Field((), description="Trains, separated by commas; default all that the caller may see")
    account_id: Text | None = Field(None, description="Account that paid")
    conversation_id: UUID | None = Field(None, description="Conversation the call belongs to")
    session_id: Text | None = Field(None, description="Session of the client (a Claude Code session id)")
    model: Text | None = Field(None, description="Model that answered; where none did, the model asked for")
    request_type: RequestType | None = Field(None, description="Kind of call; plain SDK calls are query_evaluation")
    outcome: OutcomeFilter | None = Field(
        None, description="How it ended; `in_flight`: not yet; `failed`: ended in any way but `ok`"
    )
    status: Annotated[str, Field(pattern=r"^([1-5][0-9][0-9]|[1-5]xx)$")] | None = Field(
        None, description="Status of the answer, `429`, or its class, `4xx`"
    )
    stop_reason: Text | None = Field(None, description="Why the model stopped, `end_turn`, `tool_use` …")
    error_type: Text | None = Field(None, description="Type of the error, `rate_limit_error`, `overloaded_error` …")
    client: Text | None = Field(None, description="Program that called, `claude-code` …")
    min_duration_ms: Milliseconds | None = Field(None, description="Took so long or longer")
    max_duration_ms: Milliseconds | None = Field(None, description="Took less")
    since: Moment | None = Field(None, description="Accepted at this time or later, ISO 8601")
    until: Moment | None = Field(None, description="Accepted before this time, ISO 8601")
    before: UUID | None = Field(None, description="Cursor: `next_cursor` of the page before this one")
    cursor: UUID | None = Field(None, description="The same as before")

    def within(self, period: Period) -> Self:
        """The same list, of what was accepted in the period too."""
        since, until = both(period, self.since, self.until)
        return self.model_copy(update={"since": since, "until": until})

    @property
    def statuses(self) -> tuple[int, int] | None:
        """First and last status that fit."""
        if self.status is None:
            return None
        if self.status.endswith("xx"):
            return int(self.status[0]) * 100, int(self.status[0]) * 100 + 99
        return int(self.status), int(self.status)

    @property
    def only_not_ok(self) -> bool:
        """Whether no request that ended well can fit, so that the index of the others serves."""
        failed = self.outcome is not None and self.outcome is not Outcome.OK
        return failed or self.error_type is not None or (self.statuses is not None and self.statuses[0] >= 400)

    @property
    def searches(self) -> bool:
        """Whether a filter is set that no index serves, so that rows are looked at which do not fit."""
        own = (self.stop_reason, self.client, self.min_duration_ms, self.max_duration_ms)
        status = self.status is not None and not self.only_not_ok
        return status or any(value is not None for value in own)

    @property
    def durations(self) -> tuple[int | None, int | None]:
        """Shortest and, not itself, longest duration that fits, microseconds."""
        shortest, longest = self.min_duration_ms, self.max_duration_ms
        return (None if shortest is None else shortest * 1000), (None if longest is None else longest * 1000)

    @property
    def from_id(self) -> UUID:
        """The smallest id that fits ``since``."""
        return FIRST_ID if self.since is None else _floor(self.since)

    @property
    def below_id(self) -> UUID:
        """The id that all of the page are smaller than; ``before`` narrows ``until``."""
        until = LAST_ID if self.until is None else _floor(self.until)
        return until if self.before is None else min(until, self.before)


def _floor(moment: datetime) -> UUID:
    ms = min(max(int(moment.timestamp() * 1000), 0), MAX_MS)
    return uuid7(ms, bytes(10))
