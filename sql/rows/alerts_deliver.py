"""Rows of the notifier, which delivers alerts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class WorkDue:
    """Something there is to do, and on which channel."""

    work: str
    channel: int | None


@dataclass(frozen=True, slots=True)
class ChannelTaken:
    """A channel whose turn it is, locked."""

    channel: int
    train: int | None
    account: int | None
    away_since: datetime | None
    away_until: datetime | None


@dataclass(frozen=True, slots=True)
class AlertWaiting:
    """An alert that waits for a channel, and what its fate depends on."""

    alert: int
    kind: str
    tone: str
    state: str
    raised_at: datetime
    due_at: datetime
    expires_at: datetime | None
    recovered_at: datetime | None
    acknowledged_by: str | None
    snoozed_by: str | None
    first_state: str | None
    first_over_at: datetime | None
    first_told_at: datetime | None


@dataclass(frozen=True, slots=True)
class KindTold:
    """When a kind was last told on a channel."""

    kind: str
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertNoted:
    """The number of an alert."""

    alert: int


@dataclass(frozen=True, slots=True)
class AlertClaimed:
    """An alert that is about to be told, and where."""

    alert: int
    kind: str
    tone: str
    told: Any
    raised_at: datetime
    channel: int
    channel_kind: str
    origin: str
    sealed: bytes | None
    destination: str | None
    thread: str | None


@dataclass(frozen=True, slots=True)
class SummedRow:
    """What a summary stands for, of one kind and for one reason."""

    kind: str
    why: str
    count: int
    first_at: datetime
    last_at: datetime
    still_open: int
    tones: list[str]
    titles: list[str]


@dataclass(frozen=True, slots=True)
class NotifiersDiffer:
    """Whether dashboards of one installation have different webhooks of the environment."""

    differ: bool
