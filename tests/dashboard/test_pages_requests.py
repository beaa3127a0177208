"""The list of requests and what stands in for it: first run, empty filter, no database."""

import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.pages.first_run import proxy_address
from sql.database import Database
from tests import recordings
from tests.recordings import Recorded, message, request_body, text

HTML = {"Accept": "text/html"}
MOST_QUERIES = 8


class Counting:
    """A database that counts the queries it is asked; transactions count like it."""

    def __init__(self, inner, names=None):
        self._inner = inner
        self.names = [] if names is None else names

    def __getattr__(self, name):
        """Any query method, counted; the rest as it is."""
        method = getattr(self._inner, name)
        if name not in {"fetch", "fetch_one", "fetch_union", "count_union", "execute"}:
            return method

        async def counted(query, *args, **kwargs):
            self.names.append(query)
            return await method(query, *args, **kwargs)

        return counted

    @asynccontextmanager
    async def transaction(self, **kwargs):
        """The transaction, counted."""
        async with self._inner.transaction(**kwargs) as inner:
            yield Counting(inner, self.names)


@pytest.fixture
async def counted(database):
    """This test's database, counting."""
    return Counting(database)


@pytest.fixture
async def pages(settings, counted, serve):
    """A client of a dashboard whose queries are counted."""
    return await serve(settings, counted)


async def seen(client, path, status=200):
    """The text of a page."""
    answer = await client.get(path, headers=HTML)
    assert answer.status == status
    assert answer.content_type == "text/html"
    return await answer.text()


def times(page):
    """The ids of the rows, in their order."""
    return re.findall(r'<a class="row mono" href="/requests/([0-9a-f-]{36})"', page)


async def test_a_stranger_is_told_what_to_do(pages):
    """On an empty installation the list shows how to point a client here, and waits by itself."""
    page = await seen(pages, "/requests")
    for words in ("ANTHROPIC_BASE_URL=http://127.0.0.1:3000", "base_url", "baseURL", "curl http://127.0.0.1:3000"):
        assert words in page
    poll = re.search(r'hx-get="(/setup/progress[^"]+)"', page)[1].replace("&amp;", "&")
    assert "Waiting for the first request" in await seen(pages, poll)


async def test_the_wait_names_the_common_causes_after_a_while(pages):
    """After thirty seconds the page says what is usually wrong."""
    since = (datetime.now(UTC) - timedelta(seconds=40)).strftime("%Y-%m-%dT%H:%M:%SZ")
    page = await seen(pages, f"/setup/progress?waitingSince={since}")
    assert "most common causes" in page


async def test_the_wait_ends_by_itself(pages, seeded):
    """As soon as something is recorded, the waiting page moves on to it."""
    answer = await pages.get("/setup/progress?waitingSince=2026-01-01T00:00:00Z", headers=HTML)
    assert answer.headers["HX-Redirect"] == "/requests"
    assert "Waiting" not in await seen(pages, "/setup")


async def test_every_call_is_a_row(pages, seeded, counted):
    """Whatever was recorded is listed, newest first, in at most eight queries."""
    page = await seen(pages, "/requests")
    assert set(times(page)) == {str(wanted) for wanted in seeded.values()}
    assert times(page) == sorted(times(page), reverse=True)
    assert len(counted.names) <= MOST_QUERIES


async def test_a_running_call_asks_for_itself(pages, seeded):
    """A row in flight is marked as running and looks for its end; the others stand still."""
    page = await seen(pages, "/requests")
    assert re.findall(r'<tr hx-get="/requests/([^/]+)/row"', page) == [str(seeded["in_flight"])]
    row = await seen(pages, f"/requests/{seeded['in_flight']}/row")
    assert "running" in row
    assert "<html" not in row
    assert "hx-get" not in await seen(pages, f"/requests/{seeded['plain']}/row")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("outcome=client_cancelled", {"cancelled"}),
        ("outcome=in_flight", {"in_flight"}),
        ("status=5xx", {"overloaded", "unreachable"}),
        ("status=429", {"rate_limited"}),
        ("trainId=atlas", {"other_train"}),
        ("model=claude-haiku-4-5", {"other_train"}),
        ("requestType=query_evaluation", {"other_train"}),
        ("outcome=&model=&status=429&sessionId=", {"rate_limited"}),
    ],
)
async def test_filters_are_the_address(pages, seeded, query, names):
    """What the form sends is what is shown; fields left empty filter nothing; each filter can be removed."""
    page = await seen(pages, f"/requests?{query}")
    assert set(times(page)) == {str(seeded[name]) for name in names}
    assert "Clear all" in page


