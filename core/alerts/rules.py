"""The rule of a kind: the defaults, or what people made of them; and until when it keeps quiet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from core.alerts.kinds import KINDS, RULED, Kind


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day in which nothing is told; ``until`` is of the next day where it comes before ``since``."""

    since: time
    until: time


@dataclass(frozen=True, slots=True)
class Rule:
    """When a kind is raised and how often it is told."""

    kind: Kind
    enabled: bool
    thresholds: tuple[float, ...]
    minimum_interval: timedelta
    quiet: Quiet | None = None
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("UTC"))
    changed: bool = False
    """Whether somebody set it; else it is the default."""


def default(kind: Kind) -> Rule:
    """The rule of a kind that nobody changed."""
    about = KINDS[kind]
    return Rule(kind, enabled=True, thresholds=about.thresholds, minimum_interval=about.minimum_interval)


def complete(changed: Iterable[Rule]) -> Mapping[Kind, Rule]:
    """A rule for every kind: as it was changed, else the default."""
    return {kind: default(kind) for kind in Kind} | {rule.kind: rule for rule in changed if rule.kind in RULED}


def quiet_until(rule: Rule, now: datetime) -> datetime | None:
    """When the quiet hours that a moment lies in are over, in UTC; None where it lies in none."""
    if rule.quiet is None:
        return None
    there = now.astimezone(rule.zone)
    for day in (there.date() - timedelta(days=1), there.date()):
        since = datetime.combine(day, rule.quiet.since, rule.zone)
        last = day if rule.quiet.since < rule.quiet.until else day + timedelta(days=1)
        until = datetime.combine(last, rule.quiet.until, rule.zone)
        if since.astimezone(UTC) <= now < until.astimezone(UTC):
            return until.astimezone(UTC)
    return None
