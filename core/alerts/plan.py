"""What is done now about the alerts that wait for one channel: sent, summed up in one message, held, or dropped.

Decided anew from all that waits each time one message may go out; nothing is remembered but what the rows say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final

from core.alerts.kinds import KINDS, Kind, Tone
from core.alerts.rules import Rule, quiet_until

MOST_WAITING: Final = 100
AWAY_COUNTS: Final = timedelta(minutes=2)
"""An outage that is shorter delays messages and is not spoken of."""
SUMMARY_WAITS: Final = timedelta(minutes=1)
"""So long a summary gathers while there are conversations to tell; then it goes before them, or it never would."""
OVER: Final = "it was over before it could be told"
_TOLD_BY_ITSELF: Final = frozenset({Kind.TEST, Kind.SUMMARY})


class Why(StrEnum):
    """Why a message waited and was summed up; kept as the reason of its row."""

    AWAY = "Slack could not be reached"
    QUIET = "quiet hours"
    OFTEN = "more often than the interval of its kind"
    MANY = "more than 100 messages waited"
    LATE = "nobody told it in time"


@dataclass(frozen=True, slots=True)
class First:
    """The alert whose end a recovery tells: its state, when it was over, when it was told (also in a summary)."""

    state: str
    over_at: datetime | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert that waits. ``first`` is set of a recovery."""

    alert: int
    kind: Kind
    raised_at: datetime
    due_at: datetime
    tone: Tone = Tone.INFO
    expires_at: datetime | None = None
    recovered_at: datetime | None = None
    first: First | None = None
    acknowledged_by: str | None = None
    snoozed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """What is known of a channel: when Slack last took nothing, and when each kind was last told there."""

    away_since: datetime | None = None
    away_until: datetime | None = None
    """None while Slack still takes nothing."""
    told_at: Mapping[Kind, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """By number of the alert. ``send`` is in order, at most one a second; a summary that waits is among them."""

    send: list[int] = field(default_factory=list)
    sum_up: dict[int, Why] = field(default_factory=dict)
    hold: dict[int, datetime] = field(default_factory=dict)
    drop: dict[int, str] = field(default_factory=dict)
    sum_due: datetime | None = None
    """The summary is not told earlier: something in it is held."""


def plan(waiting: Iterable[Waiting], channel: Channel, rules: Mapping[Kind, Rule], now: datetime) -> Plan:
    """What to do at a moment."""
    made = Plan()
    ordered = sorted(waiting, key=lambda one: one.alert)
    made.send += [one.alert for one in ordered if one.kind is Kind.TEST and not _late_test(made, one, now)]
    by_interval = [one for one in ordered if _fate(made, one, channel, rules[one.kind], now)]
    for kind, group in groupby(sorted(by_interval, key=lambda one: one.kind), key=lambda one: one.kind):
        _pace(made, list(group), rules[kind].minimum_interval, channel.told_at.get(kind), now)
    _bound(made, ordered)
    made.send = _in_order(made.send, ordered, now)
    return made


def _late_test(made: Plan, one: Waiting, now: datetime) -> bool:
    late = _late(one, now)
    if late:
        made.drop[one.alert] = "nobody waits for this test any more"
    return late


def _fate(made: Plan, one: Waiting, channel: Channel, rule: Rule, now: datetime) -> bool:
    """Decides one alert, unless (True) the interval of its kind has to."""
    reason = _unwanted(one, rule)
    if one.kind in _TOLD_BY_ITSELF:
        made.send += [one.alert] if one.kind is Kind.SUMMARY and one.due_at <= now else []
    elif reason is not None:
        made.drop[one.alert] = reason
    elif one.first is not None and _never_told(one.first):
        made.drop[one.alert] = "what is over was never told"
    elif one.first is not None and one.expires_at is not None and one.expires_at <= now:
        made.drop[one.alert] = "what is over was over long ago"
    elif (until := quiet_until(rule, now)) is not None:
        made.hold[one.alert] = until
    elif one.first is not None:
        # It waits behind its alert; whatever becomes of that wakes this channel again.
        made.send += [one.alert] if one.first.state not in {"waiting", "claimed", "sending"} else []
    else:
        return _by_age(made, one, _waited(one, channel, rule, now), now)
    return False


def _by_age(made: Plan, one: Waiting, why: Why | None, now: datetime) -> bool:
    late = _late(one, now)
    if why in {Why.AWAY, Why.QUIET}:
        if not late and (KINDS[one.kind].lasts or one.kind is Kind.DIGEST):
            made.send.append(one.alert)
        else:
            made.sum_up[one.alert] = why
        return False
    if late and why is None and now - one.raised_at >= AWAY_COUNTS:
        # No dashboard ran, or no channel was there.
        made.sum_up[one.alert] = Why.LATE
        return False
    if late and why is None:
        made.drop[one.alert] = OVER
        return False
    return True


def _pace(made: Plan, group: Sequence[Waiting], interval: timedelta, told: datetime | None, now: datetime) -> None:
    """At most one message of a kind in its interval; what came within it is summed up in one at its end."""
    if not interval:
        made.send += [one.alert for one in group]
        return
    if told is not None and told + interval > now:
        made.hold |= {one.alert: told + interval for one in group}
        return
    held = [one for one in group if one.due_at > one.raised_at]
    if len(held) > 1:
        made.sum_up |= {one.alert: Why.OFTEN for one in held}
        left = [one for one in group if one not in held]
    else:
        made.drop |= {one.alert: OVER for one in held if _late(one, now)}
        fit = [one for one in group if one.alert not in made.drop]
        made.send += [one.alert for one in fit[:1]]
        left = fit[1:]
    made.hold |= {one.alert: now + interval for one in left}


def _bound(made: Plan, ordered: Sequence[Waiting]) -> None:
    """Of more than a hundred the oldest that are about one moment are summed up."""
    kept = {*made.send, *made.hold}
    waiting = [one for one in ordered if one.alert in kept and one.kind not in _TOLD_BY_ITSELF]
    excess = len(waiting) - MOST_WAITING
    moments = [one.alert for one in waiting if not KINDS[one.kind].lasts]
    for alert in moments[: max(excess, 0)]:
        held = made.hold.pop(alert, None)
        made.sum_due = max(filter(None, (made.sum_due, held)), default=None)
        made.sum_up[alert] = Why.MANY
    made.send = [alert for alert in made.send if alert not in made.sum_up]


def _in_order(send: Iterable[int], ordered: Sequence[Waiting], now: datetime) -> list[int]:
    """Somebody waits for a test; what lasts does not wait, a second each, behind a hundred turns of a conversation."""
    place = {one.alert: (_rank(one, now), one.alert) for one in ordered}
    return sorted(send, key=place.__getitem__)


def _rank(one: Waiting, now: datetime) -> int:
    if one.kind is Kind.SUMMARY:
        return 3 if now - one.raised_at >= SUMMARY_WAITS else 5
    if KINDS[one.kind].lasts:
        return 1
    return {Kind.TEST: 0, Kind.DIGEST: 2}.get(one.kind, 4)


def _unwanted(one: Waiting, rule: Rule) -> str | None:
    if one.acknowledged_by is not None:
        return f"acknowledged by {one.acknowledged_by} before it was sent"[:400]
    if not rule.enabled:
        return "its rule is switched off"
    return None if one.snoozed_by is None else f"snoozed by {one.snoozed_by}"[:400]


def _never_told(first: First) -> bool:
    if first.state == "summed":
        # A summary says of it that it is over, if it is.
        return first.told_at is None or (first.over_at is not None and first.over_at <= first.told_at)
    return first.state in {"dropped", "failed"}


def _waited(one: Waiting, channel: Channel, rule: Rule, now: datetime) -> Why | None:
    """What kept it from being told when it was raised."""
    if channel.away_since is not None:
        back = channel.away_until or now
        if back - channel.away_since >= AWAY_COUNTS and one.raised_at <= back:
            return Why.AWAY
    if quiet_until(rule, one.raised_at) is not None:
        return Why.QUIET
    return Why.OFTEN if rule.minimum_interval and one.due_at > one.raised_at else None


def _late(one: Waiting, now: datetime) -> bool:
    """Whether it is no news any more."""
    about = KINDS[one.kind]
    over = one.recovered_at is not None or (one.expires_at is not None and one.expires_at <= now)
    # What lasts on is as new as the moment from which it may be told: the end of a snooze, of quiet hours, of a pause.
    since = max(one.raised_at, one.due_at) if about.lasts else one.raised_at
    return over or (about.matters_for is not None and now - since > about.matters_for)
