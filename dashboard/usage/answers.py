"""What the JSON API says of usage, prices and budgets (api.md)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from core.budgets import Length, Unit
from core.prices import RateName
from dashboard.recordings.answers import Answer
from dashboard.usage.query import Bucket, Zone


class Sums(Answer):
    """Sums of requests. Costs are of those that have a price."""

    requests: int
    input_tokens: int
    output_tokens: int
    total_tokens: int = Field(description="input_tokens + output_tokens")
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int
    thinking_tokens: int = Field(description="Part of output_tokens")
    total_input_tokens: int = Field(description="input + cache writes + cache reads")
    web_search_requests: int
    estimated_cost: float = Field(description="USD of the requests that have a price")
    estimated_requests: int = Field(description="Requests in estimated_cost whose cost is an estimate")
    unpriced_requests: int = Field(description="Requests that cost something unknown; not in estimated_cost")


class ModelUsage(Answer):
    """What one model did."""

    requests: int
    tokens: int = Field(description="input_tokens + output_tokens")
    estimated_cost: float
    unpriced_requests: int


class Day(Sums):
    """A day of the zone, which may have 23 or 25 hours."""

    date: date
    by_model: dict[str, ModelUsage] = Field(description="By the model that answered; `unknown` where none is named")


class UsagePeriod(Answer):
    """The time that sums are over."""

    start: datetime
    end: datetime


class DailyAnswer(Answer):
    """Usage of each day; days without any are there, with zeros."""

    account_id: str | None
    tz: str
    period: UsagePeriod
    days: list[Day]
    totals: Sums = Field(description="The sums of the days")


class Point(Sums):
    """Usage of a step of time."""

    starts_at: datetime


class SeriesAnswer(Answer):
    """Usage by steps of time, those without any left out."""

    account_id: str | None
    bucket: Bucket
    tz: str
    period: UsagePeriod
    points: list[Point]


class AccountUsage(Answer):
    """What was used of an account."""

    account_id: str
    display_name: str | None
    kind: str = Field(description="`api_key` or `oauth`; what a subscription used is not billed by tokens")
    requests: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    estimated_cost: float
    unpriced_requests: int
    last_active_hour: datetime | None


class AccountUsageAnswer(Answer):
    """Usage of accounts, the most used first."""

    period: UsagePeriod
    accounts: list[AccountUsage]


class RequestHour(Answer):
    """Requests of an hour."""

    hour: datetime
    requests: int
    ok: int
    failed: int = Field(description="Neither ok nor cancelled by the client nor rejected by the proxy")
    cancelled: int
    rejected: int


class RequestHoursAnswer(Answer):
    """Requests of each hour, those without any too."""

    period: UsagePeriod
    hours: list[RequestHour]


class TokenHour(Answer):
    """Tokens of an hour."""

    hour: datetime
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int


class TokenHoursAnswer(Answer):
    """Tokens of each hour, those without any too."""

    period: UsagePeriod
    hours: list[TokenHour]


class AccountAnswer(Answer):
    """An account, under the id it bears now."""

    account_id: str
    kind: str
    display_name: str | None
    created_at: datetime
    total_requests: int
    last_active_hour: datetime | None


class AccountsAnswer(Answer):
    """The accounts that were used by trains the caller may see; all of them where he may see every train."""

    accounts: list[AccountAnswer]


class Given(BaseModel):
    """What a change is asked with."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountGiven(Given):
    """What people call an account."""

    display_name: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]+$")] | None


class NamedAccount(Answer):
    """An account and what people call it."""

    account_id: str
    display_name: str | None


Rate = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=13, decimal_places=6, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=0, le=10**12)]
Words = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]


class PriceGiven(Given):
    """An own price: USD per million tokens."""

    model: Words = Field(description="Exact name; it is also of that name with a date behind it")
    valid_from: AwareDatetime | None = None
    valid_to: AwareDatetime | None = Field(None, description="The first moment it is valid no more")
    min_prompt: Tokens = 0
    max_prompt: Tokens | None = Field(None, description="Tokens of the prompt with cache reads and writes, included")
    speed: Literal["standard", "fast"] = "standard"
    input: Rate
    output: Rate
    cache_write_5m: Rate
    cache_write_1h: Rate
    cache_read: Rate
    unconfirmed: list[RateName] = Field([], description="Rates that make a cost an estimate")
    source: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] | None = None

    @model_validator(mode="after")
    def _is_of_something(self) -> Self:
        if self.valid_from is not None and self.valid_to is not None and self.valid_from >= self.valid_to:
            raise ValueError("valid_to must lie behind valid_from")
        if self.max_prompt is not None and self.max_prompt < self.min_prompt:
            raise ValueError("max_prompt must not be below min_prompt")
        return self


class PriceAnswer(Answer):
    """A price: USD per million tokens."""

    id: str = Field(description="As in `price_id` of a request; own prices are `own/…`")
    model: str
    valid_from: datetime | None
    valid_to: datetime | None
    min_prompt: int
    max_prompt: int | None
    speed: str
    input: float
    output: float
    cache_write_5m: float
    cache_write_1h: float
    cache_read: float
    unconfirmed: list[str] = Field(description="Rates the provider has not confirmed: a cost with them is an estimate")
    source: str
    created_by: str | None = None
    created_at: datetime | None = None


class ModifierAnswer(Answer):
    """What multiplies the price of all tokens of some models."""

    factor: float
    models: list[str]


class PricesAnswer(Answer):
    """All prices. An own price goes before the list's, the newest first; what has none is unknown, never 0."""

    own: list[PriceAnswer]
    listed: list[PriceAnswer]
    batch_factor: float
    web_search_usd: float
    geo: dict[str, ModifierAnswer]
    speed: dict[str, ModifierAnswer]
    context_limits: dict[str, int]


Amount = Annotated[Decimal, Field(gt=0, le=10**12, max_digits=18, decimal_places=6, allow_inf_nan=False)]


class BudgetChange(Given):
    """What of a budget can be changed."""

    amount: Amount
    tz: Zone = "UTC"
    hard: bool = False


class BudgetGiven(BudgetChange):
    """A budget: what a train, or one client key of it, may use in each period."""

    train_id: Words
    key_id: Words | None = None
    unit: Unit
    period: Length


class BudgetAnswer(Answer):
    """A budget and how it stands."""

    id: int
    train_id: str = Field(alias="trainId")
    key_id: str | None
    unit: Unit
    amount: float
    period: Length
    tz: str
    hard: bool = Field(description="Whether the proxy is to refuse what goes beyond")
    starts_at: datetime
    ends_at: datetime
    used: float
    remaining: float
    percent: float
    warning: int | None = Field(description="The highest of 75, 95 and 100 that is reached")
    unpriced_requests: int = Field(description="Requests of the period that cost something unknown, where it is in USD")
    created_by: str
    created_at: datetime
    updated_at: datetime


class BudgetsAnswer(Answer):
    """The budgets of trains the caller may see."""

    budgets: list[BudgetAnswer]


class Done(Answer):
    """It is done."""

    ok: Literal[True] = True
