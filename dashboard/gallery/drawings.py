"""Each kind of chart: full, with gaps, with nothing known."""

from math import sin

from markupsafe import Markup

from dashboard.charts import bars, curve, heat, histogram, meter, palette, spark, waterfall
from dashboard.charts.figure import ESTIMATED, MEASURED, REPORTED, Figure, Key, Provenance
from dashboard.charts.table import Column, Table
from dashboard.render import figures

NAMES = ("atlas", "cargo", "dune", "ember", "frost", "gale", "other")
DAYS = 14
SHARES: tuple[tuple[meter.Source, float | None], ...] = (
    ("reported", 0.54),
    ("reported", 0.88),
    ("polled", 0.97),
    ("reported", 1.2),
    ("estimated", 0.4),
    ("estimated", None),
)
BUCKETS = [bars.Bucket(f"{day} Nov", f"{day} November 2026") for day in range(1, DAYS + 1)]


def every_figure() -> list[Figure]:
    """Stacked bars, heat map, histogram, the curve of a window with its forecast, a waterfall, and bars of nothing."""
    return [_bars(), _heat(), _histogram(), _curve(), _waterfall(), _nothing()]


def every_meter() -> list[tuple[str, Markup]]:
    """A share of a window in each tone and from each source."""
    made = []
    for source, used in SHARES:
        words = "unknown" if used is None else f"{used * 100:.0f} %"
        made.append((f"{source}: {words}", meter.drawn(meter.Share(used, source, 0.63), label=words)))
    return made


def every_trend() -> list[tuple[str, Markup]]:
    """A line without axes: whole, with a gap, of one value."""
    trends: dict[str, list[float | None]] = {
        "rising": [1, 2, 4, 3, 6],
        "with a gap": [3, 2, None, 4, 5],
        "one value": [None, 5, None],
    }
    return [(words, spark.drawn(values)) for words, values in trends.items()]


def _bars() -> Figure:
    looks = palette.looks(NAMES, others=True)
    series = [bars.Series(NAMES[place], look, _values(place)) for place, look in enumerate(looks)]
    drawing = bars.stacked(BUCKETS, series, figures.money, label="Cost a day")
    keys = tuple(Key(each.name, each.look, figures.money(sum(filter(None, each.values)))) for each in series)
    return _figure("bars", "Cost rose 38 % week on week, driven by train atlas.", drawing, ESTIMATED, keys)


def _heat() -> Figure:
    cells = {(day, hour): (day + 1) * abs(sin(hour)) for day in range(7) for hour in range(24) if hour != 3}
    drawing = heat.drawn(cells, lambda value: f"{value:.1f}", label="Requests by hour")
    return _figure("heat", "Most is asked on Sundays.", drawing, MEASURED)


def _histogram() -> Figure:
    counts = (3, 40, 90, 51, 12, 1)
    bins = [histogram.Bin(2**place * 1e5, 2 ** (place + 1) * 1e5, count) for place, count in enumerate(counts)]
    markers = [("p50", 7e5), ("p95", 2e6)]
    drawing = histogram.drawn(bins, lambda us: figures.duration(round(us)), label="Latency", markers=markers)
    return _figure("histogram", "Half took 0.7 s or less.", drawing, MEASURED)


def _curve() -> Figure:
    ghost = tuple((step / 10, step / 14) for step in range(11))
    fan = curve.Fan(0.66, 0.7, 0.8)
    window = curve.Curve(((0, 0), (0.3, 0.35), (0.62, 0.88)), now=0.62, fan=fan, ghosts=(ghost,))
    return _figure("curve", "Runs dry at about 15:40.", curve.drawn(window, label="Five-hour window"), REPORTED)


def _waterfall() -> Figure:
    classes = tuple(zip(("Read", "Written", "Fresh", "Output"), palette.looks(("r", "w", "f", "o")), strict=True))
    lines = [waterfall.Line(name, (0.9 / n, 0.4 / n, 0.02, float(n == 3))) for n, name in enumerate(NAMES, 1)]
    drawing = waterfall.drawn(lines, classes, figures.money, label="What it was paid for")
    keys = tuple(Key(name, look, "") for name, look in classes)
    return _figure("waterfall", "Train dune made up a third of it.", drawing, ESTIMATED, keys)


def _nothing() -> Figure:
    series = [bars.Series("none", palette.looks(["none"])[0], (None,) * 3)]
    drawing = bars.stacked(BUCKETS[:3], series, figures.money, label="Nothing known")
    return _figure("nothing", "Nothing is known of these days.", drawing, ESTIMATED)


def _figure(key: str, finding: str, drawing: Markup, source: Provenance, keys: tuple[Key, ...] = ()) -> Figure:
    table = Table((Column("Name", "name", number=False), Column("Value", "value")), (("first", 12), ("second", None)))
    return Figure(f"chart-{key}", f"Chart: {key}", finding, drawing, table, source, keys)


def _values(place: int) -> tuple[float | None, ...]:
    return tuple(None if (day, place) == (9, 2) else abs(sin(day + place)) * (place + 1) for day in range(DAYS))
