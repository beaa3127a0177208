"""What every chart is wrapped in: a finding in words, the drawing, its key, the table, where its values come from."""

from dataclasses import dataclass

from markupsafe import Markup

from dashboard.charts.palette import Look
from dashboard.charts.table import Table


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a number is known (rule N2): a word, a shape that says the same, and how it was come by."""

    word: str
    shape: str
    about: str

    def told(self, about: str) -> "Provenance":
        """The same, with its own formula."""
        return Provenance(self.word, self.shape, about)


REPORTED = Provenance("reported", "◆", "As the provider's own response headers or its usage endpoint said it.")
POLLED = Provenance("polled", "◈", "Asked for at the provider's usage endpoint.")
MEASURED = Provenance(
    "measured", "●", "Counted by this proxy from recorded calls and the usage the API reported in each."
)
ESTIMATED = Provenance("estimated", "◔", "Worked out by us; the provider did not say it.")
UNPRICED = Provenance("unpriced", "○", "No list price is known for the model, so there is no cost; it is not 0.")
EVERY = (REPORTED, POLLED, MEASURED, ESTIMATED, UNPRICED)


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the key: name, look, its total in words, where its rows are listed."""

    name: str
    look: Look
    total: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart as it stands on a page. ``key`` is its id there and its name in the CSV's address."""

    key: str
    title: str
    finding: str
    drawing: Markup
    table: Table
    source: Provenance
    keys: tuple[Key, ...] = ()
    note: str = ""
    """Of the axis: whose days these are, which of them are longer."""
    csv: str = ""
