"""``/find``: what the palette offers, as a page for whoever has no scripts. The id of one thing leads there at once."""

from aiohttp import web

from core.access import Permission
from dashboard.api.find import FindQuery
from dashboard.finding import find_matches
from dashboard.pages.header import kept_of
from dashboard.pages.shell import address, page
from dashboard.routing import Call, route

THINGS = frozenset({"request", "conversation", "session"})


@route("GET", "/find", permission=Permission.READ_BODIES, query=FindQuery, errors=(400, 503))
async def find_page(call: Call[FindQuery]) -> web.Response:
    """Where a word or an id may lead."""
    word = call.query.q or ""
    matches = await find_matches(call.database, call.principal, word)
    things = [match for match in matches if match.kind in THINGS]
    if len(things) == 1:
        return web.Response(status=303, headers={"Location": things[0].address})
    kept = kept_of(call.request)
    links = [(match, address(match.address, kept if match.kind == "page" else {})) for match in matches]
    return page(call.request, "find.html", section="find", word=word, links=links)
