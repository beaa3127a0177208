"""What one message says of the many that it stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core.alerts.kinds import KINDS, Kind, Tone
from core.alerts.plan import Channel, Why
from core.alerts.told import Told

TITLE: Final = 120
_WORST: Final = (Tone.DANGER, Tone.WARNING, Tone.INFO, Tone.GOOD)


@dataclass(frozen=True, slots=True)
class Summed:
    """What was summed up of one kind, for one reason; times are when the alerts were raised."""

    kind: Kind
    why: str
    count: int
    first_at: datetime
    last_at: datetime
    still_open: int
    """So many last on: they are incidents, and were not over when this was looked up."""
    tones: Sequence[Tone]
    """Of those that are still open."""
    titles: Sequence[str]
    """Of some: those that are still open, then the newest."""


def told(summed: Sequence[Summed], channel: Channel, now: datetime) -> tuple[Tone, Told]:
    """The words of a summary, and how bad the worst is that is still open. Times are UTC."""
    count = sum(one.count for one in summed)
    first, last = min(one.first_at for one in summed), max(one.last_at for one in summed)
    tones = {tone for one in summed for tone in one.tones}
    words = Told(
        title=_title(summed, channel, count, now),
        cause="They are told here together, not one by one.",
        fields=(("Messages", str(count)), ("First", _moment(first)), ("Last", _moment(last))),
        lines=tuple(_said(one) for one in sorted(summed, key=lambda one: -one.count)),
        path="/alerts",
        page="All alerts",
    )
    return next((tone for tone in _WORST if tone in tones), Tone.INFO), words


def _title(summed: Sequence[Summed], channel: Channel, count: int, now: datetime) -> str:
    whys, kinds = {one.why for one in summed}, {one.kind for one in summed}
    messages = "1 message" if count == 1 else f"{count} messages"
    if Why.AWAY in whys and channel.away_since is not None:
        since, until = channel.away_since, channel.away_until or now
        return f"While Slack could not be reached from {_between(since, until)}, {messages} waited"
    first, last = min(one.first_at for one in summed), max(one.last_at for one in summed)
    what = f"{messages} of “{KINDS[next(iter(kinds))].title}”" if len(kinds) == 1 else messages
    if whys == {Why.QUIET}:
        return f"In the quiet hours, from {_between(first, last)}, {what} waited"
    if whys == {Why.LATE}:
        return f"Not told in time: {what} from {_between(first, last)}"
    return f"{what} from {_between(first, last)}"


def _said(one: Summed) -> str:
    going_on = f", {one.still_open} still open" if one.still_open else ""
    head = f"{one.count} × {KINDS[one.kind].title}, {_between(one.first_at, one.last_at)}{going_on}"
    shown = [f"• {title[:TITLE]}{'…' if len(title) > TITLE else ''}" for title in one.titles]
    left = one.count - len(one.titles)
    return "\n".join([head, *shown, *([f"• and {left} more"] if left and shown else [])])


def _between(since: datetime, until: datetime) -> str:
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    if since.date() != until.date():
        return f"{since:%b %-d %H:%M} to {until:%b %-d %H:%M} UTC"
    return f"{since:%H:%M} to {until:%H:%M} UTC"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
