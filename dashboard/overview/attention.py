"""What wants somebody: at most five things, the worst first, each with its evidence and why it is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote, urlencode

from core.windows.reading import Source
from dashboard.render import figures, zone
from dashboard.totals.wording import percent
from dashboard.windows import wording
from dashboard.windows.glance import AccountGlance, Bar
from sql.rows.usage_pages import StateOfNowRow

MOST = 5
Tone = Literal["error", "warning"]
BURST_LOOKED_AT = timedelta(hours=24)
BURST_LEAST = 5
BURST_SHARE = 0.2
LAG = timedelta(seconds=60)
SILENT = timedelta(seconds=60)
SOON = timedelta(hours=1)
"""A window that is dry within this is an error, not a warning."""
COUNTERS = ("/metrics", "the counters")


@dataclass(frozen=True, slots=True)
class Item:
    """One of them. ``weight`` orders those of a tone; ``link`` leads to the evidence."""

    tone: Tone
    title: str
    link: str
    link_words: str
    why: str
    weight: float = 0.0
    about: str = ""
    """What it is about, where its link says more than that."""

    @property
    def shape(self) -> str:
        """Its tone as a shape."""
        return "■" if self.tone == "error" else "▲"


def chosen(items: Sequence[Item]) -> tuple[list[Item], int]:
    """The worst, and how many are left out."""
    ranked = sorted(items, key=lambda item: (item.tone != "error", -item.weight, item.title))
    return ranked[:MOST], max(0, len(ranked) - MOST)


def of_now(row: StateOfNowRow, now: datetime, burst_link: str) -> list[Item]:
    """Bursts of errors, a recorder that lags or is silent, calls that were put aside."""
    return [item for item in (_burst(row, burst_link), _aside(row), _behind(row, now)) if item is not None]


def _burst(row: StateOfNowRow, link: str) -> Item | None:
    if row.burst_hour is None or not row.burst_errors or not row.burst_counted:
        return None
    share = row.burst_errors / row.burst_counted
    when = f"{zone.there(row.burst_hour):%a %H:%M}"
    title = f"{figures.plural(row.burst_errors, 'error')} in the hour from {when}, {percent(share)} of its calls"
    why = f"At least {BURST_LEAST} calls and a fifth of all that counted went wrong in one of the last 24 hours."
    return Item("error" if share >= 0.5 else "warning", title, link, "the failed calls", why, share, "burst")


def _aside(row: StateOfNowRow) -> Item | None:
    if not row.dead_letters:
        return None
    calls = figures.plural(row.dead_letters, "call")
    why = "The database refused these calls for what they hold. They are kept whole in the table dead_letters."
    return Item("error", f"{calls} could not be written to the database; put aside", *COUNTERS, why, 2.0, "aside")


def _behind(row: StateOfNowRow, now: datetime) -> Item | None:
    if row.heartbeat_at is None:
        return None
    silent = now - row.heartbeat_at
    if silent > SILENT:
        why = "A recorder reports every few seconds. Calls are forwarded and taped meanwhile, but not shown yet."
        return Item("error", f"no recorder was heard of for {_lasted(silent)}", *COUNTERS, why, 3.0, "silent")
    if row.oldest_unrecorded_at is None or now - row.oldest_unrecorded_at <= LAG:
        return None
    lag = f"the recorder is {_lasted(now - row.oldest_unrecorded_at)} behind"
    why = "Calls that are taped but not yet in the database are missing from every figure here."
    return Item("warning", f"{lag}, {figures.size(row.lag_bytes)} of tape wait", *COUNTERS, why, 1.0, "behind")


def _lasted(span: timedelta) -> str:
    return figures.duration(span // timedelta(microseconds=1))


def of_windows(accounts: Sequence[AccountGlance], now: datetime) -> list[Item]:
    """Windows that refuse calls, or run dry before their end."""
    return [item for account in accounts for bar in account.bars if (item := _window(account, bar, now)) is not None]


def _window(account: AccountGlance, bar: Bar, now: datetime) -> Item | None:
    if bar.over or bar.source is not Source.REPORTED:
        return None
    name = f"{account.title}: {wording.window_title(bar.window)}"
    link = ("/windows/" + quote(account.account_id, safe="") + "?" + urlencode({"window": bar.window}), "its course")
    if bar.rejected or (bar.utilization or 0) >= 1:
        ends = f" until {wording.clock(bar.reset_at, now)}" if bar.reset_at else ""
        why = "The provider's headers say that this window is used up."
        return Item("error", f"{name} is used up{ends}", *link, why, 5.0)
    if bar.dry_at is None:
        return None
    title = f"{name} runs dry about {wording.clock(bar.dry_at, now)}, {percent(bar.utilization)} used"
    why = "At the rate of the last hour it is used up before its end. The page of the account has the range."
    return Item("error" if bar.dry_at - now < SOON else "warning", title, *link, why, 4.0)


def unpriced(models: Sequence[str], requests: int, link: str) -> list[Item]:
    """Models without a price."""
    if not requests:
        return []
    named = ", ".join(model or "no model named" for model in models[:3]) + (" …" if len(models) > 3 else "")
    title = f"{figures.plural(requests, 'request')} without a price ({named})"
    why = "No list price is known for them, so every cost is without them. Prices can be added on the price page."
    return [Item("warning", title, link, "which models", why, 0.5, f"unpriced {named}")]
