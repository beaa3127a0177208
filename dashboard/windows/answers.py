"""What the JSON API says of windows (api.md). Utilisation is a share, 1 is all of it; an unknown is null, never 0."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from core.windows.reading import Source
from dashboard.recordings.answers import Answer

RequestKind = Literal["inference", "query_evaluation", "quota"]


class MoveAnswer(Answer):
    """An end that was moved."""

    at: datetime = Field(description="When the new end was seen first")
    before: datetime
    after: datetime


class WindowAnswer(Answer):
    """What one source said last of a window."""

    window: str = Field(description="Name as the provider gives it: 5h, 7d, 7d_opus, overage …")
    source: Source = Field(description="Who says so; sources are never merged into one figure")
    window_minutes: int | None = Field(description="Null where the name does not say")
    utilization: float | None = Field(description="Share that is used up; can exceed 1")
    percentage: float | None = Field(description="utilization in per cent")
    status: str | None = Field(description="allowed, allowed_warning, rejected or what else was said")
    started_at: datetime | None
    reset_at: datetime | None
    elapsed: float | None = Field(description="Share of its time that is over")
    pace: float | None = Field(description="utilization / elapsed: above 1 it does not last")
    peak: float | None = Field(description="Highest utilisation seen in it")
    rejected_at: datetime | None = Field(description="When it first refused a call")
    observed_at: datetime
    stale: bool = Field(description="Nothing was said for more than ten minutes")
    over: bool = Field(description="Its end has passed: what is said here is how it ended")
    more: dict[str, str] = Field(description="Further members, as they came")


class RateLimitAnswer(Answer):
    """A per-minute limit of an API key, as it was told last."""

    name: str
    model: str | None = Field(description="Limits are per class of models: the model whose answer told it")
    limit: int | None
    remaining: int | None
    reset_at: datetime | None = Field(description="When it is full again")
    observed_at: datetime


class PeriodAnswer(Answer):
    """The time that own sums are over."""

    start: datetime = Field(description="Start of the five minutes that it begins in: sums are by five minutes")
    end: datetime


class SumAnswer(Answer):
    """Our own sums."""

    requests: int
    input_tokens: int
    output_tokens: int
    total_tokens: int = Field(description="input + output")
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    estimated_cost: float = Field(description="USD of the requests that have a price")
    unpriced_requests: int = Field(description="Requests with tokens but without a price")


class InferredAnswer(Answer):
    """Our own estimate of a window: never official."""

    source: Literal[Source.INFERRED] = Source.INFERRED
    estimated: Literal[True] = True
    window_minutes: int
    period: PeriodAnswer
    sum: SumAnswer
    limit: int | None = Field(description="Tokens (input and output); null where nothing was ever seen of it")
    limit_basis: Literal["rejection", "reported"] | None = Field(
        description="The highest sum that ended in a rejection, or our sum against the reported utilisation"
    )
    utilization: float | None
    reset_at: datetime | None = Field(description="Oldest request of the period + the window's length")


class BurnAnswer(Answer):
    """How fast it goes."""

    per_hour: float = Field(description="Share of the window an hour of work uses up")
    samples: int
    active_minutes: float = Field(description="Work it was told from: gaps of more than ten minutes are cut out")


class ForecastAnswer(Answer):
    """When it is used up. Null moments: not before the reset."""

    exhausted_at: datetime | None = Field(description="At the rate of the last hour")
    earliest: datetime | None = Field(description="Lower end of the range that holds 80 of 100 runs")
    latest: datetime | None
    probability: float = Field(description="Share of runs that are used up before the reset")


class WorthAnswer(Answer):
    """What one per cent costs at API prices: a fit, never used for official figures."""

    usd_per_percent: float
    r_squared: float
    steps: int


class CalibrationAnswer(Answer):
    """How good forecasts were: each past window forecast again half-way, from what was known then."""

    right: int = Field(description="Forecasts whose range held what happened")
    windows: int
    brier: float = Field(description="Mean squared error of the probability; 0 is best, 0.25 is chance")


class OutlookAnswer(Answer):
    """Where a running window leads; nulls where fewer than three samples of the last hour are there."""

    window: str
    source: Source
    reset_at: datetime | None
    utilization: float | None
    burn: BurnAnswer | None
    forecast: ForecastAnswer | None
    worth: WorthAnswer | None
    calibration: CalibrationAnswer | None


class ShareAnswer(SumAnswer):
    """A part of what a window was used for."""

    name: str | None = Field(description="Train, model or request type; null is none")
    share: float = Field(description="Of the cost; where nothing has a price, of input and output tokens")


class ConversationShareAnswer(Answer):
    """A conversation's part, as far as its requests are among the latest of the window."""

    conversation_id: UUID
    train_id: str = Field(alias="trainId")
    title: str | None
    requests: int
    total_tokens: int
    estimated_cost: float


