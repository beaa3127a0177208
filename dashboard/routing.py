"""How a route is declared: method, path, permission, query model, answer model.

``@route`` turns a handler into a ``Route``; ``app`` collects them from the modules of ``api`` and ``pages`` and refuses
to start when one lacks a permission. Answers come from models, so ``openapi`` can describe them.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from core.access import Permission, Principal
from core.settings import Settings
from dashboard.problems import Problem

if TYPE_CHECKING:
    from sql.database import Database

SETTINGS = web.AppKey("settings", Settings)
DATABASE: "web.AppKey[Database]" = web.AppKey("database")
PRINCIPAL = web.RequestKey("principal", Principal)

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Kind = Literal["json", "page", "asset", "download", "text", "events"]
"""What a route answers with; decides how its errors look and whether its answers may be kept by a browser."""


class Query(BaseModel):
    """The query string of a route. Names are camelCase outside (``trainId``); what is not named here is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, alias_generator=to_camel)


Q = TypeVar("Q", bound=Query)


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

    @property
    def name(self) -> str:
        """The handler's name: the operation's id."""
        return cast("str", getattr(self.handler, "__name__", "?"))

    @property
    def about(self) -> str:
        """The handler's docstring: what the route is for."""
        return (self.handler.__doc__ or "").strip()


def route(
    method: Method,
    path: str,
    *,
    permission: Permission | None = None,
    kind: Kind | None = None,
    query: type[Q] = Query,  # type: ignore[assignment]  # mypy has no default for a type variable
    returns: type[BaseModel] | None = None,
    errors: tuple[int, ...] = (),
    failure: type[BaseModel] | None = None,
) -> Callable[[Callable[[Call[Q]], Awaitable[BaseModel | web.StreamResponse]]], Route]:
    """Declare a route. Without ``kind`` a route with ``returns`` is JSON and any other is a page."""
    chosen: Kind = kind or ("json" if returns is not None else "page")

    def declare(handler: Callable[[Call[Q]], Awaitable[BaseModel | web.StreamResponse]]) -> Route:
        return Route(method, path, permission, chosen, cast("Handler", handler), query, returns, errors, failure)

    return declare


def routes_of(module: ModuleType) -> Iterable[Route]:
    """The routes a module declares, in their order."""
    return [value for value in vars(module).values() if isinstance(value, Route)]


def json_answer(given: BaseModel) -> web.Response:
    """A model as the JSON that its schema promises."""
    return web.Response(body=given.model_dump_json(by_alias=True).encode(), content_type="application/json")


def parse_query(model: type[Q], request: web.Request) -> Q:
    """The checked query of a request; empty values count as not given, a repeated key is a list.

    A route without parameters takes no notice of any (health checks come with all sorts). Raises Problem 400 with one
    entry for each bad parameter.
    """
    if not model.model_fields:
        return model()
    given: dict[str, Any] = {}
    for key in request.query:
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
