"""Charts: geometry, words, bounds and escaping. Drawings are read as XML, as a browser would."""

import csv
import io
import re
from datetime import UTC, datetime
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from dashboard.charts import axis, bars, curve, heat, histogram, meter, palette, spark, strip, waterfall
from dashboard.charts.table import Column, Table

HOSTILE = "<script>alert(1)</script>\"' onload=x \u202e"


def read(drawing):
    """The drawing as a tree; what is no XML fails here."""
    return ET.fromstring(str(drawing))  # noqa: S314  our own drawings, and a failure is what is looked for


def percent(text):
    """The number of ``12.5%``."""
    assert text.endswith("%")
    return float(text[:-1])


def money(value):
    """Dollars."""
    return f"${value:.2f}"


@pytest.mark.parametrize("most", [0.0004, 0.3, 1, 7, 43, 99.9, 100, 1234, 5e9])
def test_ticks_are_round_and_reach_over_the_most(most):
    """Three to six lines from 0, equally far apart, the last not below the greatest value and not far above it."""
    found = axis.scale(most)
    steps = {round(later - earlier, 9) for earlier, later in zip(found.ticks, found.ticks[1:], strict=False)}
    assert 3 <= len(found.ticks) <= 7
    assert len(steps) == 1
    assert found.ticks[0] == 0
    assert most <= found.top * (1 + 1e-9) <= most * 2.01 + 1e-9
    assert float(f"{found.ticks[1]:.2g}") == pytest.approx(found.ticks[1])


@pytest.mark.parametrize("most", [0, -3, float("nan"), float("inf")])
def test_nothing_to_scale(most):
    """Without a positive figure the axis is 0 to 1."""
    assert axis.scale(most).ticks == (0.0, 1.0)


def test_whole_ticks():
    """Counts have no tick between two of them."""
    assert axis.scale(2, whole=True).ticks == (0.0, 1.0, 2.0)


def stack(values, **more):
    """Bars of these series."""
    names = [f"s{number}" for number in range(len(values))]
    series = [
        bars.Series(name, look, tuple(each))
        for name, look, each in zip(names, palette.looks(names), values, strict=True)
    ]
    buckets = [bars.Bucket(f"{n}", f"day {n}", "25 h" if n == 1 else "") for n in range(len(values[0]))]
    return bars.stacked(buckets, series, money, label="Bars", **more)


def test_stacks_stand_on_one_another_and_are_as_high_as_their_values():
    """Each part begins where the one below ends, and heights are in proportion."""
    drawing = read(stack([[10, 0, None], [30, 5, None]]))
    first = drawing.findall("g")[0].findall("rect")[1:]
    low, high = sorted(first, key=lambda part: -float(part.get("y")))
    assert float(high.get("y")) + float(high.get("height")) == pytest.approx(float(low.get("y")), abs=0.02)
    assert float(high.get("height")) / float(low.get("height")) == pytest.approx(3, rel=0.01)
    assert percent(low.get("x")) >= 0
    assert percent(low.get("x")) + percent(low.get("width")) <= 100 / 3


def test_a_column_says_its_figures():
    """Total and parts in words; what is special about the day; unknown is not 0."""
    said = [title.text for title in read(stack([[10, 0, None], [30, 5, None]])).iter("title")]
    assert said == ["day 0: $40.00 (s0 $10.00, s1 $30.00)", "day 1 (25 h): $5.00 (s1 $5.00)", "day 2: nothing known"]


def test_bars_are_bounded():
    """More marks than a drawing may have are refused, and the most it takes are within the bound."""
    with pytest.raises(ValueError, match="too many"):
        stack([[1] * (bars.MOST_BUCKETS + 1)])
    full = read(stack([[1] * bars.MOST_BUCKETS] * bars.MOST_SERIES))
    marks = [part for part in full.iter("rect") if part.get("class") != "hit"]
    assert len(marks) <= axis.MOST_MARKS


def test_names_are_harmless():
    """Whatever a name holds is text of the drawing; hidden characters are spelled out."""
    look = palette.looks([HOSTILE])[0]
    series = [bars.Series(HOSTILE, look, (1.0,)), bars.Series("b", look, (1.0,))]
    made = str(bars.stacked([bars.Bucket("1 Nov", "1 November")], series, money, label=HOSTILE))
    for drawing in (made, str(heat.drawn({}, money, label=HOSTILE)), str(histogram.drawn([], money, label=HOSTILE))):
        assert "<script" not in drawing
        assert "\u202e" not in drawing
        read(drawing)
    assert "\u27e8U+202E\u27e9" in made


