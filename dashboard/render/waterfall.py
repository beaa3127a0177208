"""When what happened: the phases of one call as bars and figures, and how its bytes arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dashboard.render import figures

WIDTH = 1000
MOST_POINTS = 240
OWN = "own"


@dataclass(frozen=True, slots=True)
class Phase:
    """One bar. ``x`` and ``width`` are thousandths of the whole; ``kind`` chooses the fill."""

    name: str
    kind: str
    start_us: int
    length_us: int
    x: float
    width: float
    about: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """How the bytes came: a step line of cumulative bytes, and what it shows."""

    points: str
    finding: str


def phases(timings: dict[str, Any] | None, duration_us: int | None) -> list[Phase]:
    """The phases of a call in order; those whose ends are unknown are left out."""
    known = timings or {}
    marks = {name: value for name, value in known.items() if isinstance(value, int) and not isinstance(value, bool)}
    end = marks.get("end_us") or duration_us
    if not end:
        return []
    reused = known.get("connection_reused") is True
    spans = [
        ("Connect", "wait", 0, marks.get("connected_us"), "a kept connection" if reused else "DNS, TCP and TLS"),
        ("Send request", "send", marks.get("connected_us", 0), marks.get("request_sent_us"), "until its last byte"),
        ("Wait for the head", "wait", marks.get("request_sent_us"), marks.get("head_us"), "the upstream works"),
        (
            "Held for the tape",
            OWN,
            marks.get("head_us"),
            _plus(marks, "head_us", "tape_wait_us"),
            "the proxy's own part",
        ),
        ("Wait for the first byte", "wait", marks.get("head_us"), marks.get("first_byte_us"), "after the head"),
        ("Answer", "receive", marks.get("first_byte_us"), marks.get("last_byte_us"), "first to last byte"),
        ("Finish", "send", marks.get("last_byte_us"), end, "until the call was closed"),
    ]
    return [
        _phase(name, kind, start, stop, end, about)
        for name, kind, start, stop, about in spans
        if start is not None and stop is not None and stop >= start
    ]


@dataclass(frozen=True, slots=True)
class Figure:
    """A time of the call, in microseconds; None where it is unknown."""

    name: str
    us: int | None
    about: str


def figures_of(timings: dict[str, Any] | None, ttft_us: int | None) -> list[Figure]:
    """What people ask first: waiting for a connection, the first token, the stream, what the proxy itself took."""
    known = timings or {}
    marks = {name: value for name, value in known.items() if isinstance(value, int) and not isinstance(value, bool)}
    reused = known.get("connection_reused") is True
    connected = marks.get("connected_us")
    own = marks.get("tape_wait_us", 0) + (connected or 0 if reused else 0)
    return [
        Figure("Queue", connected if reused else None, "from the accept until a kept connection was free"),
        Figure("Connect", None if reused else connected, "DNS, TCP and TLS; none where a kept connection served"),
        Figure("First token", ttft_us, "from the accept to the first content"),
        Figure("Stream", _less(marks, "last_byte_us", "first_byte_us"), "from the answer's first byte to its last"),
        Figure(
            "Proxy overhead",
            own if connected is not None and "head_us" in marks else None,
            "what the proxy itself added: waiting for the tape, and for a kept connection",
        ),
    ]


def _less(marks: dict[str, int], second: str, first: str) -> int | None:
    return marks[second] - marks[first] if first in marks and second in marks else None


def _plus(marks: dict[str, int], first: str, second: str) -> int | None:
    return marks[first] + marks[second] if first in marks and second in marks else None


def _phase(name: str, kind: str, start: int, stop: int, end: int, about: str) -> Phase:
    x = min(WIDTH, start * WIDTH / end)
    width = max(2.0, min(WIDTH - x, (stop - start) * WIDTH / end))
    return Phase(name, kind, start, stop - start, round(min(x, WIDTH - width), 2), round(width, 2), about)


def arrival(sizes: Sequence[int], at_us: Sequence[int]) -> Arrival | None:
    """The step line of an answer in several chunks; None where there is nothing to draw."""
    if len(sizes) < 2 or at_us[-1] <= at_us[0]:
        return None
    whole, first, span = sum(sizes) or 1, at_us[0], at_us[-1] - at_us[0]
    every = max(1, len(sizes) // MOST_POINTS)
    points, came = ["0,100"], 0
    for number, (size, moment) in enumerate(zip(sizes, at_us, strict=True)):
        x = (moment - first) * WIDTH / span
        if number % every == 0:
            points.append(f"{x:.1f},{100 - came * 100 / whole:.1f}")
        came += size
        if number % every == 0 or number == len(sizes) - 1:
            points.append(f"{x:.1f},{100 - came * 100 / whole:.1f}")
    return Arrival(" ".join(points), _finding(at_us))


def _finding(at_us: Sequence[int]) -> str:
    gaps = sorted(later - earlier for earlier, later in pairwise(at_us))
    middle, longest = gaps[len(gaps) // 2], gaps[-1]
    chunks = figures.plural(len(at_us), "chunk")
    between = f"half of them at most {figures.duration(middle)} apart"
    return f"{chunks}, {between}; the longest silence was {figures.duration(longest)}."
