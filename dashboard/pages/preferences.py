"""How a reader likes the pages: cookies that the server renders, so that nothing flashes or needs JavaScript."""

from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.period import CHOSEN_COOKIE, known_zones
from dashboard.problems import Problem

YEAR = 365 * 24 * 3600
CHOICES: Mapping[str, tuple[str, ...]] = {
    "theme": ("auto", "light", "dark"),
    "density": ("normal", "dense", "cosy"),
    "navigation": ("wide", "narrow"),
    "shortcuts": ("on", "off"),
}
"""Each choice and its values; the first is what holds where nothing was chosen. Cookies have the same names."""
ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one reader chose. ``zone`` is empty where the browser's own holds."""

    theme: str
    density: str
    navigation: str
    shortcuts: str
    zone: str


def preferences_of(cookies: Mapping[str, str]) -> Preferences:
    """The choices in the cookies; what is none of ours counts as not chosen."""
    zone = cookies.get(CHOSEN_COOKIE, "")
    return Preferences(
        **{
            name: found if (found := cookies.get(name, "")) in values else values[0] for name, values in CHOICES.items()
        },
        zone=zone if zone in known_zones() else "",
    )


def chosen_in(form: Mapping[str, str]) -> dict[str, str]:
    """A form's choices as cookies; an empty zone is the browser's. Raises Problem 400 for any other."""
    found = {name: form[name] for name in CHOICES if name in form}
    for name, value in found.items():
        if value not in CHOICES[name]:
            raise Problem(400, f"{name} is one of {', '.join(CHOICES[name])}")
    if ZONE in form:
        if form[ZONE] and form[ZONE] not in known_zones():
            raise Problem(400, "there is no zone of this name; write it as in Europe/Zurich")
        found[CHOSEN_COOKIE] = form[ZONE]
    return found
