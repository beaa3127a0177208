"""The API's description is true: every route is in it, every answer fits it, the committed copy is current."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from dashboard.app import find_routes
from dashboard.openapi import as_text, described, document, own_document
from tests.conversation_scenes import seed_scenes
from tests.conversation_seeds import SESSION

ROUTES = find_routes()
JSON_GETS = [route for route in described(ROUTES) if route.method == "GET" and route.returns is not None]
COMMITTED = Path(__file__).parents[2] / "dashboard" / "openapi.json"
ACCOUNT = "key-0123456789ab"
ASKED = {"/api/token-usage/current": {"accountId": ACCOUNT}}
"""What a route must be asked with."""
UNKNOWN = "0199aaaa-0000-7000-8000-000000000000"


def checker(path, status, method="get"):
    """Checks a value against what the description says of an answer."""
    described_answer = own_document()["paths"][path][method]["responses"][str(status)]
    schema = described_answer["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": own_document()["components"]})


def test_the_committed_description_is_current():
    """``python -m dashboard.openapi > dashboard/openapi.json`` was run after the last change."""
    assert COMMITTED.read_bytes() == as_text(document(ROUTES))


def test_every_route_is_described():
    """Each route that is no page or asset is in the description with a summary, under a name of its own."""
    paths = own_document()["paths"]
    said = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert said == {(route.method, route.path) for route in described(ROUTES)}
    assert all(route.path in paths for route in ROUTES if route.path.startswith("/api/"))
    operations = [operation for methods in paths.values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"].endswith(".") or len(operation["summary"]) > 10 for operation in operations)


def test_the_schemas_are_schemas():
    """Every schema is valid JSON Schema 2020-12, the dialect of OpenAPI 3.1, and points only at what is there."""
    whole = own_document()
    for name, schema in whole["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert name
    text = as_text(whole).decode()
    for part in text.split('"$ref": "#/components/schemas/')[1:]:
        assert part.partition('"')[0] in whole["components"]["schemas"]


def test_every_json_route_names_its_model():
    """A route under /api/ answers with a declared model, a download or a stream; only the description is its own."""
    for route in ROUTES:
        if route.path.startswith("/api/") and route.path != "/api/openapi.json":
            assert route.returns is not None or route.kind in {"download", "events"}, route.path


@pytest.mark.parametrize("route", JSON_GETS, ids=[route.path for route in JSON_GETS])
async def test_answers_fit_their_description(client, connection, seeded, route):
    """What a route really answers, for each kind of recorded call, conversation and session, fits its schema."""
    talks = await seed_scenes(connection)
    known = {"conversations": talks.values(), "sessions": [SESSION], "requests": seeded.values()}
    places = [str(each) for each in known[route.path.split("/")[2]]] if "{id}" in route.path else ["-"]
    for place in places:
        # What is in flight or no JSON cannot be compared, not even with itself.
        query, also = ({"against": place}, {409, 422}) if route.name == "diff_requests" else ({}, set())
        path = route.path.replace("{id}", place).replace("{account}", ACCOUNT)
        answer = await client.get(path, params=query or ASKED.get(route.path))
        assert answer.status in {200, *also}
        checker(route.path, answer.status).validate(await answer.json())


async def test_empty_answers_fit_their_description(client):
    """On an installation where nothing was ever recorded lists are empty and sums are zero, as described."""
    for route in JSON_GETS:
        if "{" not in route.path:
            answer = await client.get(route.path, params=ASKED.get(route.path))
            assert answer.status == 200
            checker(route.path, 200).validate(await answer.json())


async def test_errors_fit_their_description(client):
    """400 and 404 look as described."""
    for path, place, status in (
        ("/api/requests", "/api/requests?page=0", 400),
        ("/api/stats", "/api/stats?since=x", 400),
        ("/api/conversations", "/api/conversations?has=x", 400),
        ("/api/conversations/{id}", f"/api/conversations/{UNKNOWN}", 404),
        ("/api/sessions/{id}", "/api/sessions/nobody", 404),
        ("/api/requests/{id}", f"/api/requests/{UNKNOWN}", 404),
        ("/api/requests/{id}/raw/request", f"/api/requests/{UNKNOWN}/raw/request", 404),
        ("/api/token-usage/current", "/api/token-usage/current", 400),
        ("/api/windows/{account}", "/api/windows/nobody", 404),
    ):
        answer = await client.get(place)
        assert answer.status == status
        checker(path, status).validate(await answer.json())


async def test_it_is_served(client):
    """``/api/openapi.json`` is that document, ``/docs`` the same for people, without a script."""
    assert await (await client.get("/api/openapi.json")).json() == own_document()
    page = await client.get("/docs")
    text = await page.text()
    assert page.status == 200
    for route in described(ROUTES):
        assert route.path in text
