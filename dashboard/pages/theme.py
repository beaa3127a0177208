"""The reader's theme: a cookie that the server renders, so that nothing flashes and nothing needs JavaScript."""

from aiohttp import web

from core.access import Permission
from dashboard.forms import form_of
from dashboard.pages.shell import THEME_COOKIE, THEMES
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route

YEAR = 365 * 24 * 3600


@route("POST", "/theme", permission=Permission.PUBLIC, errors=(400, 413))
async def choose_theme(call: Call[Query]) -> web.Response:
    """Keep the choice and go back to where it was made."""
    form = await form_of(call.request)
    theme = form.get("theme", "")
    if theme not in THEMES:
        raise Problem(400, "a theme is auto, light or dark")
    answer = web.Response(status=303, headers={"Location": own_path(form.get("next", "/"))})
    answer.set_cookie(THEME_COOKIE, theme, max_age=YEAR, path="/", samesite="Lax", httponly=True)
    return answer


def own_path(given: str) -> str:
    """The path if it leads nowhere but here, else the start."""
    plain = given.isascii() and given.isprintable() and "\\" not in given
    return given if plain and given.startswith("/") and not given.startswith("//") else "/"
