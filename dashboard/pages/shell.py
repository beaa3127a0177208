"""What every page stands in: templates, navigation, theme, the error pages."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import aiohttp_jinja2
from aiohttp import hdrs, web
from jinja2 import FileSystemLoader, StrictUndefined

from dashboard.access import GATE
from dashboard.assets import Assets, shipped
from dashboard.charts.figure import EVERY
from dashboard.overview.cards import Failed
from dashboard.pages.drawing import LONGEST_KEPT, WORDS_KEPT, draw_with
from dashboard.pages.header import header_of, kept_of, know_trains
from dashboard.pages.navigation import behind_more, grouped
from dashboard.pages.preferences import CHOICES, preferences_of
from dashboard.period import UTC_ZONE
from dashboard.problems import ERROR_PAGE, REQUEST_ID, Problem
from dashboard.render import figures, headline, pool
from dashboard.render.hidden import exact, sendable, visible
from dashboard.render.secrets import safe
from dashboard.render.zone import drawn_in
from dashboard.routing import PERIOD
from dashboard.totals.wording import percent

ASSETS = web.AppKey("assets", Assets)
TEMPLATES = Path(__file__).parent.parent / "templates"
LONGEST_WORDS = 20_000
"""Characters of a name or sentence that a template draws; a tool's name may be megabytes."""
COMPRESSED_ELSEWHERE = 64 * 1024
"""Bytes above which a page is compressed off the event loop."""


NEXT_STEPS: Mapping[int, str] = {
    400: "Check the address: a filter in it has a value that cannot be.",
    401: "Open the sign-in page and enter the dashboard's key.",
    403: "Ask whoever runs this installation; on one machine, open it as localhost.",
    404: "It may have been deleted by retention, or belong to a train you may not see.",
    503: "The proxy goes on forwarding and recording meanwhile; nothing is lost. Try again in a moment.",
}


def setup(app: web.Application) -> None:
    """Wire templates, rendering pool, assets and error pages into the application. No I/O but reading our own files."""
    app[ASSETS] = shipped()
    app[ERROR_PAGE] = error_page
    app.cleanup_ctx.append(pool.opened)
    app.middlewares.append(know_trains)
    aiohttp_jinja2.setup(
        app,
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,  # or each page asks the disk a hundred times whether its templates are still the same
        trim_blocks=True,
        lstrip_blocks=True,
        filters=FILTERS,
    )
    environment = aiohttp_jinja2.get_env(app)
    draw_with(environment)
    environment.globals.update(
        asset=app[ASSETS].url,
        navigation=grouped(),
        behind_more=behind_more(),
        status=headline.status,
        themes=CHOICES["theme"],
    )
    environment.globals.update(every_source=EVERY)
    environment.tests["failing"] = lambda value: isinstance(value, Failed)


def page(request: web.Request, template: str, *, section: str, status: int = 200, **values: Any) -> web.Response:
    """A whole page from its template.

    ``section`` is the navigation's key; ``source`` says in words where the page's figures come from.
    """
    context = _surroundings(request) | {"section": section} | values
    return _response(request, template, context, status)


def fragment(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """A part of a page, for htmx to swap in."""
    return _response(request, template, values, status)


def wants_fragment(request: web.Request) -> bool:
    """Whether htmx asks."""
    return request.headers.get("HX-Request") == "true"


def zone_of(request: web.Request) -> ZoneInfo:
    """The zone that the times of this answer are shown in."""
    period = request.get(PERIOD)
    return UTC_ZONE if period is None else period.zone


def address(path: str, values: Mapping[str, Any]) -> str:
    """A path with a query string; what is empty is left out."""
    given = [(name, str(value)) for name, value in values.items() if value not in (None, "", ())]
    return f"{path}?{urlencode(given)}" if given else path


def error_page(request: web.Request, problem: Problem) -> web.Response:
    """A problem as a page, or as a fragment where htmx asked."""
    values = {
        "code": problem.status,
        "message": problem.message,
        "details": problem.details,
        "next_step": NEXT_STEPS.get(problem.status, "Try again; if it stays, the log has it under the id below."),
        "error_id": request.get(REQUEST_ID, ""),
    }
    if wants_fragment(request):
        made = fragment(request, "problem.part.html", status=problem.status, **values)
    else:
        made = page(request, "problem.html", section="", status=problem.status, **values)
    made.headers.update(problem.headers)
    return made


def _response(request: web.Request, template: str, context: dict[str, Any], status: int) -> web.Response:
    with drawn_in(zone_of(request)):
        text = aiohttp_jinja2.render_string(template, request, context)
    # Recorded text may hold what UTF-8 cannot.
    headers = {hdrs.VARY: "Accept-Encoding, Cookie, HX-Request"}
    answer = web.Response(
        text=sendable(text),
        status=status,
        content_type="text/html",
        headers=headers,
        zlib_executor_size=COMPRESSED_ELSEWHERE,
    )
    answer.enable_compression()
    return answer


def _surroundings(request: web.Request) -> dict[str, Any]:
    kept = kept_of(request)
    return {
        "header": header_of(request),
        "kept": lambda path: address(path, kept),
        "zone": zone_of(request).key,
        "likes": preferences_of(request.cookies),
        "source": "",
        "now": datetime.now(UTC),
        "here": request.path_qs,
        "signed_in": request.app[GATE].needs_key,
    }


def _visible(value: object) -> str:
    text = str(value)
    if len(text) <= LONGEST_KEPT:
        return _visible_word(text)
    if len(text) > LONGEST_WORDS:
        text = f"{text[:LONGEST_WORDS]}… ({figures.count(len(text))} characters)"
    return visible(safe(text))


@lru_cache(WORDS_KEPT)
def _visible_word(text: str) -> str:
    return visible(safe(text))


def _exact(value: object) -> str:
    return exact(safe(str(value)))


FILTERS: Mapping[str, Callable[..., str]] = {
    "visible": _visible,
    "exact": _exact,
    "count": figures.count,
    "compact": figures.compact,
    "size": figures.size,
    "duration": figures.duration,
    "clock": figures.clock,
    "named_clock": figures.named_clock,
    "day": figures.day,
    "stamp": figures.stamp,
    "iso": figures.iso,
    "plural": figures.plural,
    "money": figures.money,
    "when": figures.when,
    "share": percent,
}
