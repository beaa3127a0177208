"""``/docs``: the description of the API (``openapi``) as a page to read; no script, no other host."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from core.access import Permission
from dashboard.openapi import own_document
from dashboard.pages.shell import page
from dashboard.routing import Call, Query, route

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A parameter or a field: its name, its type in words, what it means."""

    name: str
    kind: str
    about: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One route."""

    anchor: str
    method: str
    path: str
    summary: str
    about: str
    public: bool
    parameters: list[Entry]
    answer: Entry
    errors: list[str]


@dataclass(frozen=True, slots=True)
class Shape:
    """One model of an answer."""

    name: str
    about: str
    fields: list[Entry]
    kind: str
    """What it is where it has no fields: the values of a choice."""


@route("GET", "/docs", permission=Permission.PUBLIC)
async def show_docs(call: Call[Query]) -> web.Response:
    """Every route of the JSON API with its parameters, answers and errors."""
    described = own_document()
    origin = call.settings.public_url or f"http://{call.request.host}"
    return page(
        call.request,
        "docs.html",
        section="docs",
        operations=list(_operations(described)),
        shapes=[_shape(name, schema) for name, schema in described["components"]["schemas"].items()],
        origin=origin.rstrip("/"),
        about=described["info"]["description"],
        needs_key=call.settings.dashboard_api_key is not None,
    )


def _operations(described: Schema) -> Iterable[Operation]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            content = operation["responses"]["200"]["content"]
            yield Operation(
                anchor=operation["operationId"],
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                about=operation.get("description", ""),
                public=not operation["security"],
                parameters=[_entry(each["name"], each["schema"], _about(each)) for each in operation["parameters"]],
                answer=_entry(next(iter(content)), next(iter(content.values())).get("schema", {}), ""),
                errors=[status for status in operation["responses"] if status != "200"],
            )


def _shape(name: str, schema: Schema) -> Shape:
    fields = [_entry(field, inner, _about(inner)) for field, inner in schema.get("properties", {}).items()]
    about = _about(schema).replace("``", "`")
    return Shape(name, about, fields, "" if fields else _kind(schema))


def _about(schema: Schema) -> str:
    return str(schema.get("description", ""))


def _entry(name: str, schema: Schema, about: str) -> Entry:
    return Entry(name, _kind(schema), about, _link(schema))


def _kind(schema: Schema) -> str:
    """A schema in words: ``list of RequestSummary``, ``integer, 1 to 200``, ``string or null``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return "list of " + _kind(schema["items"]) if "items" in schema else "list"
    words = str(schema.get("format", schema.get("type", "any")))
    low, high = schema.get("minimum"), schema.get("maximum")
    return words + (f", {low} to {high}" if high is not None else f", {low} or more" if low is not None else "")


def _link(schema: Schema) -> str | None:
    """The model behind a schema, where there is exactly one."""
    inner = [schema, schema.get("items", {}), *schema.get("anyOf", ())]
    names = {str(each["$ref"]).rpartition("/")[2] for each in inner if "$ref" in each}
    return names.pop() if len(names) == 1 else None
