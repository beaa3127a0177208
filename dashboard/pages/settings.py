"""``/settings``: theme, density, zone, shortcuts. Each choice is a cookie of this browser, kept for a year."""

from aiohttp import web

from core.access import Permission
from dashboard.forms import form_of
from dashboard.pages.preferences import CHOICES, YEAR, chosen_in, preferences_of
from dashboard.pages.shell import page
from dashboard.period import known_zones
from dashboard.routing import Call, Query, route


@route("GET", "/settings", permission=Permission.PUBLIC, errors=(400,))
async def settings_page(call: Call[Query]) -> web.Response:
    """What can be chosen, and what is."""
    return page(
        call.request,
        "settings.html",
        section="settings",
        chosen=preferences_of(call.request.cookies),
        choices=CHOICES,
        zones=known_zones(),
    )


@route("POST", "/settings", permission=Permission.PUBLIC, errors=(400, 413))
async def choose(call: Call[Query]) -> web.Response:
    """Keep the choices and go back to where they were made."""
    form = await form_of(call.request)
    answer = web.Response(status=303, headers={"Location": own_path(form.get("next", "/"))})
    for name, value in chosen_in(form).items():
        answer.set_cookie(name, value, max_age=YEAR, path="/", samesite="Lax", httponly=True)
    return answer


def own_path(given: str) -> str:
    """The path if it leads nowhere but here, else the start."""
    plain = given.isascii() and given.isprintable() and "\\" not in given
    return given if plain and given.startswith("/") and not given.startswith("//") else "/"
