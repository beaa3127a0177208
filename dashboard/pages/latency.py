"""How long the requests of a list took, as a figure: its finding, bars, and a table whose rows narrow the list."""

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from dashboard.charts import histogram
from dashboard.recordings.latency import EDGES_MS, Latency
from dashboard.render import figures

PERCENTILES = (50, 95, 99)
HEIGHT = 72
Narrow = Callable[[int | None, int | None], str]
"""The list's address with only what took so long or longer and less than that, milliseconds."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A percentile: its name, its value in words, the list of what took that long or longer."""

    name: str
    words: str
    slower: str


@dataclass(frozen=True, slots=True)
class Line:
    """A bucket in words, how many fell into it, the list of these."""

    words: str
    count: int
    link: str


@dataclass(frozen=True, slots=True)
class LatencyFigure:
    """What the page shows of them."""

    finding: str
    drawing: Markup
    marks: list[Mark]
    lines: list[Line]


def figure_of(latency: Latency, narrow: Narrow) -> LatencyFigure | None:
    """The figure; None where nothing has ended yet."""
    if not latency.durations:
        return None
    counts = latency.counts
    first = next(place for place, count in enumerate(counts) if count)
    last = max(place for place, count in enumerate(counts) if count)
    shown = range(first, last + 1)
    bins = [histogram.Bin(EDGES_MS[place] * 1000, _upper_us(place), counts[place]) for place in shown]
    known = [(f"p{percent}", latency.percentile(percent) or 0) for percent in PERCENTILES]
    finding = _finding(latency)
    return LatencyFigure(
        finding,
        histogram.drawn(bins, _written, label=finding, markers=_apart(known), height=HEIGHT),
        [Mark(name, figures.duration(value), narrow(value // 1000, None)) for name, value in known],
        [Line(_words(place), counts[place], narrow(EDGES_MS[place], _upper_ms(place))) for place in shown],
    )


def _finding(latency: Latency) -> str:
    half, most = (figures.duration(latency.percentile(percent)) for percent in (50, 95))
    many = figures.plural(len(latency.durations), "request")
    of = f"Of the newest {many} that fit and were looked at" if latency.sampled else f"Of {many}"
    return f"{of}, half took {half} or less and one in twenty more than {most}."


def _apart(known: list[tuple[str, int]]) -> list[tuple[str, float]]:
    """Marks that fall together are one mark."""
    found: dict[int, list[str]] = {}
    for name, value in known:
        found.setdefault(value, []).append(name)
    return [(" ".join(names), float(value)) for value, names in found.items()]


def _words(place: int) -> str:
    upper = _upper_us(place)
    low = _written(EDGES_MS[place] * 1000)
    return f"{low} and more" if upper is None else f"{low} to {_written(upper)}"


def _upper_ms(place: int) -> int | None:
    return EDGES_MS[place + 1] if place + 1 < len(EDGES_MS) else None


def _upper_us(place: int) -> int | None:
    upper = _upper_ms(place)
    return None if upper is None else upper * 1000


def _written(microseconds: float) -> str:
    """An edge, without digits that say nothing."""
    if microseconds < 1_000_000:
        return f"{microseconds / 1000:g} ms"
    seconds = microseconds / 1_000_000
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:.3g} min"
