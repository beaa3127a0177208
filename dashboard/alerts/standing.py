"""What became of an alert, in words that everybody understands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.alerts.kinds import Kind
from core.alerts.rules import Rule, quiet_until
from dashboard.render import figures
from sql.rows.alerts_pages import LoggedAlert, OpenAlert

AT_ONCE: Final = timedelta(minutes=1)
"""What was sent within this is not said to have been sent at another time than it was raised."""
ENDED: Final[Mapping[str, tuple[str, str, str]]] = {
    "summed": ("●", "ok", "summed up in another message"),
    "dropped": ("⊘", "cancelled", "not sent"),
    "failed": ("■", "error", "failed"),
    "unsure": ("▲", "warning", "unsure whether Slack has it: its answers were lost"),
}
"""Shape, tone and words of what ended without being sent."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A shape, a tone, and words."""

    shape: str
    tone: str
    words: str


def standing(row: LoggedAlert | OpenAlert, now: datetime, rules: Mapping[Kind, Rule]) -> Standing:
    """What became of an alert, or why it waits."""
    where = f" to {row.channel_name}" if row.channel_name else ""
    if row.state in ENDED:
        shape, tone, words = ENDED[row.state]
        return Standing(shape, tone, f"{words}: {row.reason}" if row.reason and row.state != "unsure" else words)
    if row.state == "sent":
        late = row.sent_at is not None and row.sent_at - row.raised_at > AT_ONCE
        at = f" at {figures.when(row.sent_at)}" if late else ""
        twice = ", perhaps twice: an answer was lost" if row.lost_marks else ""
        return Standing("●", "ok", f"sent{where}{at}{twice}")
    if row.state in {"claimed", "sending"}:
        return Standing("◌", "running", f"being sent{where}")
    return _waiting(row, now, rules)


def _waiting(row: LoggedAlert | OpenAlert, now: datetime, rules: Mapping[Kind, Rule]) -> Standing:
    until = quiet_until(rules[Kind(row.kind)], now) if row.kind in rules else None
    if until is not None and row.due_at > now:
        return Standing("◌", "running", f"held by quiet hours until {figures.when(until)}")
    if row.channel_name is None:
        return Standing("▲", "warning", "waits: there is no channel for it")
    if row.channel_failures:
        return Standing("▲", "warning", f"waits: Slack does not answer on {row.channel_name}, and is asked again")
    at = f"waits until {figures.when(row.due_at)}" if row.due_at > now else "waits to be sent"
    return Standing("◌", "running", at)
