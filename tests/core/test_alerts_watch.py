"""When a figure is worth an alert, and when that is over: thresholds, flapping, periods."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.alerts.kinds import Kind, Tone
from core.alerts.rules import default
from core.alerts.told import Alert, Told
from core.alerts.watch import Measure, Over, key, level_of, over, raised, recoveries
from core.alerts.watch_words import MASKED, lasting, moment, plain
from core.redact import find_secrets

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
RESET = NOW + timedelta(hours=2)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RULE = default(Kind.WINDOW)


@dataclass(frozen=True)
class Row:
    """An alert as the outbox gives it back."""

    alert: int
    kind: str
    subject: str
    dedupe_key: str
    raised_at: datetime = NOW - HOUR
    expires_at: datetime | None = RESET
    train: int | None = None
    account: int | None = 3
    told: dict[str, Any] = field(default_factory=lambda: Told(title="95 % used", path="/windows/a").model_dump())
    state: str = "sent"


def row(level: float, number: int = 1, **fields: Any) -> Row:
    """An open alert of the window at this threshold."""
    return Row(number, "window", "a/5h", key(Kind.WINDOW, "a/5h", level, NOW), **fields)


def measure(value: float, **fields: Any) -> Measure:
    """The window as it stands."""
    given = {"figure": f"{value:g} %", "expires_at": RESET, "account": 3, **fields}
    return Measure(Kind.WINDOW, "a/5h", value, Told(title=f"{value:g} % used"), **given)


def levels(alerts: list[Alert]) -> list[str]:
    """The thresholds of what is raised."""
    return [alert.dedupe_key.split(":")[2] for alert in alerts]


@pytest.mark.parametrize(
    ("value", "opened", "expected"),
    [
        (74.9, (), []),
        (75, (), ["75"]),
        (96, (), ["95"]),  # the highest alone
        (96, (75,), ["95"]),
        (96, (75, 95), []),
        (80, (95,), []),
    ],
)
def test_the_highest_threshold_is_raised_while_none_as_high_is_open(
    value: float, opened: tuple[float, ...], expected: list[str]
) -> None:
    """Whatever the order in which the open ones come."""
    for rows in permutations([row(level) for level in opened]):
        assert levels(raised([measure(value)], rows, RULE, NOW)) == expected


def test_what_is_raised_says_its_threshold_and_how_bad_it_is() -> None:
    """75 % of a window is a warning, 95 % a danger; it expires with the window."""
    [warning], [danger] = raised([measure(76)], [], RULE, NOW), raised([measure(99)], [], RULE, NOW)
    assert (warning.tone, danger.tone) == (Tone.WARNING, Tone.DANGER)
    assert (danger.expires_at, danger.account, danger.told.fields) == (RESET, 3, (("Threshold", "95 %"),))


def test_nothing_is_raised_of_what_may_be_stale_or_is_switched_off() -> None:
    """An old word says nothing of now."""
    assert raised([measure(99, sure=False)], [], RULE, NOW) == []
    assert raised([measure(99)], [], replace(RULE, enabled=False), NOW) == []


@pytest.mark.parametrize(
    ("level", "found", "why"),
    [
        (75.0, measure(70), ""),  # no flapping
        (75.0, measure(69.9), "Now: 69.9 %."),
        (95.0, measure(91), ""),
        (95.0, measure(20, sure=False), ""),
        (95.0, measure(99, expires_at=RESET + 5 * HOUR), "The window was reset."),
        (95.0, measure(99, expires_at=RESET + 2 * MINUTE), ""),
        (95.0, None, ""),
    ],
)
def test_it_is_over_well_below_its_threshold_or_with_its_window(level: float, found: Measure | None, why: str) -> None:
    """An end that wavers by minutes is the same window's; what nothing is said of stays open until its end."""
    ended = over([row(level)], [] if found is None else [found], NOW)
    assert ended == ([Over(1, why)] if why else [])


def test_it_is_over_when_its_end_has_come() -> None:
    """Also where nothing was said since; not where the same window was given a little more time."""
    later = RESET + MINUTE
    assert over([row(95)], [], later) == [Over(1, "The window was reset.")]
    assert over([row(95)], [measure(96, expires_at=RESET + 10 * MINUTE)], later) == []


def test_a_new_incident_has_a_key_of_its_own() -> None:
    """What was over may be raised again; its key says its threshold, whatever the subject holds."""
    first, second = (raised([measure(80)], [], RULE, at)[0] for at in (NOW, NOW + MINUTE))
    assert first.dedupe_key != second.dedupe_key
    strange = Row(1, "tape", "node:9:1", key(Kind.TAPE, "node:9:1", 99.5, NOW))
    assert level_of(strange) == 99.5


def test_one_recovery_a_subject_in_the_thread_of_the_worst_that_was_told() -> None:
    """Whatever the order; one that never was told is not what a recovery answers to, while another is."""
    rows = [row(75, 1), row(95, 2), replace(row(100, 3), state="dropped"), replace(row(75, 4), subject="b/5h")]
    why = dict.fromkeys(range(1, 5), "The window was reset.")
    for ended in permutations(rows):
        made = {one.recovery_of: one for one in recoveries(ended, why, NOW)}
        assert set(made) == {2, 4}
        told = made[2].told
        assert (made[2].dedupe_key, made[2].tone, told.title) == ("over:2", Tone.GOOD, "Over: 95 % used")
        assert (told.cause, told.fields, told.path) == ("The window was reset.", (("Lasted", "60 m"),), "/windows/a")


def test_words_of_another_version_hold_no_recovery_up() -> None:
    """What this version cannot read is over all the same, and so is what came with it."""
    rows = [replace(row(75, 1), told={"title": "80 % used", "colour": "red"}), replace(row(75, 2), subject="b/5h")]
    made = {one.recovery_of: one.told.title for one in recoveries(rows, {}, NOW)}
    assert made == {1: "Over: an alert that this version cannot read", 2: "Over: 95 % used"}


def test_moments_say_their_zone_and_spans_their_unit() -> None:
    """Also a zone without letters for a name."""
    assert moment(NOW) == "Fri 20 Nov 14:00 UTC"
    assert moment(NOW, ZoneInfo("Europe/Zurich")) == "Fri 20 Nov 15:00 CET"
    assert moment(NOW, ZoneInfo("Asia/Dubai")) == "Fri 20 Nov 18:00 UTC+04"
    assert [lasting(timedelta(seconds=s)) for s in (40, 600, 7500, 200_000)] == ["40 s", "10 m", "2 h 05 m", "2 d 7 h"]


@pytest.mark.parametrize("before", range(0, 70, 3))
def test_a_cut_leaves_no_half_of_a_secret(before: int) -> None:
    """Masked before it is cut; NUL and half characters show as what they are not."""
    secret = "sk-ant-api03-" + "a1B2" * 20
    said = plain("x" * before + " " + secret + " and so on" * 30, 60)
    assert "a1B2" not in said
    assert len(said) <= 60
    assert not find_secrets(said)
    assert MASKED in plain(f"{secret} \x00\ud800", 60)
    assert plain("a\x00\ud800b", 60) == "a\ufffd\ufffdb"