def test_no_drawing_needs_what_the_policy_forbids():
    """No inline style, no handler, no address outside the page."""
    drawings = [
        stack([[1, 2], [3, 4]]),
        heat.drawn({(0, 0): 3}, money, label="x"),
        histogram.drawn([histogram.Bin(0, 1, 4)], money, label="x", markers=[("p95", 0.5)]),
        meter.drawn(meter.Share(1.2, "estimated", 0.4), label="x"),
        curve.drawn(curve.Curve(((0, 0), (0.5, 0.4)), fan=curve.Fan(0.7, 0.8, None, (0.8, 0.9, 1.2))), label="x"),
        spark.drawn([1, None, 3]),
    ]
    for drawing in drawings:
        assert re.search(r"\bstyle=|\bon\w+=|https?:|href", str(drawing)) is None


def test_one_look_each():
    """Seven names have seven colours, a name keeps its own beside others, letters follow the order, "other" is grey."""
    names = ["atlas", "cargo", "dune", "ember", "frost", "gale", "other"]
    found = palette.looks(names, others=True)
    assert len({look.hue for look in found}) == 7
    assert [look.letter for look in found] == list("ABCDEFG")
    assert found[-1].hue == palette.OTHER
    assert palette.looks(["atlas"])[0].hue == found[0].hue
    assert palette.looks([""])[0].hue == palette.OTHER


def test_a_cell_grows_with_its_value():
    """Colour and size say the same; an hour that was not in the period has no mark, an empty one a small one."""
    drawing = read(heat.drawn({(0, 0): 100, (0, 1): 10, (0, 2): 0}, lambda value: f"{value:.0f}", label="x"))
    cells = {cell.find("title").text: cell.findall("rect")[1:] for cell in drawing.findall("g")}
    assert len(cells) == 168
    full, some, none = (
        cells[f"Monday {hour:02d}:00–{hour + 1:02d}:00: {said}"][0] for hour, said in enumerate(("100", "10", "0"))
    )
    assert percent(full.get("width")) > percent(some.get("width")) > percent(none.get("width"))
    assert (full.get("class"), some.get("class"), none.get("class")) == ("h5", "h1", "h0")
    assert cells["Sunday 23:00–00:00: not in this period"] == []


def test_bins_and_where_a_value_falls():
    """A value stands in its bin, by its share of it; beyond the last bin at the edge."""
    bins = [histogram.Bin(0, 1, 5), histogram.Bin(1, 3, 9), histogram.Bin(3, None, 0)]
    assert histogram.place_of(bins, 0) == 0
    assert histogram.place_of(bins, 2) == pytest.approx(0.5)
    assert histogram.place_of(bins, 1e9) == 1
    said = [title.text for title in read(histogram.drawn(bins, lambda value: f"{value:g} s", label="x")).iter("title")]
    assert said == ["0 s to 1 s: 5 requests", "1 s to 3 s: 9 requests", "3 s and more: 0 requests"]


@pytest.mark.parametrize(
    ("used", "tone"), [(None, "unknown"), (0, "ok"), (0.79, "ok"), (0.8, "warning"), (0.95, "error"), (1.3, "error")]
)
def test_a_meter_tells_its_tone(used, tone):
    """Tones change at 80 and 95 %; unknown has a track and no bar; beyond 100 % the bar is full and says more."""
    drawing = read(meter.drawn(meter.Share(used, "reported", 0.5), label="54 % used"))
    assert f"tone-{tone}" in drawing.get("class")
    filled = [part for part in drawing.iter("rect") if part.get("class") == "fill"]
    assert len(filled) == (used is not None)
    if used is not None:
        assert percent(filled[0].get("width")) == pytest.approx(100 * min(1, used))
    assert (drawing.find(".//path") is not None) == (used is not None and used > 1)
    assert drawing.get("aria-label") == "54 % used"


def test_a_source_has_its_own_look():
    """Reported and estimated bars differ in more than colour (rule N8)."""
    reported, estimated = (
        str(meter.drawn(meter.Share(0.5, source, None), label="x")) for source in ("reported", "estimated")
    )
    assert "m-reported" in reported
    assert "m-estimated" in estimated


def test_a_curve_stands_where_its_time_and_use_are():
    """Left is the start, right the reset; the foot is nothing, the limit's line is 100 %."""
    made = curve.Curve(((0, 0), (0.5, 0.5), (0.75, 1.5)), now=0.75)
    drawing = read(curve.drawn(made, label="x"))
    used = next(line for line in drawing.iter("polyline") if line.get("class") == "used")
    points = [tuple(map(float, point.split(","))) for point in used.get("points").split()]
    assert [x for x, _ in points] == [0, 500, 750]
    assert points[0][1] == axis.PLOT
    assert points[2][1] == axis.HEAD
    limit = next(line for line in drawing.iter("line") if line.get("class") == "limit")
    assert points[2][1] < float(limit.get("y1")) < points[1][1]


