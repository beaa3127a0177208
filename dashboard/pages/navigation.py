"""The places of the dashboard: what the side lists, what a phone's bar has room for, which keys lead there."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

MOST_IN_BAR = 4
"""Places in a phone's bar beside "More": five targets that a thumb can tell apart."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the navigation."""

    key: str
    """Its icon's name and the ``section`` of its pages."""
    title: str
    address: str
    go: str
    """The key that leads there after ``g``."""
    group: str = ""
    """The heading it stands under; places of one group stand together."""
    bar: bool = False
    """Whether it is in a phone's bar; the others are behind "More"."""
    badge: str = ""
    """Where the little figure beside it is asked for, once the page stands; none without scripts."""


# What exists. A later page adds its line here; nothing points at what is not built.
NAVIGATION = (
    Place("overview", "Overview", "/overview", "o", bar=True),
    Place("conversations", "Conversations", "/conversations", "c", bar=True),
    Place("sessions", "Sessions", "/sessions", "s"),
    Place("requests", "Requests", "/requests", "r", bar=True),
    Place("windows", "Windows", "/windows", "w", "Usage", bar=True, badge="/nav/windows"),
    Place("cost", "Cost", "/cost", "u", "Usage"),
    Place("alerts", "Alerts", "/alerts", "n", "Usage", badge="/nav/alerts"),
    Place("setup", "Set up", "/setup", "p", "Help"),
    Place("docs", "API", "/docs", "a", "Help"),
    Place("settings", "Settings", "/settings", "t", "Help"),
)


def grouped(places: Iterable[Place] = NAVIGATION) -> list[tuple[str, list[Place]]]:
    """The places under their headings."""
    return [(group, list(found)) for group, found in groupby(places, key=lambda place: place.group)]


def behind_more(places: Iterable[Place] = NAVIGATION) -> list[Place]:
    """What a phone's bar has no room for."""
    return [place for place in places if not place.bar]
