"""The six figures on top of the overview: each with its source, its change, its course and the list behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboard.charts import spark
from dashboard.charts.figure import ESTIMATED, MEASURED, Provenance
from dashboard.render import figures
from dashboard.totals import latency
from dashboard.totals.comparison import Change, in_points, relative
from dashboard.totals.latency import Times
from dashboard.totals.sums import Sums
from dashboard.totals.usage import Usage
from dashboard.totals.wording import COST_FORMULA, percent

Link = Callable[[Mapping[str, str]], str]
"""The address of the list of requests of this period with further filters."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One of them. ``exact`` stands in the title of the figure; ``good`` says whether its change is welcome."""

    title: str
    figure: str
    exact: str
    source: Provenance
    link: str
    notes: Sequence[str] = ()
    change: Change | None = None
    good: bool | None = None
    trend: Markup | None = None
    warn: bool = False
    later: tuple[str, str] | None = None
    """A figure beside it that is read when the page is there: its name, and what it tells."""


def tiles(usage: Usage, before: Sums | None, waits: tuple[Times, Times], link: Link, cost: str) -> list[Tile]:
    """All six. ``before`` is what the same weekdays had, None where there is nothing to compare with."""
    now = usage.total
    return [
        _requests(usage, now, before, link),
        _tokens(usage, now, before, link),
        _cost(usage, now, before, cost),
        _errors(usage, now, before, link),
        _waits(waits, link),
        _cache(usage, now, before, link),
    ]


def _trend(usage: Usage, value: Callable[[Sums], float | None]) -> Markup:
    found = usage.of()
    return spark.drawn([value(found.get(slot.start, Sums())) for slot in usage.span.slots])


def _requests(usage: Usage, now: Sums, before: Sums | None, link: Link) -> Tile:
    notes = [f"{figures.plural(now.cancelled, 'call')} cancelled by the client"] if now.cancelled else []
    change = relative(now.requests, before.requests) if before else None
    return Tile(
        "Requests", figures.count(now.requests), "calls that have ended, attempts included",
        MEASURED.told("Calls that have ended, attempts included."), link({}), notes, change,
        trend=_trend(usage, lambda sums: sums.requests),
    )  # fmt: skip


def _tokens(usage: Usage, now: Sums, before: Sums | None, link: Link) -> Tile:
    exact = (
        f"{figures.count(now.input_tokens)} fresh input + {figures.count(now.cache_creation_input_tokens)} cache writes"
        f" + {figures.count(now.cache_read_input_tokens)} cache reads + {figures.count(now.output_tokens)} output"
    )
    note = f"{figures.compact(now.total_input_tokens)} in · {figures.compact(now.output_tokens)} out"
    change = relative(now.tokens, before.tokens) if before else None
    return Tile(
        "Tokens", figures.compact(now.tokens), exact, MEASURED.told("The sum of what the API reported: " + exact),
        link({}), [note], change, trend=_trend(usage, lambda sums: sums.tokens),
    )  # fmt: skip


def _cost(usage: Usage, now: Sums, before: Sums | None, cost: str) -> Tile:
    notes = []
    subscription = usage.billed(subscription=True)
    if subscription.cost_usd:
        notes.append(f"{figures.money(subscription.cost_usd)} API-equivalent, not billed")
    if now.unpriced:
        notes.append(f"{figures.plural(now.unpriced, 'request')} unpriced")
    comparable = before is not None and before.cost is not None and not before.unpriced and not now.unpriced
    change = relative(now.cost, before.cost) if comparable and before else None
    exact = f"{now.cost} USD" if now.cost is not None else "no price is known"
    return Tile(
        "Cost", figures.money(now.cost), exact, ESTIMATED.told(COST_FORMULA), cost, notes, change,
        trend=_trend(usage, lambda sums: None if sums.cost is None else float(sums.cost)), warn=bool(now.unpriced),
    )  # fmt: skip


def _errors(usage: Usage, now: Sums, before: Sums | None, link: Link) -> Tile:
    share = now.error_share
    change = in_points(share, before.error_share) if before else None
    exact = f"{figures.count(now.errors)} of {figures.count(now.counted)}"
    about = "Calls that did not end well, of all but those the client left or the proxy refused."
    return Tile(
        "Errors", percent(share), exact, MEASURED.told(about), link({"outcome": "failed"}), [exact], change,
        None if change is None or not change.way else change.way < 0, _trend(usage, lambda sums: sums.errors),
        warn=share is not None and share >= 0.05,
    )  # fmt: skip


def _waits(waits: tuple[Times, Times], link: Link) -> Tile:
    whole, first = waits
    about = f"95 of 100 ok answers took at most this long, from accept to the last byte. {latency.ABOUT}"
    half = f"half within {figures.duration(whole.percentile_us(0.5))}"
    ttft = f"TTFT {figures.duration(first.percentile_us(0.5))} in half"
    figure, exact = figures.duration(whole.percentile_us(0.95)), f"of {figures.plural(whole.total, 'ok answer')}"
    return Tile(
        "p95", figure, exact, MEASURED.told(about), link({"outcome": "ok"}), [half, ttft],
        later=("speed", "how fast it was written"),
    )  # fmt: skip


def _cache(usage: Usage, now: Sums, before: Sums | None, link: Link) -> Tile:
    change = in_points(now.cache_share, before.cache_share) if before else None
    read, whole = now.cache_read_input_tokens, now.total_input_tokens
    about = f"Cache reads of all input tokens: {figures.count(read)} of {figures.count(whole)}."
    note = f"{figures.compact(read)} of {figures.compact(whole)} input tokens"
    good = None if change is None or not change.way else change.way > 0
    trend = _trend(usage, lambda sums: sums.cache_share)
    return Tile(
        "From cache", percent(now.cache_share), about, MEASURED.told(about), link({}), [note], change, good, trend,
        later=("saved", "what it saved"),
    )  # fmt: skip
