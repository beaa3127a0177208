"""What a conversation would have cost on other models, and which part of a budget it is. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

from core.models import Usage
from core.prices import PriceList, names
from core.repricing import Asked, Repriced, alike, gathered, reprice
from dashboard.charts import strip
from dashboard.charts.figure import ESTIMATED, Key
from dashboard.charts.palette import Look
from dashboard.charts.table import Column, Table, Value
from dashboard.overview.budgets import Stand
from dashboard.render import figures
from dashboard.totals.wording import count_cell, money_cell, percent
from sql.rows.conversation_cost import ConversationUsageRow

SOURCE = ESTIMATED.told(
    "Each request again at the other model's list price of its day: its own tokens, what it read from the cache and"
    " wrote to it for five minutes or an hour, its band of prompt lengths, batch, region and speed where the model has"
    " them. A request that is longer than the model's context has no price there."
)
_VENDOR = "claude-"


@dataclass(frozen=True, slots=True)
class Panel:
    """The conversation on every model that has a price now, the cheapest first."""

    lines: Sequence[Repriced]
    models: tuple[str, ...]
    """Those that did it."""
    paid: Decimal | None
    """What it cost; None where that is not known of all of it."""
    requests: int
    unpriced: int

    @property
    def own(self) -> frozenset[str]:
        """The names under which the price list has them."""
        return frozenset(name for model in self.models for name in names(model))

    @property
    def finding(self) -> str:
        """The cheapest that would have held all of it, and the dearest, against what it cost."""
        whole = [line for line in self.lines if line.usd is not None and line.requests == self.requests]
        others = [line for line in whole if self.own.isdisjoint(line.models)]
        if not others:
            return "No other model that has a price would have held all of it."
        first, last = others[0], others[-1]
        said = [f"On {first.models[0]} it would have cost {figures.money(first.usd)}{self._against(first)}"]
        if last is not first:
            said.append(f"on {last.models[0]} {figures.money(last.usd)}{self._against(last)}")
        return "; ".join(said) + "."

    def _against(self, line: Repriced) -> str:
        change = against(line)
        return "" if change is None else f" ({change})"

    @property
    def said(self) -> list[str]:
        """Why every line is a guess beyond its assumptions."""
        found = [set(line.reasons) for line in self.lines if line.usd is not None]
        return sorted(set.intersection(*found)) if found else []

    @property
    def titled(self) -> list[tuple[Repriced, str]]:
        """Each line and what it is called."""
        return [(line, title(line, self.own, whole=len(self.models) == 1)) for line in self.lines]

    @property
    def table(self) -> Table:
        """A line for the models of each price."""
        columns = (
            Column("Model", "model", number=False),
            Column("Would have cost", "cost_usd", money_cell, about=SOURCE.about),
            Column("Against what it cost", "against", about="The same requests as they were recorded"),
            Column("Priced requests", "requests", count_cell),
            Column("Would not fit", "too_long", count_cell, about="Prompt and answer are longer than its context"),
            Column("No price", "unpriced", count_cell, about="Tokens not reported, or no price for so long a prompt"),
            Column("Context", "context_tokens", count_cell, about="Tokens it holds"),
            Column("Remarks", "remarks", number=False),
        )
        return Table(columns, tuple(_line(line, words) for line, words in self.titled))


def remarks(line: Repriced, said: Collection[str] = ()) -> list[str]:
    """What else is to be said of a line, but for what is said of all of them."""
    found = []
    if line.too_long:
        requests, most = figures.plural(line.too_long, "request"), figures.compact(line.limit)
        found.append(f"{requests} would not fit into {most}; the longest has {figures.compact(line.longest)}")
    if line.unpriced:
        found.append(f"no price for {figures.plural(line.unpriced, 'request')}")
    return [*found, *(reason for reason in line.reasons if reason not in said)]


def title(line: Repriced, own: frozenset[str], *, whole: bool) -> str:
    """Its models; said of those that did it."""
    first, *others = line.models
    named = ", ".join([first, *(name.removeprefix(_VENDOR) for name in others)])
    mine = "" if own.isdisjoint(line.models) else " (as recorded)" if whole else " (in part as recorded)"
    return named + mine


def _line(line: Repriced, words: str) -> tuple[Value, ...]:
    return (
        words, line.usd, against(line), line.requests, line.too_long, line.unpriced,
        line.limit, "; ".join(remarks(line)),
    )  # fmt: skip


def against(line: Repriced) -> str | None:
    """How it compares with what the same requests cost; None where that is unknown."""
    if line.usd is None or not line.paid:
        return None
    share = float(line.usd / line.paid)
    if round(100 * share) == 100:
        return "the same"
    if share >= 10:
        return f"{share:.0f} times as much"
    return f"{percent(abs(1 - share))} {'more' if share > 1 else 'less'}"


def asked(row: ConversationUsageRow) -> Asked:
    """A row as a request to be priced."""
    usage = Usage(
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_creation_input_tokens=row.cache_creation_input_tokens,
        cache_read_input_tokens=row.cache_read_input_tokens,
        ephemeral_5m_input_tokens=row.ephemeral_5m_input_tokens,
        ephemeral_1h_input_tokens=row.ephemeral_1h_input_tokens,
        web_search_requests=row.web_search_requests,
        code_execution_requests=row.code_execution_requests,
        service_tier=row.service_tier,
        inference_geo=row.inference_geo,
        speed=row.speed,
        complete=bool(row.usage_complete),
        raw=None if row.iterations is None else {"iterations": row.iterations},
    )
    return Asked(row.started_at, usage, row.cost_usd)


def panel(rows: Sequence[ConversationUsageRow], prices: PriceList, now: datetime) -> Panel:
    """The conversation on every model."""
    given = gathered((asked(row) for row in rows), prices)
    lines = [reprice(given, models, prices, now) for models in alike(prices, now, given)]
    lines.sort(key=lambda line: (line.usd is None, line.too_long, line.usd or 0, line.models))
    unpriced = sum(row.cost_usd is None for row in rows)
    paid = sum((row.cost_usd for row in rows if row.cost_usd is not None), Decimal(0))
    models = frozenset(row.model for row in rows if row.model is not None)
    return Panel(lines, tuple(sorted(models)), None if unpriced else paid, len(rows), unpriced)


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a budget that a conversation used in the period that runs."""

    stand: Stand
    mine: Decimal

    @property
    def words(self) -> str:
        """As a sentence."""
        stand = self.stand
        whole = f"{percent(stand.share)} of it is used in all; {stand.outlook}."
        if not self.mine:
            return f"Nothing of this conversation falls into the running {stand.row.period}; {whole}"
        part = percent(float(self.mine / stand.row.amount))
        return f"{part} of it went into this conversation in the running {stand.row.period}; {whole}"

    @property
    def _parts(self) -> list[tuple[str, Look, Decimal]]:
        used = self.stand.state.used
        return [
            ("this conversation", Look(0, "A"), self.mine),
            ("all else", Look(3, "B"), max(used - self.mine, Decimal(0))),
        ]

    def _written(self, value: float) -> str:
        return self.stand.written(Decimal(value))

    @property
    def drawing(self) -> Markup:
        """The budget as one bar."""
        parts = [(name, look, float(value)) for name, look, value in self._parts]
        label = f"{self.stand.title}: {self.words}"
        return strip.drawn(parts, self._written, label=label, most=float(self.stand.row.amount))

    @property
    def keys(self) -> list[Key]:
        """Its key."""
        return [Key(name, look, self.stand.written(value)) for name, look, value in self._parts]


def shares(rows: Sequence[ConversationUsageRow], found: Sequence[Stand]) -> list[Share]:
    """The budgets that the conversation counts in: its train's, and those of the keys it came with."""
    keys = {row.key_id for row in rows}
    return [Share(one, _mine(rows, one)) for one in found if one.row.key_id is None or one.row.key_id in keys]


def _mine(rows: Sequence[ConversationUsageRow], stand: Stand) -> Decimal:
    key, since, end = stand.row.key_id, stand.row.starts_at, stand.row.ends_at
    own = [row for row in rows if since <= row.started_at < end and key in (None, row.key_id)]
    if stand.usd:
        return sum((row.cost_usd for row in own if row.cost_usd is not None), Decimal(0))
    return Decimal(sum((row.input_tokens or 0) + (row.output_tokens or 0) for row in own))