def test_a_curve_is_bounded():
    """However many observations and windows there were, the drawing has few marks and points, the ends among them."""
    many = tuple((n / 5000, n / 5000) for n in range(5001))
    drawing = read(curve.drawn(curve.Curve(many, ghosts=(many,) * 30), label="x"))
    lines = list(drawing.iter("polyline"))
    assert len(lines) <= axis.MOST_MARKS
    assert sum(len(line.get("points").split()) for line in lines) <= axis.MOST_MARKS
    used = next(line for line in lines if line.get("class") == "used")
    assert used.get("points").split()[0].startswith("0.0,")
    assert used.get("points").split()[-1].startswith("1000.0,")


def test_a_fan_shows_what_is_likely():
    """With exhaustion in sight it ends at the limit, without at the window's end; without a forecast there is none."""
    start = ((0, 0), (0.5, 0.6))
    dry = str(curve.drawn(curve.Curve(start, fan=curve.Fan(0.7, 0.8, 0.9)), label="x"))
    calm = str(curve.drawn(curve.Curve(start, fan=curve.Fan(None, None, None, (0.7, 0.8, 0.9))), label="x"))
    assert 'class="likely" points="500.0' in dry
    assert "800.0,14.0" in dry
    assert 'class="likely" points="500.0' in calm
    assert "1000.0," in calm
    assert 'class="fan"' not in str(curve.drawn(curve.Curve(start), label="x"))


def test_a_trend_has_gaps_where_nothing_is_known():
    """Unknown is no zero: the line stops and goes on."""
    assert len(list(read(spark.drawn([1, 2, None, 3, 4])).iter("polyline"))) == 2
    assert len(list(read(spark.drawn([None, 5, None])).iter("polyline"))) == 0


def test_the_table_as_csv():
    """Exact values, unknown empty, formulas disarmed, and a mark by which spreadsheets know the encoding."""
    columns = (Column("Train", "train", number=False), Column("Cost", "cost_usd"), Column("Tokens", "tokens"))
    made = Table(
        columns,
        (
            ("=1+1", Decimal("0.0001"), 12),
            ('Ärger, "x"', None, -3),
            (datetime(2026, 11, 1, tzinfo=UTC).isoformat(), 1, 2),
        ),
    )
    text = made.as_csv()
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text[1:])))
    assert rows[0] == ["train", "cost_usd", "tokens"]
    assert rows[1] == ["'=1+1", "0.0001", "12"]
    assert rows[2] == ['Ärger, "x"', "", "-3"]
    assert "a" * 90 not in Table(columns[:1], (("sk-ant-api03-" + "a" * 90,),)).as_csv()


def test_a_waterfall_is_the_whole():
    """Each line begins where the one before ended, the last ends at the edge; a trifle is seen, a name is words."""
    classes = tuple((name, palette.Look(hue, "A")) for hue, name in enumerate(("Sent", "Written")))
    lines = [
        waterfall.Line("first", (3.0, 1.0)),
        waterfall.Line(HOSTILE, (0.0, 5.999)),
        waterfall.Line("z", (0.001, 0)),
    ]
    drawn = read(waterfall.drawn(lines, classes, money, label=HOSTILE))
    bars_drawn = [rect for rect in drawn.iter("rect") if rect.get("fill")]
    places = [(percent(rect.get("x")), percent(rect.get("width"))) for rect in bars_drawn]
    assert places[:3] == [(0.0, 30.0), (30.0, 10.0), (40.0, 59.99)]
    assert places[3][1] == pytest.approx(100 * waterfall.NARROW)
    assert sum(places[3]) == pytest.approx(100)
    assert "first: $4.00 (sent $3.00, written $1.00)" in [title.text for title in drawn.iter("title")]
    assert "\u202e" not in "".join(drawn.itertext())
    with pytest.raises(ValueError, match="too many"):
        waterfall.drawn(lines * 9, classes, money, label="x")
    assert not list(read(waterfall.drawn([], classes, money, label="x")))


def test_a_strip_may_stay_empty():
    """What lacks to a whole is no part; without one the parts fill it."""
    parts = [("used", palette.Look(0, "A"), 1.0)]
    half = [percent(r.get("width")) for r in read(strip.drawn(parts, money, label="x", most=4)).iter("rect")]
    assert half == [100.0, 25.0]
    assert [percent(r.get("width")) for r in read(strip.drawn(parts, money, label="x")).iter("rect")] == [100.0]
