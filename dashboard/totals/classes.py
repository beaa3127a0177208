"""The classes of tokens, each with its own price: what the API reports of a prompt and its answer."""

from collections.abc import Callable
from dataclasses import dataclass

from dashboard.charts import strip
from dashboard.charts.figure import MEASURED, Figure, Key
from dashboard.charts.palette import Look
from dashboard.charts.table import Column, Table
from dashboard.render import figures
from dashboard.totals.sums import Sums
from dashboard.totals.wording import count_cell, percent, percent_cell


@dataclass(frozen=True, slots=True)
class TokenClass:
    """One of them; ``look`` is the same on every page."""

    title: str
    key: str
    look: Look
    value: Callable[[Sums], int]
    about: str


def _short_lived(sums: Sums) -> int:
    return sums.ephemeral_5m_input_tokens + sums.writes_unsplit


CLASSES = (
    TokenClass(
        "Fresh input",
        "input_tokens",
        Look(0, "A"),
        lambda sums: sums.input_tokens,
        "Input that was neither written to the cache nor read from it",
    ),
    TokenClass(
        "Write 5 m",
        "cache_write_5m_tokens",
        Look(3, "B"),
        _short_lived,
        "Written to the cache for five minutes; also what was not said how long it lives",
    ),
    TokenClass(
        "Write 1 h",
        "cache_write_1h_tokens",
        Look(4, "C"),
        lambda sums: sums.ephemeral_1h_input_tokens,
        "Written to the cache for an hour",
    ),
    TokenClass(
        "Read", "cache_read_tokens", Look(1, "D"), lambda sums: sums.cache_read_input_tokens, "Read from the cache"
    ),
    TokenClass(
        "Output",
        "output_tokens",
        Look(2, "E"),
        lambda sums: sums.output_tokens,
        "Written by the model, thinking included",
    ),
)


def split(sums: Sums, *, key: str, csv: str = "") -> Figure:
    """All tokens as one bar of their classes."""
    whole = sums.tokens
    best = max(CLASSES, key=lambda each: each.value(sums))
    finding = "No tokens were reported."
    if whole:
        finding = f"{percent(best.value(sums) / whole)} of {figures.compact(whole)} tokens are {best.title.lower()}."
    parts = [(each.title, each.look, float(each.value(sums))) for each in CLASSES]
    drawing = strip.drawn(parts, lambda value: figures.compact(round(value)), label=f"Tokens by class. {finding}")
    keys = tuple(Key(each.title, each.look, figures.compact(each.value(sums))) for each in CLASSES)
    columns = (
        Column("Class", "class", number=False),
        Column("Tokens", "tokens", count_cell),
        Column("Share", "share", percent_cell),
    )
    rows = tuple((each.title, each.value(sums), each.value(sums) / whole if whole else None) for each in CLASSES)
    return Figure(key, "Tokens by class", finding, drawing, Table(columns, rows), MEASURED, keys, csv=csv)
