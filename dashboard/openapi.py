"""OpenAPI 3.1 of the JSON routes, generated from the models they are declared with.

``python -m dashboard.openapi > dashboard/openapi.json`` writes the committed copy; a test proves it current.
"""

import re
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from core.access import Permission
from dashboard.problems import TYPES, ErrorAnswer
from dashboard.routing import Route

Schema = dict[str, Any]

REF = "#/components/schemas/{model}"
KEYS: Schema = {
    "dashboardKey": {"type": "apiKey", "in": "header", "name": "X-Dashboard-Key"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
ABOUT = (
    "Recorded requests and what they add up to. Without DASHBOARD_API_KEY only this machine is answered, and "
    "no key is needed. Lists take page/per_page or limit/offset; next_cursor goes on at any depth. "
    "Each page is also data: /requests, /conversations and /sessions as .json, .jsonl and .csv with the page's own "
    "filters (whole lists, at most 100,000 rows), and one request or conversation as .json."
)
MEDIA = {
    "json": "application/json",
    "download": "application/octet-stream",
    "text": "text/plain",
    "events": "text/event-stream",
}
_PLACE = re.compile(r"{(\w+)}")


def described(routes: Sequence[Route]) -> list[Route]:
    """The routes that belong to the API: what programs read, wherever it lies, and all under ``/api/``."""
    return [route for route in routes if route.kind in {"json", "text"} or route.path.startswith("/api/")]


def document(routes: Sequence[Route]) -> Schema:
    """The whole description of these routes."""
    api = described(routes)
    definitions = _definitions(api)
    paths: Schema = {}
    for route in sorted(api, key=lambda route: (route.path, route.method)):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, definitions)
    queries = {route.query.__name__ for route in api}
    kept = {name: schema for name, schema in sorted(definitions.items()) if name not in queries}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Footplate dashboard", "version": "1", "description": ABOUT},
        "paths": paths,
        "components": {"schemas": kept, "securitySchemes": KEYS},
    }


def _definitions(routes: Sequence[Route]) -> dict[str, Schema]:
    answers: set[type[BaseModel]] = {ErrorAnswer}
    answers |= {model for route in routes for model in (route.returns, route.failure) if model is not None}
    queries = {route.query for route in routes} | {route.body for route in routes if route.body is not None}
    wanted = [(model, "serialization") for model in sorted(answers, key=lambda model: model.__name__)]
    wanted += [(model, "validation") for model in sorted(queries, key=lambda model: model.__name__)]
    _, schema = models_json_schema(wanted, by_alias=True, ref_template=REF)  # type: ignore[arg-type]  # a literal pair
    definitions: dict[str, Schema] = schema["$defs"]
    return definitions


def _operation(route: Route, definitions: dict[str, Schema]) -> Schema:
    first, _, rest = route.about.partition("\n")
    operation: Schema = {
        "operationId": route.name,
        "summary": first.strip(),
        "parameters": [*_path_parameters(route), *_query_parameters(route, definitions)],
        "responses": {"200": _answer(route), **_errors(route)},
        "security": [] if route.permission is Permission.PUBLIC else [{name: []} for name in KEYS],
    }
    if route.body is not None:
        content = {"schema": {"$ref": REF.format(model=route.body.__name__)}}
        operation["requestBody"] = {"required": True, "content": {MEDIA["json"]: content}}
    more = " ".join(rest.split())
    return operation | ({"description": more} if more else {})


def _path_parameters(route: Route) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "description": f"The {name}", "schema": {"type": "string"}}
        for name in _PLACE.findall(route.path)
    ]


def _query_parameters(route: Route, definitions: dict[str, Schema]) -> list[Schema]:
    parameters = []
    query = definitions[route.query.__name__]
    for name, schema in query.get("properties", {}).items():
        shown = _without_null({key: value for key, value in schema.items() if key not in {"title", "description"}})
        required = name in query.get("required", ())
        parameter: Schema = {"name": name, "in": "query", "required": required, "schema": shown}
        if shown.get("type") == "array":
            parameter |= {"style": "form", "explode": False}
        if "description" in schema:
            parameter["description"] = schema["description"]
        parameters.append(parameter)
    return parameters


def _without_null(schema: Schema) -> Schema:
    """The schema of a value that is given or left out, but never null: a query string has no null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == len(schema.get("anyOf", ())):
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return rest | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


def _answer(route: Route) -> Schema:
    content = {"schema": {"type": "string"}} if route.kind in {"text", "events"} else {}
    if route.returns is not None:
        content = {"schema": {"$ref": REF.format(model=route.returns.__name__)}}
    return {"description": "The answer", "content": {MEDIA[route.kind]: content}}


def _errors(route: Route) -> Schema:
    public = route.permission is Permission.PUBLIC
    statuses = sorted({*route.errors, 403, 500} | (set() if public else {401}))
    return {str(status): _error(route, status) for status in statuses}


def _error(route: Route, status: int) -> Schema:
    model = route.failure if route.failure is not None and status in route.errors else ErrorAnswer
    return {
        "description": TYPES.get(status, "error").replace("_", " "),
        "content": {"application/json": {"schema": {"$ref": REF.format(model=model.__name__)}}},
    }


@cache
def own_document() -> Schema:
    """The description of every route the dashboard has."""
    from dashboard.app import find_routes  # noqa: PLC0415  app finds the module that serves this document

    return document(find_routes())


def as_text(schema: Schema) -> bytes:
    """The document as it is committed: indented, so that a change reads well in a diff."""
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    sys.stdout.buffer.write(as_text(own_document()))
