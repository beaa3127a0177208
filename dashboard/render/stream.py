"""A recorded stream chunk by chunk: when it came, its size, the events it completed, the text they carried."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from core.sse import Event, decode
from dashboard.render.secrets import Mask, masked

PAGE = 200
TEXT_SHOWN = 160
_DELTA_TEXTS = ("text", "thinking", "partial_json", "signature")


@dataclass(frozen=True, slots=True)
class ChunkLine:
    """One chunk. ``gap_us`` is the time since the chunk before; None for the first."""

    number: int
    at_us: int
    gap_us: int | None
    octets: int
    events: str
    text: str
    silence: bool
    """Whether the gap before it is at least a second."""


def lines(
    body: bytes, wire_sizes: Sequence[int], sizes: Sequence[int], at_us: Sequence[int], first: int
) -> list[ChunkLine]:
    """A page of chunks from number ``first`` (1-based). ``sizes`` are parallel to ``wire_sizes``, inflated."""
    events = _by_chunk(decode(body), list(accumulate(sizes)))
    made, mask = [], Mask()
    for number in range(max(1, first), min(len(at_us), max(1, first) + PAGE - 1) + 1):
        here = events.get(number - 1, [])
        gap = at_us[number - 1] - at_us[number - 2] if number > 1 else None
        made.append(
            ChunkLine(
                number,
                at_us[number - 1],
                gap,
                wire_sizes[number - 1],
                _names(here),
                _shortened(masked("".join(_carried(event) for event in here), mask)).replace("\n", "↵ "),
                gap is not None and gap >= 1_000_000,
            )
        )
    return made


def _by_chunk(events: list[Event], ends: list[int]) -> dict[int, list[Event]]:
    found: dict[int, list[Event]] = {}
    chunk = 0
    for event in events:
        while chunk < len(ends) - 1 and ends[chunk] < event.end:
            chunk += 1
        found.setdefault(chunk, []).append(event)
    return found


def _names(events: list[Event]) -> str:
    counts: dict[str, int] = {}
    for event in events:
        name = event.name or "(no name)"
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in counts.items())


def _carried(event: Event) -> str:
    try:
        payload = event.payload()
    except ValueError:
        return ""
    delta: Any = payload.get("delta")
    if not isinstance(delta, dict):
        return ""
    return next((delta[key] for key in _DELTA_TEXTS if isinstance(delta.get(key), str)), "")


def _shortened(text: str) -> str:
    return text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]}… ({len(text)} characters)"
