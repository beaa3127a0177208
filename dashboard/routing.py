"""How a route is declared: method, path, permission, query model, answer model.

``@route`` turns a handler into a ``Route``; ``app`` collects them from the modules of ``api`` and ``pages`` and refuses
to start when one lacks a permission. Answers come from models, so ``openapi`` can describe them.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from core.access import Permission, Principal
from core.settings import Settings
from dashboard.period import Period, period_of
from dashboard.problems import Problem

if TYPE_CHECKING:
    from sql.database import Database

SETTINGS = web.AppKey("settings", Settings)
DATABASE: "web.AppKey[Database]" = web.AppKey("database")
PRINCIPAL = web.RequestKey("principal", Principal)
PERIOD = web.RequestKey("period", Period)

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Kind = Literal["json", "page", "asset", "download", "text", "events"]
"""What a route answers with; decides how its errors look and whether its answers may be kept by a browser."""


class Query(BaseModel):
    """The query string of a route. Names are camelCase outside (``trainId``); what is not named here is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, alias_generator=to_camel)


Q = TypeVar("Q", bound=Query)
B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Call(Generic[Q]):
    """One call of a route: the checked query and everything a handler may use."""

    request: web.Request
    query: Q

    @property
    def principal(self) -> Principal:
        """Who calls."""
        return self.request[PRINCIPAL]

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return self.request.app[SETTINGS]

    @property
    def period(self) -> Period:
        """The period and the zone of a page's address; only pages and routes that declare a period have it."""
        return self.request[PERIOD]

    @property
    def database(self) -> "Database":
        """The database, connected or not."""
        return self.request.app[DATABASE]


Handler = Callable[[Call[Any]], Awaitable[BaseModel | web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """A declared route. ``errors`` are the statuses it may answer with besides 200 and those every route may give."""

    method: Method
    path: str
    permission: Permission | None
    kind: Kind
    handler: Handler
    query: type[Query]
    returns: type[BaseModel] | None
    errors: tuple[int, ...]
    failure: type[BaseModel] | None = None
    """What ``errors`` answer with where that is not the one shape of errors."""
    period: str | None = None
    """What it shows where the address names no range; None: it is about no period, and its page offers none."""
    body: type[BaseModel] | None = None
    """The model of the JSON it is sent; None: it takes none."""

    @property
    def has_period(self) -> bool:
        """Whether its address may carry period, zone and train: every page's may, to keep them for the next one."""
        return self.kind == "page" or self.period is not None

    @property
    def name(self) -> str:
        """The handler's name: the operation's id."""
        return cast("str", getattr(self.handler, "__name__", "?"))

    @property
    def about(self) -> str:
        """The handler's docstring: what the route is for."""
        return (self.handler.__doc__ or "").strip()


def route(  # noqa: PLR0913  each a fact of the route, given by its name
    method: Method,
    path: str,
    *,
    permission: Permission | None = None,
    kind: Kind | None = None,
    query: type[Q] = Query,  # type: ignore[assignment]  # mypy has no default for a type variable
    returns: type[BaseModel] | None = None,
    errors: tuple[int, ...] = (),
    failure: type[BaseModel] | None = None,
    period: str | None = None,
    body: type[BaseModel] | None = None,
) -> Callable[[Callable[[Call[Q]], Awaitable[BaseModel | web.StreamResponse]]], Route]:
    """Declare a route. Without ``kind`` a route with ``returns`` is JSON and any other is a page.

    ``period`` is what it shows where the address names none: ``all``, ``24h``, ``30d``; the page then offers others.
    """
    chosen: Kind = kind or ("json" if returns is not None else "page")

    def declare(handler: Callable[[Call[Q]], Awaitable[BaseModel | web.StreamResponse]]) -> Route:
        return Route(
            method, path, permission, chosen, cast("Handler", handler), query, returns, errors, failure, period, body
        )

    return declare


def routes_of(module: ModuleType) -> Iterable[Route]:
    """The routes a module declares, in their order."""
    return [value for value in vars(module).values() if isinstance(value, Route)]


def json_answer(given: BaseModel) -> web.Response:
    """A model as the JSON that its schema promises."""
    return web.Response(body=given.model_dump_json(by_alias=True).encode(), content_type="application/json")


async def body_of(model: type[B], request: web.Request) -> B:
    """The checked JSON of a request. Raises Problem 400 for what is no JSON, 422 with one entry for each bad field."""
    if request.content_type != "application/json":
        raise Problem(400, "send JSON as application/json")
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as exc:
        details = [
            {"field": ".".join(map(str, error["loc"])), "message": error["msg"]}
            for error in exc.errors(include_url=False, include_input=False, include_context=False)
        ]
        if any(error["type"] == "json_invalid" for error in exc.errors(include_input=False)):
            raise Problem(400, "the body is no JSON") from exc
        names = ", ".join(dict.fromkeys(detail["field"] for detail in details if detail["field"]))
        raise Problem(422, f"bad field: {names}" if names else "the body does not fit", details) from exc


def keep_period(declared: Route, request: web.Request) -> None:
    """Read the period of the address for ``Call.period``. Raises Problem 400 where it cannot be."""
    if declared.has_period:
        given = period_of(request.query, request.cookies, datetime.now(UTC), declared.period or "all")
        request[PERIOD] = given


def parse_query(model: type[Q], request: web.Request, beside: Collection[str] = ()) -> Q:
    """The checked query of a request; empty values count as not given, a repeated key is a list.

    ``beside`` are parameters that are not the model's affair, unless it has them itself. A route without parameters
    takes no notice of any (health checks come with all sorts). Raises Problem 400 with one entry for each bad
    parameter.
    """
    if not model.model_fields:
        return model()
    given: dict[str, Any] = {}
    own = {field.alias or name for name, field in model.model_fields.items()}
    for key in set(request.query) - (set(beside) - own):
        values = [value for value in request.query.getall(key) if value]
        if values:
            given[key] = values if len(values) > 1 else values[0]
    try:
        return model.model_validate(given)
    except ValidationError as exc:
        details = [
            {"parameter": ".".join(map(str, error["loc"])), "message": error["msg"]}
            for error in exc.errors(include_url=False, include_input=False, include_context=False)
        ]
        names = ", ".join(dict.fromkeys(str(detail["parameter"]) for detail in details))
        raise Problem(400, f"bad query parameter: {names}" if names else "bad query parameters", details) from exc