async def test_an_empty_filter_is_not_an_empty_installation(pages, seeded):
    """Nothing matching says so and offers the way out; it does not explain the set-up."""
    page = await seen(pages, "/requests?sessionId=nobody")
    assert "Nothing matches these filters" in page
    assert "ANTHROPIC_BASE_URL" not in page


async def test_a_bad_filter_names_itself(pages):
    """An address that cannot be is a 400 page that says which part."""
    page = await seen(pages, "/requests?status=banana&trainid=x", 400)
    assert "status" in page
    assert "trainid" in page


async def test_no_database_is_not_an_empty_installation(settings, serve):
    """Without its database the dashboard says so, and that the proxy goes on."""
    away = Database.create("postgresql://nobody@127.0.0.1:1/none", application="test")
    page = await seen(await serve(settings, away), "/requests", 503)
    assert "database" in page
    assert "goes on forwarding and recording" in page
    assert "ANTHROPIC_BASE_URL" not in page


async def test_paging_walks_there_and_back(pages, connection):
    """Older and newer lead over every row once, in order, and back to the first page, filters kept."""
    moment = datetime.now(UTC)
    for number in range(7):
        call = Recorded(request=request_body("x"), message=message(text("y")))
        await recordings.insert(connection, call, at=moment - timedelta(minutes=number), number=number)
    pages_seen, path = [], "/requests?per_page=3&outcome=ok"
    while path:
        page = await seen(pages, path)
        pages_seen.append(times(page))
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = found[1].replace("&amp;", "&") if found else None
    assert [len(ids) for ids in pages_seen] == [3, 3, 1]
    walked = [row for ids in pages_seen for row in ids]
    assert walked == sorted(walked, reverse=True)
    for expected in (pages_seen[1], pages_seen[0]):
        back = re.search(r'href="([^"]+)" rel="prev"', page)[1].replace("&amp;", "&")
        assert "outcome=ok" in back
        page = await seen(pages, back)
        assert times(page) == expected
    assert 'rel="prev"' not in page


async def test_new_requests_wait_behind_a_pill(pages, seeded):
    """What came in above the first row is counted; the filters hold for it too."""
    oldest = min(seeded.values())
    page = await seen(pages, f"/requests/new?above={oldest}&outcome=client_cancelled")
    assert "1 new" in page
    assert 'href="/requests?outcome=client_cancelled"' in page
    assert "new ↑" not in await seen(pages, f"/requests/new?above={max(seeded.values())}")


async def test_the_theme_is_a_cookie(pages):
    """A choice is kept by the server's own rendering; the way back never leaves this site."""
    answer = await pages.post("/settings", data={"theme": "dark", "next": "/setup?x=1"}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/setup?x=1")
    assert 'data-theme="dark"' in await seen(pages, "/setup")
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", ""):
        answer = await pages.post("/settings", data={"theme": "auto", "next": elsewhere}, allow_redirects=False)
        assert answer.headers["Location"] == "/"
    assert (await pages.post("/settings", data={"theme": "pink"}, allow_redirects=False)).status == 400


async def test_a_browsers_own_form_is_let_through(pages):
    """With our no-referrer a browser sends ``Origin: null`` from our own pages; only it may say same-origin."""
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    answer = await pages.post("/settings", data={"theme": "dark"}, headers=headers, allow_redirects=False)
    assert answer.status == 303
    answer = await pages.post("/settings", data={"theme": "dark"}, headers={"Origin": "null"}, allow_redirects=False)
    assert answer.status == 403


async def test_files_are_kept_for_a_year_and_compressed(pages):
    """Assets are immutable under their hashed name, and only under it."""
    page = await seen(pages, "/setup")
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        answer = await pages.get(address, headers={"Accept-Encoding": "br"})
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Encoding"] == "br"
    assert (await pages.get("/static/app.css")).status == 404
    assert (await pages.get("/static/..%2fapp.py")).status == 404


@pytest.mark.parametrize(
    ("bind", "host", "address"),
    [
        ("127.0.0.1", "localhost", "http://127.0.0.1:3000"),
        ("::1", None, "http://[::1]:3000"),
        ("0.0.0.0", "10.1.2.3", "http://10.1.2.3:3000"),
        ("192.168.1.5", "proxy.lan", "http://192.168.1.5:3000"),
    ],
)
def test_the_copy_blocks_carry_the_real_address(settings, bind, host, address):
    """The proxy's own bind; where it binds everything, the name this page was reached by."""
    assert proxy_address(settings.model_copy(update={"bind": bind}), host) == address
