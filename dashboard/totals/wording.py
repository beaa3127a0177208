"""What is measured and by what: titles, units and words that charts, tiles and tables share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from dashboard.charts.figure import ESTIMATED, MEASURED, Provenance
from dashboard.charts.table import Value
from dashboard.render import figures
from dashboard.totals.sums import Sums
from dashboard.totals.usage import Dimension

MeasureName = Literal["cost", "tokens", "requests"]
COST_FORMULA = "Tokens the API reported in each answer, times the list price valid at its start; see the price table."
TITLES: Mapping[Dimension, str] = {"train": "Train", "model": "Model", "account": "Account", "type": "Request type"}
NAMELESS: Mapping[Dimension, str] = {
    "train": "no train", "model": "no model named", "account": "no account", "type": "other calls",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """One of the figures that can be drawn. ``value`` is None where it is unknown."""

    name: MeasureName
    title: str
    unit: str
    value: Callable[[Sums], float | None]
    write: Callable[[float], str]
    """As a word of an axis or a bar."""
    source: Provenance
    whole: bool = False


def dollars(value: float) -> str:
    """Money short enough for an axis: no cents from ten dollars on."""
    if value >= 1_000_000:
        return f"${value / 1_000_000:,.1f}{figures.NARROW}M"
    if value >= 10 or value == 0:
        return f"${value:,.0f}"
    if value >= 1 or 0 < value < figures.LEAST_MONEY:
        return figures.money(value)
    whole, _, cents = f"{value:.4f}".partition(".")
    return f"${whole}.{cents[:2]}{cents[2:].rstrip('0')}"


def percent(share: float | None) -> str:
    """A share as per cent: one decimal below ten, none above; unknown as such."""
    if share is None:
        return figures.UNKNOWN
    number = 100 * share
    shown = "0" if number == 0 else "under 0.1" if number < 0.1 else f"{number:.1f}" if number < 10 else f"{number:.0f}"
    return f"{shown}{figures.NARROW}%"


def money_cell(value: Value) -> str:
    """A table's money."""
    return figures.money(value if isinstance(value, (int, float, Decimal)) else None)


def count_cell(value: Value) -> str:
    """A table's count."""
    return figures.count(int(value)) if isinstance(value, (int, float, Decimal)) else figures.UNKNOWN


def percent_cell(value: Value) -> str:
    """A table's share."""
    return percent(float(value)) if isinstance(value, (int, float, Decimal)) else figures.UNKNOWN


def _cost(sums: Sums) -> float | None:
    return None if sums.cost is None else float(sums.cost)


MEASURES: Mapping[MeasureName, Measure] = {
    "cost": Measure("cost", "Cost", "USD", _cost, dollars, ESTIMATED.told(COST_FORMULA)),
    "tokens": Measure(
        "tokens", "Tokens", "tokens", lambda sums: float(sums.tokens), lambda value: figures.compact(round(value)),
        MEASURED.told("Fresh input, cache writes, cache reads and output, as the API reported them."),
    ),
    "requests": Measure(
        "requests", "Requests", "requests", lambda sums: float(sums.requests),
        lambda value: figures.compact(round(value)), MEASURED.told("Calls that have ended, attempts included."),
        whole=True,
    ),
}  # fmt: skip


def told(measure: Measure, sums: Sums) -> str:
    """A sum in words, exact to the cent."""
    if measure.name == "cost":
        return "unpriced" if sums.cost is None else figures.money(sums.cost)
    return measure.write(measure.value(sums) or 0)
