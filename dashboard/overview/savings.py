"""What the cache saved in a period, and how fast answers came: both by model, from the roll-ups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from core.prices import PriceList
from core.savings import Cached, Saved, changes, saved
from dashboard.charts.figure import ESTIMATED, MEASURED, Provenance
from dashboard.charts.table import Column, Table
from dashboard.render import figures
from dashboard.totals.slots import five_minutes_of
from dashboard.totals.wording import count_cell, money_cell
from sql.database import Database
from sql.rows.overview_more import ModelUseRow

SAVED = ESTIMATED.told(
    "Cache reads × what a read is cheaper than fresh input, less cache writes × what a write is dearer than it;"
    " by model, at the list price of the time, also of what subscriptions paid for. Batch, region and speed are left"
    " out. The same tokens without a cache are assumed."
)
_SPEED = "Output tokens divided by the time their answers took, from accept to the last byte, the first wait included."
LATELY = timedelta(hours=1)


class Piece(NamedTuple):
    """A part of a period in which no price changes; sums are read by whole five minutes."""

    at: datetime
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Speed:
    """Output over the time of ok answers."""

    tokens: int
    ok_us: int
    whole: bool
    """Whether every call ended well; else tokens of some are counted whose time is not."""

    @property
    def per_second(self) -> float | None:
        """Tokens a second; None where nothing is known."""
        return self.tokens / (self.ok_us / 1_000_000) if self.ok_us and self.tokens else None

    @property
    def words(self) -> str:
        """As a figure."""
        return speed_words(self.per_second)

    @property
    def source(self) -> Provenance:
        """How it is known."""
        if self.whole:
            return MEASURED.told(_SPEED)
        more = " Of answers that broke off the tokens are counted and the time is not known: a little too high."
        return ESTIMATED.told(_SPEED + more)


def speed_words(per_second: float | None) -> str:
    """``42 tok/s``; unknown as such."""
    if per_second is None:
        return figures.UNKNOWN
    return f"{per_second:.1f} tok/s" if per_second < 10 else f"{figures.compact(round(per_second))} tok/s"


@dataclass(frozen=True, slots=True)
class Used:
    """What was used, piece by piece and model by model."""

    pieces: Sequence[Piece]
    rows: Sequence[ModelUseRow]
    prices: PriceList

    @property
    def saved(self) -> Saved:
        """Of all models."""
        return saved(map(self._cached, self.rows), self.prices)

    @property
    def speed(self) -> Speed:
        """Of all models."""
        return speed(self.rows)

    @property
    def models(self) -> Mapping[str, tuple[Saved, Speed]]:
        """By model, those first that saved most."""
        rows: dict[str, list[ModelUseRow]] = {}
        for row in self.rows:
            rows.setdefault(row.model, []).append(row)
        made = {name: (saved(map(self._cached, own), self.prices), speed(own)) for name, own in rows.items()}
        return dict(sorted(made.items(), key=lambda pair: (-(pair[1][0].net or Decimal(0)), pair[0])))

    @property
    def table(self) -> Table:
        """By model."""
        columns = (
            Column("Model", "model", number=False),
            Column("Reads saved", "saved_by_reads_usd", money_cell, about=SAVED.about),
            Column("Writes cost extra", "spent_on_writes_usd", money_cell),
            Column("Saved", "saved_usd", signed),
            Column("Output tokens", "output_tokens", count_cell),
            Column("Tokens a second", "tokens_per_second", about=_SPEED),
        )
        return Table(columns, tuple(_line(name, *pair) for name, pair in self.models.items()))

    def _cached(self, row: ModelUseRow) -> Cached:
        long = row.ephemeral_1h_input_tokens
        # What was not said how long it lives is taken for the API's default.
        short = max(0, row.cache_creation_input_tokens - long)
        return Cached(self.pieces[row.piece - 1].at, row.model, row.cache_read_input_tokens, short, long)


def _line(name: str, found: Saved, fast: Speed) -> tuple[str | Decimal | float | int | None, ...]:
    known = found.net is not None
    per_second = None if fast.per_second is None else round(fast.per_second, 1)
    parts = (found.by_reads, found.spent_on_writes) if known else (None, None)
    return (name or "no model named", *parts, found.net, fast.tokens, per_second)


def signed(value: object) -> str:
    """Money that may be below 0; unknown as such."""
    if not isinstance(value, Decimal):
        return figures.UNKNOWN
    return f"-{figures.money(-value)}" if value < 0 else figures.money(value)


def speed(rows: Sequence[ModelUseRow]) -> Speed:
    """Of some rows; calls without output (counting tokens, lists) say nothing of it."""
    wrote = [row for row in rows if row.output_tokens]
    return Speed(
        sum(row.output_tokens for row in wrote), sum(row.ok_duration_us for row in wrote),
        all(row.ok == row.requests for row in wrote),
    )  # fmt: skip


def pieces(since: datetime, until: datetime, prices: PriceList) -> list[Piece]:
    """A period cut where a price changes."""
    moments = [since, *changes(prices, since, until)]
    starts = [five_minutes_of(moment) for moment in moments]
    return [Piece(*parts) for parts in zip(moments, starts, [*starts[1:], until], strict=True)]


async def used(database: Database, trains: Sequence[int], since: datetime, until: datetime, prices: PriceList) -> Used:
    """What these trains used. One query."""
    cut = pieces(since, until, prices)
    starts, ends = [piece.since for piece in cut], [piece.until for piece in cut]
    return Used(cut, await database.fetch("usage_by_model_in", ModelUseRow, list(trains), starts, ends), prices)


@dataclass(frozen=True, slots=True)
class Rate:
    """Output of all calls that began lately and have ended, in all a second."""

    tokens: int
    seconds: float

    @property
    def words(self) -> str:
        """As a figure; nothing written is nothing, not unknown."""
        return speed_words(self.tokens / self.seconds)


RATE = MEASURED.told(
    "Output of calls that began in the last hour and have ended, divided by that hour; what still runs is not in it."
)


async def rate(database: Database, trains: Sequence[int], now: datetime) -> Rate:
    """The rate of the last hour. One query."""
    since = five_minutes_of(now - LATELY)
    rows = await database.fetch("usage_by_model_in", ModelUseRow, list(trains), [since], [now])
    return Rate(sum(row.output_tokens for row in rows), (now - since).total_seconds())
