"""What a stranger sees before anything was recorded, and later under "Set up": how to point a client here."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from core.access import Permission
from core.settings import Settings, is_loopback
from dashboard.access import asked_name
from dashboard.pages.header import TRAINS
from dashboard.pages.shell import address, fragment, page
from dashboard.recordings.query import Moment
from dashboard.routing import Call, Query, route
from dashboard.trains import visible_trains
from sql.rows.pages_requests import RecordedRow

PATIENCE = timedelta(seconds=30)


class ProgressQuery(Query):
    """Since when the page waits."""

    waiting_since: Moment


@route("GET", "/setup", permission=Permission.READ_REQUESTS, errors=(503,))
async def setup_page(call: Call[Query]) -> web.Response:
    """The copy-paste blocks, whenever they are wanted again."""
    recorded = await anything(call)
    return shown(call, section="setup", recorded=recorded)


@route("GET", "/setup/progress", permission=Permission.READ_REQUESTS, query=ProgressQuery, errors=(400, 503))
async def progress(call: Call[ProgressQuery]) -> web.Response:
    """Asked every two seconds while nothing is recorded; moves on by itself when the first request is there."""
    since = call.query.waiting_since
    waited = datetime.now(UTC) - since
    recorded = await anything(call)
    answer = fragment(
        call.request,
        "first_run.progress.html",
        recorded=recorded,
        waited=max(0, int(waited.total_seconds())),
        impatient=waited > PATIENCE,
        poll=_progress_address(since),
        proxy=proxy_address(call.settings, asked_name(call.request)),
    )
    if recorded:
        answer.headers["HX-Redirect"] = "/requests"
    return answer


def shown(call: Call[Any], *, section: str, recorded: bool = False) -> web.Response:
    """The page itself; ``recorded`` leaves out the waiting."""
    return page(
        call.request,
        "first_run.html",
        section=section,
        recorded=recorded,
        poll=_progress_address(datetime.now(UTC)),
        proxy=proxy_address(call.settings, asked_name(call.request)),
        waited=0,
        impatient=False,
    )


def proxy_address(settings: Settings, host: str | None) -> str:
    """Where clients reach the proxy: its own bind address, or the name this page was reached by where it binds all."""
    name = settings.bind
    if name in {"0.0.0.0", "::"}:
        name = host or "localhost"
    elif is_loopback(name):
        name = "localhost" if name == "localhost" else name
    return f"http://{f'[{name}]' if ':' in name else name}:{settings.proxy_port}"


async def visible(call: Call[Any]) -> dict[int, str]:
    """Numbers and names of the trains the reader may see."""
    return await visible_trains(call.database, call.principal)


async def anything(call: Call[Any]) -> bool:
    """Whether anything was recorded that the reader may see."""
    trains = call.request[TRAINS] if TRAINS in call.request else await visible(call)
    found = await call.database.fetch_one("anything_recorded", RecordedRow, sorted(trains))
    return found is not None and found.recorded


def _progress_address(since: datetime) -> str:
    return address("/setup/progress", {"waitingSince": since.strftime("%Y-%m-%dT%H:%M:%SZ")})
