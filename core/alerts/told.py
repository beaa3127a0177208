"""What is said of one thing, and the alert that says it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from core.alerts.kinds import Kind, Tone

MOST_FIELDS: Final = 10
MOST_LINES: Final = 40


class Told(BaseModel):
    """The words of an alert, stored with it: plain text without secrets, neither escaped nor cut to Slack's limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    """What happened, in one line."""
    cause: str = ""
    """Why, or what to do next, in a sentence."""
    fields: tuple[tuple[str, str], ...] = ()
    """The figures: name and value."""
    lines: tuple[str, ...] = ()
    """What was said, for the feed and summaries: one paragraph each."""
    path: str = "/"
    """The exact page of the dashboard, from ``/`` on."""
    page: str = "Open the page"
    """What that page is called."""


def told_of(stored: object) -> Told:
    """The words of an alert as they were stored; what another version stored in another shape has none."""
    try:
        return Told.model_validate(stored)
    except ValidationError:
        return Told(title="an alert that this version cannot read")


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert to be raised. The first with a ``dedupe_key`` is kept, all others are the same one again.

    ``subject`` is what it is about, without the moment: a snooze holds for a kind and a subject, and what is over is
    found by them. ``train`` and ``account`` are numbers of rows and choose the channel.
    """

    kind: Kind
    subject: str
    dedupe_key: str
    tone: Tone
    told: Told
    train: int | None = None
    account: int | None = None
    expires_at: datetime | None = None
    recovery_of: int | None = None
