"""``/windows``: every account's usage windows, each as its source says it, and what they lead to."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from core.access import Permission, may
from dashboard.charts.table import Column, Table, Value
from dashboard.pages import first_run
from dashboard.pages.shell import fragment, page
from dashboard.pages.table_file import as_csv
from dashboard.routing import Call, Query, route
from dashboard.windows import wording
from dashboard.windows.glance import AccountGlance, fullest, glances, pool_of
from dashboard.windows.said import RECENT
from sql.errors import DatabaseError
from sql.rows.usage_pages import CalledLimit

BADGE_WARN, BADGE_ALERT = 0.8, 0.95


async def glanced(call: Call[Any], now: datetime) -> list[AccountGlance]:
    """The accounts the reader may see. Two queries."""
    trains = await first_run.visible(call)
    return await glances(call.database, sorted(trains), now, whole=call.principal.trains is None)


@route("GET", "/windows", permission=Permission.READ_STATISTICS, errors=(400, 503))
async def windows_page(call: Call[Query]) -> web.Response:
    """One block an account: a bar a window and source, never two sources in one."""
    now = datetime.now(UTC)
    accounts = await glanced(call, now)
    if not accounts and not await first_run.anything(call):
        return first_run.shown(call, section="windows")
    limits = await _limits(call, accounts, now)
    values: dict[str, Any] = {
        "accounts": accounts,
        "limits": limits,
        "pool": pool_of(accounts),
        "now": now,
        "words": wording,
    }
    return page(call.request, "windows.html", section="windows", **values)


@route("GET", "/windows.csv", permission=Permission.READ_STATISTICS, kind="download", errors=(400, 503))
async def windows_csv(call: Call[Query]) -> web.Response:
    """Every window as each source says it."""
    columns = tuple(Column(name, name) for name in _FIELDS)
    rows: list[tuple[Value, ...]] = [
        (
            account.account_id, account.title, account.kind, bar.window, bar.source.value, bar.utilization, bar.status,
            bar.reset_at, bar.observed_at, bar.elapsed, bar.pace, bar.dry_at, str(bar.over).lower(),
        )
        for account in await glanced(call, datetime.now(UTC))
        for bar in account.bars
    ]  # fmt: skip
    return as_csv(Table(columns, tuple(rows)), "windows")


_FIELDS = (
    "account_id", "account", "kind", "window", "source", "utilization", "status", "reset_at", "observed_at", "elapsed",
    "pace", "dry_at", "over",
)  # fmt: skip


@route("GET", "/nav/windows", permission=Permission.PUBLIC)
async def windows_badge(call: Call[Query]) -> web.Response:
    """The fullest reported five-hour window, for the navigation; its shape changes at 80 and 95 %.

    Pages that anybody may see ask for it too: who may not know gets nothing, as where the database is away.
    """
    bar = None
    if may(call.principal, Permission.READ_STATISTICS):
        with suppress(DatabaseError):
            bar = fullest(await glanced(call, datetime.now(UTC)))
    used = None if bar is None else bar.utilization
    shape = "" if used is None or used < BADGE_WARN else "▲ " if used < BADGE_ALERT else "■ "
    return fragment(call.request, "windows.badge.html", used=used, shape=shape)


async def _limits(call: Call[Any], accounts: list[AccountGlance], now: datetime) -> dict[str, list[CalledLimit]]:
    """The per-minute limits of the API keys among them."""
    keys = [account.account_id for account in accounts if not account.subscription]
    if not keys:
        return {}
    rows = await call.database.fetch("rate_limits_called", CalledLimit, keys, now - RECENT)
    found: dict[str, list[CalledLimit]] = {}
    for row in rows:
        found.setdefault(row.account_id, []).append(row)
    return found
