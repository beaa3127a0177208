"""Every kind of alert, once: what it is called, when it is raised by default, how often it is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What an alert is of."""

    WINDOW = "window"
    DRY = "dry"
    BUDGET = "budget"
    BURST = "burst"
    UNKNOWN_MODEL = "unknown_model"
    LAG = "lag"
    TAPE = "tape"
    DEAD_LETTERS = "dead_letters"
    FEED = "feed"
    DIGEST = "digest"
    TEST = "test"
    SUMMARY = "summary"


class Tone(StrEnum):
    """How bad it is; Slack's colours follow from it."""

    GOOD = "good"
    INFO = "info"
    WARNING = "warning"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class About:
    """What is fixed of a kind, and the rule it goes by until somebody changes that.

    ``lasts`` says whether it is about a state, which ends (a recovery is told), or about one moment.
    ``matters_for`` is how long a message that could not be sent is still news; None: as long as what it is about lasts.
    """

    title: str
    sentence: str
    """The rule in words; ``{}`` stands for the thresholds."""
    thresholds: tuple[float, ...] = ()
    unit: str = ""
    """What a threshold is in: ``%``, ``s`` or nothing where it counts."""
    lowest: float = 0.0
    highest: float = 0.0
    """Between which a threshold may be set."""
    minimum_interval: timedelta = timedelta(minutes=1)
    lasts: bool = True
    matters_for: timedelta | None = None


KINDS: Final[Mapping[Kind, About]] = {
    Kind.WINDOW: About(
        "Window filling up", "a usage window of an account is used to {}", (75.0, 95.0), "%", 1.0, 100.0, timedelta(0)
    ),
    Kind.DRY: About(
        "Window runs dry",
        "a usage window of an account that is used to {} or more is forecast to be used up before its reset",
        (50.0,), "%", 0.0, 100.0,
    ),
    Kind.BUDGET: About("Budget", "a budget is used to {}", (75.0, 95.0, 100.0), "%", 1.0, 1000.0, timedelta(0)),
    Kind.BURST: About(
        "Burst of errors",
        "within 10 minutes a train or an account has {} or more calls that failed (429, 529, 5xx, broken or stalled"
        " streams), and these are a fifth of its calls or more",
        (5.0,), "", 1.0, 100_000.0, timedelta(minutes=10), matters_for=timedelta(minutes=30),
    ),
    Kind.UNKNOWN_MODEL: About("Model without a price", "a model is used that has no price"),
    Kind.LAG: About(
        "Recorder behind", "rows are {} or more behind the tape, or no recorder is heard of", (60.0,), "s", 5.0, 86400.0
    ),
    Kind.TAPE: About("Tape filling up", "a tape is filled to {}", (70.0, 90.0), "%", 1.0, 100.0),
    Kind.DEAD_LETTERS: About(
        "Calls put aside", "the database refuses to take a call", minimum_interval=timedelta(minutes=10)
    ),
    Kind.FEED: About(
        "Conversation", "a user of a train that asked for it takes a new turn", minimum_interval=timedelta(0),
        lasts=False, matters_for=timedelta(minutes=15),
    ),
    Kind.DIGEST: About(
        "Daily digest", "a train that asked for it begins a new day", minimum_interval=timedelta(0),
        lasts=False, matters_for=timedelta(hours=12),
    ),
    Kind.TEST: About(
        "Test", "somebody tries a channel", minimum_interval=timedelta(0), lasts=False, matters_for=timedelta(minutes=5)
    ),
    Kind.SUMMARY: About(
        "Summary", "messages could not be told when they were due", minimum_interval=timedelta(0), lasts=False,
        matters_for=timedelta(days=1),
    ),
}  # fmt: skip

RULED: Final = tuple(kind for kind in Kind if kind not in {Kind.TEST, Kind.SUMMARY})
"""Kinds that have a rule people can change; tests and summaries are always told."""
