"""Pages as data: the whole list under the page's filters, safe to open in a spreadsheet, never silently cut."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from aiohttp import ClientConnectionError, ClientPayloadError

from dashboard.exports import sending
from dashboard.exports.cells import BOM, cell
from sql.database import Database
from sql.errors import DatabaseAwayError
from tests import recordings
from tests.conversation_scenes import seed_scenes
from tests.recordings import Recorded, message, request_body, text

LISTS = ["/requests", "/conversations", "/sessions"]
KEYS = {"/requests": "id", "/conversations": "conversation_id", "/sessions": "session_id"}


@pytest.fixture
async def scenes(connection, seeded):
    """Recorded calls of each kind, conversations and sessions."""
    return await seed_scenes(connection)


async def rows_of(client, path):
    """The rows of a list, whichever way it is asked for."""
    answer = await client.get(path)
    assert answer.status == 200, path
    raw = await answer.read()
    if answer.content_type == "application/json":
        return json.loads(raw)[path.partition(".")[0].strip("/")]
    if answer.content_type == "text/csv":
        return list(csv.DictReader(io.StringIO(raw.decode())))
    return [json.loads(line) for line in raw.splitlines()]


@pytest.mark.parametrize("path", LISTS)
async def test_every_form_has_the_same_rows(client, scenes, path):
    """JSON, JSON lines and CSV give the same rows, order and fields, and the page links to them."""
    whole = await rows_of(client, f"{path}.json?per_page=200")
    lines = await rows_of(client, f"{path}.jsonl")
    cells = await rows_of(client, f"{path}.csv")
    assert len(whole) > 0
    assert lines == whole
    assert [row[KEYS[path]] for row in cells] == [str(row[KEYS[path]]) for row in whole]
    assert list(cells[0]) == list(whole[0])
    page = await (await client.get(path, headers={"Accept": "text/html"})).text()
    for suffix in ("json", "jsonl", "csv"):
        assert f'href="{path}.{suffix}"' in page


async def test_files_keep_filters_and_period(client, scenes, seeded):
    """What the page lists under its address the file holds, and its name says which."""
    page = await (
        await client.get("/requests?outcome=failed&range=7d&tz=Europe/Zurich", headers={"Accept": "text/html"})
    ).text()
    link = unescape(re.search(r'href="(/requests\.csv[^"]+)"', page)[1])
    answer = await client.get(link)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="requests-outcome_failed-range_7d.csv"'
    assert answer.headers["X-Row-Limit"] == "100000"
    ids = {row["id"] for row in await rows_of(client, link)}
    assert ids
    assert ids == {row["id"] for row in await rows_of(client, "/requests.jsonl?outcome=failed")}
    assert ids < {row["id"] for row in await rows_of(client, "/requests.jsonl")}
    assert await rows_of(client, "/requests.jsonl?range=2026-01-01..2026-01-02") == []
    for path in LISTS:
        assert (await client.get(f"{path}.csv?range=yesterday")).status == 400
        assert (await client.get(f"{path}.xml")).status == 404


async def test_details_are_data_too(client, scenes, seeded):
    """``PAGE.json`` of one request or conversation, and of what was looked for, is the API's answer."""
    talk = next(iter(scenes.values()))
    for page, api in (
        (f"/requests/{seeded['plain']}.json?range=24h", f"/api/requests/{seeded['plain']}"),
        (f"/conversations/{talk}.json", f"/api/conversations/{talk}"),
        ("/find.json?q=atlas", "/api/find?q=atlas"),
    ):
        assert await (await client.get(page)).json() == await (await client.get(api)).json()
    assert (await client.get("/requests/nothing.json")).status == 404


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1"])
def test_no_cell_is_a_formula(value):
    """A text that begins like a formula is marked as text; numbers, also negative ones, stay numbers."""
    assert cell(value) == f"'{value}"
    assert (cell(-1), cell(None), cell(True), cell(["=1"]), cell("a=1")) == ("-1", "", "true", '["=1"]', "a=1")


async def test_a_hostile_name_is_harmless_in_a_spreadsheet(client, connection):
    """What a client wrote stands behind a quote and stays in its cell, whatever quotes and line ends it holds."""
    evil = '=HYPERLINK("https://evil.example","x")\r\n"y",z'
    call = Recorded(request=request_body("x"), message=message(text("y")), model=evil, answered_model=evil)
    await recordings.insert(connection, call)
    answer = await client.get("/requests.csv?bom=1")
    raw = await answer.read()
    assert raw.startswith(BOM)
    (row,) = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
    assert row["model"].startswith("'=HYPERLINK")
    assert None not in row


async def test_long_lists_come_in_batches_and_say_where_they_end(client, connection, monkeypatch):
    """Rows beyond a batch follow without gap or repeat; a list that is cut says so in its last line."""
    moment = datetime.now(UTC)
    for number in range(7):
        call = Recorded(request=request_body("x"), message=message(text("y")))
        await recordings.insert(connection, call, at=moment - timedelta(minutes=number), number=number)
    monkeypatch.setattr(sending, "BATCH", 2)
    every = [row["id"] for row in await rows_of(client, "/requests.jsonl")]
    assert len(set(every)) == 7
    assert every == sorted(every, reverse=True)
    monkeypatch.setattr(sending, "MOST_ROWS", 5)
    *rows, cut = await rows_of(client, "/requests.jsonl")
    assert [row["id"] for row in rows] == every[:5]
    assert cut == {"cut_after_rows": 5, "before": every[4]}
    assert [row["id"] for row in await rows_of(client, f"/requests.jsonl?before={cut['before']}")] == every[5:]
    last = (await (await client.get("/requests.csv")).text()).splitlines()[-1]
    assert last == f"# cut after 5 rows; goes on with before={every[4]}"


async def test_half_a_list_never_looks_whole(client, seeded, monkeypatch):
    """Where the database goes away in between, the answer breaks off instead of ending."""
    monkeypatch.setattr(sending, "BATCH", 2)
    real = sending.rendered
    calls = []

    async def failing(*args):
        calls.append(1)
        if len(calls) > 1:
            raise DatabaseAwayError("gone")
        return await real(*args)

    monkeypatch.setattr(sending, "rendered", failing)
    answer = await client.get("/requests.csv")
    with pytest.raises((ClientPayloadError, ClientConnectionError)):
        await answer.read()


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
async def test_a_list_that_cannot_be_read_is_an_error_in_words(client, monkeypatch, path, suffix):
    """Nothing is promised before the first rows are there: a database that is away is a 503, never a broken 200."""

    async def away(*_args, **_more):
        raise DatabaseAwayError("gone")

    monkeypatch.setattr(Database, "fetch", away)
    answer = await client.get(f"{path}.{suffix}")
    assert answer.status == 503
    assert (await answer.json())["error"]["type"] == "unavailable_error"
