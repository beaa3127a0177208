"""``/windows/{account}``: one account's windows: the course, the windows before, who used it, our own estimate."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from core.access import Permission
from core.windows.reading import Source, length_of
from core.windows.span import started_at
from dashboard.charts import meter
from dashboard.charts.figure import ESTIMATED, Figure
from dashboard.pages.shell import address, fragment, page, wants_fragment
from dashboard.pages.table_file import as_csv
from dashboard.problems import Problem
from dashboard.render.zone import drawn_in
from dashboard.routing import Call, Query, route
from dashboard.totals.wording import percent
from dashboard.windows import course, reading, said, wording
from dashboard.windows.accounts import Account, View, view_of
from dashboard.windows.estimate import Estimate, estimates
from dashboard.windows.job import SOURCE, Job, job
from dashboard.windows.outlook import Outlook, known, outlook
from dashboard.windows.query import WindowName
from dashboard.windows.said import Key, last_said, limits_said
from dashboard.windows.shape import STALE, window_answer
from dashboard.windows.usage import stretch
from dashboard.windows.use import use_of
from sql.rows.windows import WindowNow


class WindowQuery(Query):
    """Which window, as whom its course is told."""

    window: WindowName | None = None
    job: Annotated[float, Field(ge=0.01, le=100_000)] = Field(5.0, description="USD of a job that may be started")


class WindowFileQuery(WindowQuery):
    """Which table."""

    table: Literal["course", "history"] = "course"


@dataclass(frozen=True, slots=True)
class Chosen:
    """An account, and the window whose course is shown; None where none runs whose use is known."""

    view: View
    account: Account
    words: Mapping[Key, WindowNow]
    row: WindowNow | None
    now: datetime

    @property
    def path(self) -> str:
        """The account's address."""
        return "/windows/" + quote(self.account.account_id, safe="")

    @property
    def window(self) -> str:
        """The window's name."""
        return "" if self.row is None else self.row.window_name


@route("GET", "/windows/{account}", permission=Permission.READ_STATISTICS, query=WindowQuery, errors=(400, 404, 503))
async def account_page(call: Call[WindowQuery]) -> web.Response:
    """Bars of every window, and of the chosen one its course and those before it."""
    chosen = await _chosen(call)
    limits = (await limits_said(call.database, [chosen.account], chosen.now))[chosen.account.account_id]
    drawn, figures = await _drawn(call, chosen)
    told, asked = drawn or (None, None)
    kept = {"window": chosen.window, **call.period.tz}
    return page(
        call.request, "windows.account.html", section="windows", chosen=chosen, account=chosen.account,
        bars=[window_answer(chosen.words[key], chosen.now) for key in said.named(chosen.words)],
        told=told, job=asked, job_source=SOURCE, tz=call.period.tz, figures=figures, limits=limits, now=chosen.now,
        words=wording, stale=STALE, meter=_meter,
        parts=[(name, title, address(f"{chosen.path}/{name}", kept)) for name, title in PARTS],
        choice=lambda name: address(chosen.path, {"window": name}),
    )  # fmt: skip


PARTS = (("use", "Who and what used it"), ("estimate", "Our own estimate"))


@route(
    "GET",
    "/windows/{account}/table.csv",
    permission=Permission.READ_STATISTICS,
    kind="download",
    query=WindowFileQuery,
    errors=(400, 404, 503),
    period="all",
)
async def account_csv(call: Call[WindowFileQuery]) -> web.Response:
    """The observations of the running window, or the windows before it."""
    chosen = await _chosen(call)
    _, figures = await _drawn(call, chosen)
    found = next((figure for figure in figures if figure.key == call.query.table), None)
    if found is None:
        raise Problem(404, "no window of this account runs whose use is known")
    return as_csv(found.table, f"window-{chosen.window}-{call.query.table}")


