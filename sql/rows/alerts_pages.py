"""Alerts, rules, channels and feeds as pages and the JSON API show them; never a secret."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any


@dataclass(frozen=True, slots=True)
class LoggedAlert:
    """An alert of the log, and what became of it."""

    alert: int
    kind: str
    subject: str
    tone: str
    train: int | None
    train_name: str | None
    account: int | None
    told: Any
    raised_at: datetime
    expires_at: datetime | None
    recovered_at: datetime | None
    recovery_of: int | None
    state: str
    reason: str | None
    due_at: datetime
    channel: int | None
    channel_name: str | None
    channel_failures: int | None
    attempts: int
    lost_marks: int
    sent_at: datetime | None
    message: Any
    summed_in: int | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """Something that runs: the newest alert of it. ``since`` is when the first was raised."""

    alert: int
    kind: str
    subject: str
    tone: str
    train: int | None
    train_name: str | None
    told: Any
    since: datetime
    raised_at: datetime
    state: str
    reason: str | None
    due_at: datetime
    lost_marks: int
    sent_at: datetime | None
    channel_name: str | None
    channel_failures: int | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    snoozed_until: datetime | None
    snoozed_by: str | None


@dataclass(frozen=True, slots=True)
class AlertTry:
    """One time Slack was asked."""

    alert: int
    tried_at: datetime
    outcome: str
    status: int | None
    detail: str
    channel_name: str | None


@dataclass(frozen=True, slots=True)
class AlertNumber:
    """Which alert it was."""

    alert: int


@dataclass(frozen=True, slots=True)
class AlertSnooze:
    """What nobody wants to be told of for a while; subject '' is everything of the kind."""

    kind: str
    subject: str
    until: datetime
    snoozed_by: str


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel without its secret. ``test…`` is the last test of it, as far as it got."""

    channel: int
    name: str
    kind: str
    origin: str
    masked: str
    destination: str | None
    train: int | None
    train_name: str | None
    account: int | None
    account_id: str | None
    account_name: str | None
    off_reason: str | None
    off_at: datetime | None
    not_before: datetime | None
    failures: int
    last_sent_at: datetime | None
    created_by: str
    created_at: datetime
    test: int | None
    test_state: str | None
    test_reason: str | None
    tested_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChannelNumber:
    """Which channel it is."""

    channel: int


@dataclass(frozen=True, slots=True)
class AccountNumber:
    """Which account it is."""

    account: int


@dataclass(frozen=True, slots=True)
class TrainFeedRow:
    """What a train wants to hear besides incidents."""

    train: int
    feed: bool
    digest: bool
    digest_at: time
    zone: str
    changed_by: str
    changed_at: datetime
