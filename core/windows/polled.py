"""Windows as the usage endpoint tells them: the answer to ``GET /api/oauth/usage``.

It gives an object for each window (``five_hour``, ``seven_day``, ``seven_day_opus`` …) with ``utilization`` in per
cent and ``resets_at``; newer ones also a list ``limits`` with the windows of single models. Lenient like ``reported``.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from core.bodies import read_json
from core.labels import label
from core.windows.reading import MOST_USED, Reading, moment, name_of

PATH: Final = "/api/oauth/usage"
MOST: Final = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_KINDS: Final[Mapping[str, str]] = {"session": "5h", "weekly_all": "7d"}


def read(body: bytes) -> tuple[Reading, ...]:
    """The windows in an answer of the usage endpoint; none where it is no such answer. Never raises."""
    try:
        given = read_json(body)
    except ValueError:
        return ()
    if not isinstance(given, dict):
        return ()
    found: dict[str, Reading] = {}
    for reading in (*_named(given), *_listed(given.get("limits"))):
        found.setdefault(reading.window, reading)
    return tuple(found.values())[:MOST]


def _named(given: Mapping[str, Any]) -> Iterable[Reading]:
    for name, value in given.items():
        if isinstance(value, dict) and _NAME.fullmatch(name):
            reading = _reading(name_of(name), value, "utilization")
            if reading is not None:
                yield reading


def _listed(limits: Any) -> Iterable[Reading]:
    for value in limits if isinstance(limits, list) else ():
        if not isinstance(value, dict):
            continue
        window = _KINDS.get(str(value.get("kind"))) or _scoped(value)
        reading = _reading(window, value, "percent") if window is not None else None
        if reading is not None:
            yield reading


def _scoped(value: Mapping[str, Any]) -> str | None:
    """The name of a week's window that counts one model only."""
    scope = value.get("scope")
    model = scope.get("model") if isinstance(scope, dict) else scope
    name = model.get("display_name") or model.get("id") if isinstance(model, dict) else model
    if value.get("kind") != "weekly_scoped" or not isinstance(name, str):
        return None
    window = "7d_" + re.sub(r"[^a-z0-9.-]+", "_", name.lower())[:40].strip("_")
    return window if _NAME.fullmatch(window) and window != "7d_" else None


def _reading(window: str, value: Mapping[str, Any], figure: str) -> Reading | None:
    percent, resets = value.get(figure), value.get("resets_at")
    # A bool is an int to Python, but no figure.
    number = percent if isinstance(percent, int | float) and not isinstance(percent, bool) else -1
    used = number / 100 if 0 <= number <= MOST_USED * 100 else None
    reset = moment(resets) if isinstance(resets, str) else None
    if used is None and reset is None:
        return None
    return Reading(window, used, label(value.get("severity"), 64), reset)