@route(
    "GET", "/windows/{account}/use", permission=Permission.READ_STATISTICS, query=WindowQuery, errors=(400, 404, 503)
)
async def account_use(call: Call[WindowQuery]) -> web.Response:
    """Who and what used the chosen window: our own sums since it began."""
    chosen = await _chosen(call)
    row, now = chosen.row, chosen.now
    begun = started_at(row.reset_at, length_of(row.window_name)) if row is not None else None
    over = stretch(begun or now - reading.LENGTH, now)
    use = await use_of(call.database, chosen.view, chosen.account, over)
    return _part(call, "use", chosen, use=use, trains=chosen.view.trains, began=begun is not None)


@route(
    "GET",
    "/windows/{account}/estimate",
    permission=Permission.READ_STATISTICS,
    query=WindowQuery,
    errors=(400, 404, 503),
)
async def account_estimate(call: Call[WindowQuery]) -> web.Response:
    """What we counted ourselves, against a limit that was never told."""
    chosen = await _chosen(call)
    said_of = {chosen.account.account_id: chosen.words}
    found = await estimates(call.database, chosen.view, [chosen.account], said_of, reading.LENGTH, chosen.now)
    made = found[chosen.account.account_id]
    words = f"{percent(made.utilization)} of an estimated limit"
    bar = meter.drawn(meter.Share(made.utilization, "estimated"), label=words)
    return _part(call, "estimate", chosen, made=made, bar=bar, known=ESTIMATED.told(_basis(made)), basis=_basis(made))


def _basis(made: Estimate) -> str:
    if made.limit is None:
        return "Nothing was ever seen of the limit, so it is unknown, and so is the share."
    if made.limit.basis == "rejection":
        return "The limit is the highest sum of a window that ended in a refusal."
    return "The limit is our sum of the running window divided by the use that was reported of it."


def _part(call: Call[Any], name: str, chosen: Chosen, **values: Any) -> web.Response:
    """A fragment where htmx asks, a page of its own otherwise."""
    values |= {"chosen": chosen, "account": chosen.account, "now": chosen.now, "words": wording}
    if wants_fragment(call.request):
        return fragment(call.request, f"windows.{name}.part.html", **values)
    title = dict(PARTS)[name]
    return page(
        call.request, "windows.part.html", section="windows", part=f"windows.{name}.part.html", title=title, **values
    )


async def _chosen(call: Call[Any]) -> Chosen:
    now = datetime.now(UTC)
    view = await view_of(call.database, call.principal)
    account = await reading.found_account(call.database, view, call.request.match_info["account"])
    words = (await last_said(call.database, [account], now))[account.account_id]
    found = reading.chosen(words, call.query.window, now)
    return Chosen(view, account, words, found[1] if found is not None else None, now)


async def _drawn(call: Call[Any], chosen: Chosen) -> tuple[tuple[Outlook, Job] | None, list[Figure]]:
    """The outlook of the chosen window, whether a job fits into it, and its figures; none where none runs."""
    row, now = chosen.row, chosen.now
    if row is None:
        return None, []
    key = (row.window_name, Source(row.source))
    given = await known(call.database, chosen.view, chosen.account, key, row, now)
    told = await asyncio.to_thread(outlook, given, now, calibrated=True)
    asked = await asyncio.to_thread(job, call.query.job, given, told, chosen.words, now)

    def csv(table: str) -> str:
        return address(f"{chosen.path}/table.csv", {"window": row.window_name, "table": table})

    with drawn_in(call.period.zone):
        shown = [
            course.course(given, told, now, csv=csv("course")),
            course.history(given.windows, given.length, row.window_name, key[1], now, csv=csv("history")),
        ]
    return (told, asked), shown


def _meter(answer: Any) -> Any:
    """The bar of a window."""
    share = meter.Share(answer.utilization, wording.METERS[answer.source], None if answer.over else answer.elapsed)
    return meter.drawn(share, label=f"{wording.window_title(answer.window)}: {percent(answer.utilization)} used")