class UseAnswer(Answer):
    """Who and what used a window: our own figures, of the trains the caller may see."""

    period: PeriodAnswer
    sum: SumAnswer
    trains: list[ShareAnswer]
    models: list[ShareAnswer]
    request_types: list[ShareAnswer]
    subagent_share: float | None = Field(description="Tokens of sub-agents, of the latest requests; null without any")
    told_requests: int = Field(description="How many of the latest requests sub-agents and conversations are told from")
    conversations: list[ConversationShareAnswer] = Field(description="The ten that used most")


class AccountWindows(Answer):
    """An account's windows: what was said, by each source, and our estimate beside it."""

    account_id: str
    display_name: str | None
    kind: Literal["api_key", "oauth"] = Field(description="An API key has no windows, it is billed by use")
    status: str | None = Field(description="The provider's word on all windows together")
    representative_window: str | None = Field(description="The window that decides")
    fallback_percentage: float | None
    windows: list[WindowAnswer]
    rate_limits: list[RateLimitAnswer]
    inferred: InferredAnswer


class WindowsAnswer(Answer):
    """The accounts that were used, or of whose windows something was said, in the last eight days."""

    accounts: list[AccountWindows]
    timestamp: datetime


class AccountWindowsAnswer(AccountWindows):
    """One account in full."""

    use: UseAnswer
    moves: list[MoveAnswer] = Field(description="Where the end of the running window was moved")
    outlooks: list[OutlookAnswer]


class PastWindowAnswer(Answer):
    """A window that is over, or runs."""

    started_at: datetime | None
    reset_at: datetime
    first_at: datetime = Field(description="First observation")
    last_at: datetime
    peak: float | None
    exhausted: bool = Field(description="All of it was used up, or a call refused because of it")
    rejected_at: datetime | None
    over: bool
    moves: list[MoveAnswer]


class SampleAnswer(Answer):
    """Utilisation at a moment."""

    at: datetime
    utilization: float
    reset_at: datetime | None


class HistoryAnswer(Answer):
    """An account's windows of one name and source over some days."""

    account_id: str
    window: str
    source: Source
    window_minutes: int | None
    period: PeriodAnswer
    count: int = Field(description="Windows that are over")
    exhausted: int
    mean_peak: float | None
    windows: list[PastWindowAnswer]
    step_minutes: int = Field(description="Samples are the highest of each such step")
    samples: list[SampleAnswer]


class AccountForecast(Answer):
    """Where the running windows of an account lead."""

    account_id: str
    display_name: str | None
    outlooks: list[OutlookAnswer]


class PoolAnswer(Answer):
    """All accounts with a running five-hour window together, each at its own rate."""

    accounts: int
    dry_at: datetime | None = Field(description="When the last of them is used up; null where one lasts to its reset")
    earliest: datetime | None
    latest: datetime | None
    next_relief: datetime | None = Field(description="The next reset of any of them")


class ForecastsAnswer(Answer):
    """Forecasts of every account's running windows."""

    accounts: list[AccountForecast]
    pool: PoolAnswer
    timestamp: datetime


class CurrentUsage(Answer):
    """What an account used of late: `tokens_used` is counted by us, `limit` inferred, the rest said by `source`."""

    tokens_used: int = Field(description="input + output of the last `window_minutes`, as recorded")
    limit: int | None = Field(description="Estimated tokens of the window; null where nothing was ever seen of it")
    percentage: float | None = Field(description="Used up, in per cent, as `source` has it; null is unknown")
    reset_at: datetime | None = Field(
        description="The reported end where it is known, else the oldest request + the window's length"
    )


class CurrentRequests(Answer):
    """Requests of the last minutes."""

    count: int
    by_type: dict[RequestKind, int]


class CurrentAnswer(Answer):
    """What an account uses just now."""

    account_id: str
    window_minutes: int
    source: Source = Field(description="Whose `percentage` and `reset_at` these are")
    usage: CurrentUsage
    requests: CurrentRequests
    period: PeriodAnswer
    windows: list[WindowAnswer] = Field(description="What was said of the account's windows, by each source")
    inferred: InferredAnswer
