"""What the JSON API says of alerts, their rules, channels and feeds, and what it is asked to change."""

from datetime import datetime, time
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from core.alerts.kinds import Kind, Tone
from dashboard.recordings.answers import Answer
from dashboard.usage.answers import Given, Words
from dashboard.usage.query import Zone

State = Literal["waiting", "claimed", "sending", "sent", "summed", "dropped", "failed", "unsure"]


class TryAnswer(Answer):
    """One time Slack was asked."""

    tried_at: datetime
    channel: str | None = Field(description="Name of the channel; null where it is no more")
    outcome: Literal["sent", "again", "never"]
    status: int | None
    detail: str


class AlertAnswer(Answer):
    """An alert, and what became of it."""

    id: int
    kind: Kind
    subject: str = Field(description="What it is about, the same for every alert of one thing")
    tone: Tone
    train_id: str | None = Field(alias="trainId")
    title: str | None = Field(description="Null where it tells what users wrote and the caller may not read that")
    cause: str | None
    fields: dict[str, str]
    path: str = Field(description="The page it is about")
    raised_at: datetime
    expires_at: datetime | None
    recovered_at: datetime | None
    recovery_of: int | None = Field(description="The alert whose end it tells")
    state: State
    words: str = Field(description="The state in words")
    due_at: datetime
    channel: str | None
    sent_at: datetime | None
    summed_in: int | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    message: Any = Field(description="Slack's payload as it was last sent; null where none was")
    tries: list[TryAnswer]


class AlertsAnswer(Answer):
    """The log of alerts, newest first."""

    alerts: list[AlertAnswer]
    next_cursor: int | None = Field(description="`before` of the next page; null on the last")


class SnoozeGiven(Given):
    """For how long nothing is told."""

    hours: Annotated[float, Field(gt=0, le=24 * 90)]


class SnoozeAnswer(Answer):
    """What nobody wants to be told of for a while."""

    kind: Kind
    subject: str
    until: datetime
    snoozed_by: str


class RuleAnswer(Answer):
    """The rule of a kind."""

    kind: Kind
    title: str
    sentence: str = Field(description="When it is raised, in words")
    enabled: bool
    thresholds: list[float]
    unit: str = Field(description="What a threshold is in: `%`, `s`, or nothing where it counts")
    lowest: float
    highest: float
    minimum_interval_seconds: int = Field(description="Between two messages of the kind on one channel")
    quiet_from: time | None
    quiet_until: time | None
    zone: str
    snoozed_until: datetime | None
    changed_by: str | None = Field(description="Null where it is the default")
    changed_at: datetime | None


class RulesAnswer(Answer):
    """Every rule."""

    rules: list[RuleAnswer]


class RuleChange(Given):
    """What is to be changed of a rule; what is not named stays."""

    enabled: bool = True
    thresholds: Annotated[list[float], Field(max_length=5)] = Field([])
    minimum_interval_seconds: Annotated[int, Field(ge=0, le=7 * 86400)] = 0
    quiet_from: time | None = Field(None, description="Null, and quiet_until too: no quiet hours")
    quiet_until: time | None = None
    zone: Zone = "UTC"
    snoozed_hours: Annotated[float, Field(ge=0, le=24 * 90)] = Field(0.0, description="0: tell of it again")


class ChannelAnswer(Answer):
    """Where messages go. Its secret is never shown."""

    id: int
    name: str
    kind: Literal["webhook", "bot"]
    origin: Literal["environment", "page"]
    masked: str
    destination: str | None = Field(description="Which Slack conversation a bot writes to")
    train_id: str | None = Field(alias="trainId")
    account_id: str | None
    on: bool
    off_reason: str | None
    off_at: datetime | None
    not_before: datetime | None = Field(description="Nothing is sent earlier: Slack asked to wait, or was away")
    failures: int = Field(description="How often in a row Slack could not be reached")
    last_sent_at: datetime | None
    last_test: int | None = Field(description="The alert that tested it last")
    created_by: str
    created_at: datetime


class ChannelsAnswer(Answer):
    """The channels, that of the whole installation first."""

    channels: list[ChannelAnswer]


class ChannelGiven(Given):
    """A new channel: for a train, for an account, or, where neither is named, for the whole installation."""

    name: Annotated[Words, Field(max_length=80)]
    kind: Literal["webhook", "bot"]
    secret: SecretStr = Field(description="Webhook URL or bot token; never shown again")
    destination: Annotated[str, Field(pattern=r"^[CDG][A-Z0-9]{6,20}$")] | None = Field(
        None, description="For a bot: the id of the Slack channel, as C0123456789"
    )
    train_id: Words | None = None
    account_id: Words | None = None


class ChannelChange(Given):
    """What is to be changed of a channel; what is not named stays."""

    name: Annotated[Words, Field(max_length=80)] | None = None
    on: bool | None = None


class TestAnswer(Answer):
    """A message that tries a channel is in the outbox; the log says what becomes of it."""

    alert: int


class FeedAnswer(Answer):
    """What a train wants to hear besides incidents."""

    train_id: str = Field(alias="trainId")
    feed: bool = Field(description="A message for each new turn of a user")
    digest: bool = Field(description="A message a day about the day before")
    digest_at: time
    zone: str
    changed_by: str | None
    changed_at: datetime | None


class FeedsAnswer(Answer):
    """What trains want to hear; only those where somebody set it."""

    feeds: list[FeedAnswer]


class FeedGiven(Given):
    """What a train is to hear besides incidents."""

    feed: bool = False
    digest: bool = False
    digest_at: time = time(8)
    zone: Zone = "UTC"
