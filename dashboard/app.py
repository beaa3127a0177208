"""Puts the dashboard together: routes from their folders, the door, the headers, one shape of error.

``make_app`` does no I/O: it starts and serves while the database is away.
"""

import importlib
import pkgutil
import uuid
from collections.abc import Iterable
from types import ModuleType

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from core.errors import FootplateError
from core.settings import Settings
from dashboard import access, api, headers, log, pages
from dashboard.conversations.held import TALKS, HeldTalks
from dashboard.open_streams import STREAMS, OpenStreams
from dashboard.period import NAMES
from dashboard.problems import ERROR_PAGE, REQUEST_ID, Problem, as_json, as_plain_page
from dashboard.routing import DATABASE, SETTINGS, Call, Route, json_answer, keep_period, parse_query, routes_of
from sql.database import Database
from sql.errors import DatabaseAwayError, SchemaMismatchError

MAX_FORM_BYTES = 64 * 1024


class UnguardedRouteError(FootplateError):
    """A route without a permission: a mistake in the code, found before anything is served."""


def make_app(settings: Settings, database: Database) -> web.Application:
    """The whole dashboard as an application; the caller starts it and closes the database."""
    app = web.Application(middlewares=[show_problems, access.check_access], client_max_size=MAX_FORM_BYTES)
    app[SETTINGS] = settings
    app[DATABASE] = database
    app[ERROR_PAGE] = as_plain_page
    app[access.GATE] = access.Gate(settings)
    app[access.ROUTES] = {}
    app[STREAMS] = OpenStreams()
    app[TALKS] = HeldTalks()
    app.on_shutdown.append(app[STREAMS].end)
    app.on_response_prepare.append(headers.secure)
    setup = getattr(pages, "setup", None)
    if setup is not None:
        setup(app)
    add_routes(app, find_routes())
    return app


def find_routes() -> list[Route]:
    """Every route of every module in ``api`` and ``pages``."""
    return [declared for module in _modules(api, pages) for declared in routes_of(module)]


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Register routes. Raises UnguardedRouteError when one does not say which permission it needs."""
    for declared in routes:
        if declared.permission is None:
            raise UnguardedRouteError(f"{declared.method} {declared.path} declares no permission")
        handler = _bound(declared)
        app[access.ROUTES][handler] = declared
        if declared.method == "GET":
            app.router.add_get(declared.path, handler)
        else:
            app.router.add_route(declared.method, declared.path, handler)


def _bound(declared: Route) -> Handler:
    beside = NAMES if declared.has_period else frozenset[str]()

    async def answer(request: web.Request) -> web.StreamResponse:
        keep_period(declared, request)
        given = await declared.handler(Call(request, parse_query(declared.query, request, beside)))
        return json_answer(given) if isinstance(given, BaseModel) else given

    return answer


@web.middleware
async def show_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error in one shape; what nobody foresaw is logged under the id that the answer shows, without its text."""
    request[REQUEST_ID] = str(uuid.uuid4())
    try:
        return headers.compress(await handler(request))
    except Problem as problem:
        return _shown(request, problem)
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        return _shown(request, _of_aiohttp(request, exc))
    except SchemaMismatchError:
        text = "the database's schema is not that of this version: run the migrations"
        return _shown(request, Problem(503, text, headers={"Retry-After": "10"}))
    except DatabaseAwayError:
        return _shown(request, Problem(503, "the database does not answer just now", headers={"Retry-After": "2"}))
    except ConnectionResetError:
        raise
    except Exception as exc:  # noqa: BLE001  the border: nothing may leave here as a stack trace
        _log(request, exc)
        return _shown(request, Problem(500, "something went wrong here; the log has it under this answer's id"))


def _of_aiohttp(request: web.Request, exc: web.HTTPException) -> Problem:
    kept: dict[str, str] = {name: exc.headers[name] for name in (hdrs.ALLOW,) if name in exc.headers}
    texts = {404: f"there is nothing at {request.path[:200]}", 405: f"{request.method} is not possible here"}
    return Problem(exc.status, texts.get(exc.status, exc.reason), headers=kept)


def _shown(request: web.Request, problem: Problem) -> web.StreamResponse:
    if problem.status == 303:
        return web.Response(status=303, headers=problem.headers)
    declared = access.declared_route(request)
    wants_page = "text/html" in request.headers.get(hdrs.ACCEPT, "") and not request.path.startswith("/api/")
    if not (declared.kind == "page" if declared is not None else wants_page):
        return as_json(request, problem)
    try:
        return request.app[ERROR_PAGE](request, problem)
    except Exception as exc:  # noqa: BLE001  an error page with an error must not hide the first one
        _log(request, exc)
        return as_plain_page(request, problem)


def _log(request: web.Request, exc: Exception) -> None:
    declared = access.declared_route(request)
    log.write_failure(exc, request_id=request.get(REQUEST_ID), route=declared.path if declared is not None else None)


def _modules(*packages: ModuleType) -> Iterable[ModuleType]:
    for package in packages:
        for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
            yield importlib.import_module(f"{package.__name__}.{found.name}")
