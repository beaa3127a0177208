"""The rules of alerts as people read and set them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from core.access import Principal
from core.alerts.kinds import KINDS, RULED, About, Kind
from dashboard.alerts.answers import RuleAnswer, RuleChange, RulesAnswer
from dashboard.alerts.log import needs_whole, snooze_kind
from dashboard.problems import Problem
from sql.database import Database
from sql.rows.alerts import AlertRuleRow
from sql.rows.alerts_pages import AlertSnooze

NONE: Final = "there is no such rule"
MOST_THRESHOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule as it is, or as somebody wants it."""

    enabled: bool
    thresholds: tuple[float, ...]
    minimum_interval: timedelta
    quiet_from: time | None
    quiet_until: time | None
    zone: str
    changed_by: str | None = None
    changed_at: datetime | None = None


async def rules_now(database: Database) -> list[RuleAnswer]:
    """Every rule people can change, in the order of the kinds."""
    changed = {row.kind: row for row in await database.fetch("alert_rules_changed", AlertRuleRow)}
    snoozes = await database.fetch("alert_snoozes_now", AlertSnooze)
    until = {one.kind: one.until for one in snoozes if not one.subject}
    return [_answer(kind, _wanted(kind, changed), until.get(kind.value)) for kind in RULED]


async def rules_answer(database: Database) -> RulesAnswer:
    """Every rule as the JSON API says it."""
    return RulesAnswer(rules=await rules_now(database))


async def change(database: Database, principal: Principal, kind: Kind, given: RuleChange) -> None:
    """Change what is named of a rule. Raises Problem 422 with one entry for each field that cannot be, 403."""
    needs_whole(principal)
    changed = {row.kind: row for row in await database.fetch("alert_rules_changed", AlertRuleRow)}
    before, named = _wanted(kind, changed), given.model_fields_set
    wanted = Wanted(
        enabled=given.enabled if "enabled" in named else before.enabled,
        thresholds=tuple(sorted(set(given.thresholds))) if "thresholds" in named else before.thresholds,
        minimum_interval=timedelta(seconds=given.minimum_interval_seconds)
        if "minimum_interval_seconds" in named
        else before.minimum_interval,
        quiet_from=given.quiet_from if "quiet_from" in named else before.quiet_from,
        quiet_until=given.quiet_until if "quiet_until" in named else before.quiet_until,
        zone=given.zone if "zone" in named else before.zone,
    )
    _check(kind, wanted)
    if named - {"snoozed_hours"}:
        await _put(database, principal, kind, wanted)
    if "snoozed_hours" in named:
        await _snooze(database, principal, kind, given.snoozed_hours)


async def reset(database: Database, principal: Principal, kind: Kind) -> None:
    """The rule is its default again."""
    needs_whole(principal)
    await database.execute("alert_rule_reset", kind.value)


def kind_of(text: str) -> Kind:
    """The kind of a rule in an address. Raises Problem 404."""
    if text not in RULED:
        raise Problem(404, NONE)
    return Kind(text)


def listed(thresholds: Sequence[float], unit: str) -> str:
    """Thresholds in words: ``75, 95 or 100 %``."""
    words = [f"{one:g}" for one in thresholds]
    joined = " or ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "–"
    return f"{joined} {unit}" if unit else joined


def sentence(about: About, thresholds: Sequence[float]) -> str:
    """The rule in words."""
    return about.sentence.replace("{}", listed(thresholds, about.unit))


def _wanted(kind: Kind, changed: Mapping[str, AlertRuleRow]) -> Wanted:
    row, about = changed.get(kind.value), KINDS[kind]
    if row is None:
        return Wanted(True, about.thresholds, about.minimum_interval, None, None, "UTC")
    return Wanted(
        row.enabled, tuple(row.thresholds), row.minimum_interval, row.quiet_from, row.quiet_until, row.zone,
        row.changed_by, row.changed_at,
    )  # fmt: skip


def _check(kind: Kind, wanted: Wanted) -> None:
    """Refuse what cannot be, in words."""
    about = KINDS[kind]
    faults = [("thresholds", words) for words in _thresholds_faults(about, wanted.thresholds)]
    if (wanted.quiet_from is None) != (wanted.quiet_until is None):
        faults.append(("quiet hours", "name both when they begin and when they end, or neither"))
    elif wanted.quiet_from is not None and wanted.quiet_from == wanted.quiet_until:
        faults.append(("quiet hours", "they end when they begin; to hear nothing at all switch the rule off"))
    if any(one is not None and one.tzinfo is not None for one in (wanted.quiet_from, wanted.quiet_until)):
        faults.append(("quiet hours", "name the hour alone; its zone is a field of its own"))
    if faults:
        details = [{"field": field, "message": words} for field, words in faults]
        raise Problem(422, "; ".join(words for _, words in faults), details)


def _thresholds_faults(about: About, wanted: Sequence[float]) -> list[str]:
    if not about.thresholds:
        return ["this rule has no threshold"] if wanted else []
    most = 1 if len(about.thresholds) == 1 else MOST_THRESHOLDS
    if not 1 <= len(wanted) <= most:
        return ["name one threshold" if most == 1 else f"name 1 to {most} thresholds"]
    low, high = about.lowest, about.highest
    if not all(low <= one <= high for one in wanted):  # not a number is outside too
        return [f"between {listed([low], about.unit)} and {listed([high], about.unit)}"]
    return []


async def _put(database: Database, principal: Principal, kind: Kind, wanted: Wanted) -> None:
    await database.execute(
        "alert_rule_put", kind.value, wanted.enabled, list(wanted.thresholds), wanted.minimum_interval,
        wanted.quiet_from, wanted.quiet_until, wanted.zone, principal.name,
    )  # fmt: skip


async def _snooze(database: Database, principal: Principal, kind: Kind, hours: float) -> None:
    if hours:
        await snooze_kind(database, principal, kind.value, "", hours)
    else:
        await database.execute("alert_snooze_end", kind.value, "")


def _answer(kind: Kind, wanted: Wanted, snoozed_until: datetime | None) -> RuleAnswer:
    about = KINDS[kind]
    return RuleAnswer(
        kind=kind,
        title=about.title,
        sentence=sentence(about, wanted.thresholds),
        enabled=wanted.enabled,
        thresholds=list(wanted.thresholds),
        unit=about.unit,
        lowest=about.lowest,
        highest=about.highest,
        minimum_interval_seconds=round(wanted.minimum_interval.total_seconds()),
        quiet_from=wanted.quiet_from,
        quiet_until=wanted.quiet_until,
        zone=wanted.zone,
        snoozed_until=snoozed_until,
        changed_by=wanted.changed_by,
        changed_at=wanted.changed_at,
    )
