"""What a reader does not want to be reminded of for a while: a cookie of his browser, so that others still see it.

The cookie is ``key.until`` joined by ``~``; a key is a hash of what an item is about, ``until`` Unix seconds.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dashboard.overview.attention import Item

COOKIE = "snoozed"
LENGTH = timedelta(hours=4)
MOST = 40
"""Snoozes that a cookie holds; the ones that end first go."""
_KEY = 12


@dataclass(frozen=True, slots=True)
class Snoozed:
    """What is left of the items, and those that sleep."""

    awake: list[Item]
    asleep: list[Item]
    until: datetime | None
    """When the first of them is shown again."""


def key_of(item: Item) -> str:
    """What an item is known by as long as it is about the same: its evidence, not its figures; and its tone."""
    return hashlib.sha256(f"{item.tone} {item.about or item.link}".encode()).hexdigest()[:_KEY]


def read(cookies: Mapping[str, str], now: datetime) -> dict[str, datetime]:
    """What sleeps until when; what is none of ours or over is left out."""
    found = {}
    for part in cookies.get(COOKIE, "")[:4000].split("~"):
        key, _, until = part.partition(".")
        if (
            len(key) == _KEY
            and key.isascii()
            and key.isalnum()
            and until.isascii()
            and until.isdigit()
            and len(until) < 12
        ):
            found[key] = datetime.fromtimestamp(int(until), UTC)
    return {key: until for key, until in found.items() if now < until <= now + LENGTH}


def written(snoozes: Mapping[str, datetime]) -> str:
    """As a cookie."""
    latest = sorted(snoozes.items(), key=lambda pair: pair[1])[-MOST:]
    return "~".join(f"{key}.{int(until.timestamp())}" for key, until in latest)


def divided(items: Sequence[Item], snoozes: Mapping[str, datetime]) -> Snoozed:
    """Items by whether they sleep. What gets worse (a warning that is an error now) wakes up."""
    asleep = [item for item in items if key_of(item) in snoozes]
    until = min((snoozes[key_of(item)] for item in asleep), default=None)
    return Snoozed([item for item in items if key_of(item) not in snoozes], asleep, until)
