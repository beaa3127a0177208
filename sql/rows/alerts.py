"""Rows of the outbox of alerts that several parts read."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class AlertRuleRow:
    """A rule that somebody changed."""

    kind: str
    enabled: bool
    thresholds: list[float]
    minimum_interval: timedelta
    quiet_from: time | None
    quiet_until: time | None
    zone: str
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """An alert that is new in the outbox."""

    alert: int
    dedupe_key: str


@dataclass(frozen=True, slots=True)
class RunningAlert:
    """An alert whose end was not seen yet."""

    alert: int
    kind: str
    subject: str
    dedupe_key: str
    tone: str
    train: int | None
    account: int | None
    told: Any
    raised_at: datetime
    expires_at: datetime | None
    state: str
