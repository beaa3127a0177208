"""Rules of alerts: the defaults, and the hours in which nothing is told."""

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from core.alerts.kinds import KINDS, RULED, Kind, Tone
from core.alerts.outbox import columns
from core.alerts.rules import Quiet, Rule, complete, default, quiet_until
from core.alerts.told import Alert, Told

ZURICH = ZoneInfo("Europe/Zurich")
NIGHT = replace(default(Kind.BURST), quiet=Quiet(time(20), time(7)), zone=ZURICH)
NOON = replace(default(Kind.BURST), quiet=Quiet(time(12), time(13)), zone=ZURICH)


def test_every_kind_has_a_rule_that_keeps_to_its_own_bounds() -> None:
    """The defaults are among what people may set."""
    for kind in Kind:
        about = KINDS[kind]
        assert all(about.lowest <= threshold <= about.highest for threshold in about.thresholds)
        assert ("{}" in about.sentence) == bool(about.thresholds)


def test_what_was_changed_goes_before_the_default() -> None:
    """A changed rule replaces its kind's only; tests and summaries cannot be switched off."""
    rules = complete([replace(default(Kind.LAG), enabled=False), replace(default(Kind.TEST), enabled=False)])
    assert [kind for kind in Kind if not rules[kind].enabled] == [Kind.LAG]
    assert Kind.TEST not in RULED


@pytest.mark.parametrize(
    ("rule", "now", "until"),
    [
        (NIGHT, "2026-11-20 19:59", None),
        (NIGHT, "2026-11-20 20:00", "2026-11-21 07:00"),
        (NIGHT, "2026-11-21 06:59", "2026-11-21 07:00"),
        (NIGHT, "2026-11-21 07:00", None),
        (NOON, "2026-11-20 12:30", "2026-11-20 13:00"),
        (NOON, "2026-11-20 23:30", None),
        # The night in which clocks go forward.
        (NIGHT, "2026-03-28 22:00", "2026-03-29 07:00"),
        (default(Kind.BURST), "2026-11-20 03:00", None),
    ],
)
def test_quiet_hours_are_those_of_the_zone(rule: Rule, now: str, until: str | None) -> None:
    """They may go over midnight, and begin and end by the clock on the wall."""
    there = datetime.fromisoformat(now).replace(tzinfo=ZURICH)
    expected = None if until is None else datetime.fromisoformat(until).replace(tzinfo=ZURICH).astimezone(UTC)
    assert quiet_until(rule, there) == expected


def test_of_one_dedupe_key_the_first_is_raised() -> None:
    """One statement raises each alert once, in the order of the keys."""

    def made(key: str, title: str) -> Alert:
        return Alert(Kind.LAG, "recorder", key, Tone.WARNING, Told(title=title))

    given = columns([made("b", "first"), made("a", "other"), made("b", "again")])
    assert given[2] == ["a", "b"]
    assert [Told.model_validate_json(text).title for text in given[6]] == ["other", "first"]
