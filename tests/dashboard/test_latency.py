"""How long requests took: exact on what was looked at, said where that is not all, narrowed by its own links."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from core.access import LOCAL_USER
from dashboard.recordings import latency as latency_of_list
from dashboard.recordings import leads
from dashboard.recordings.latency import EDGES_MS, Latency, latency_of
from dashboard.recordings.query import RequestsQuery
from tests import recordings
from tests.recordings import Recorded, message, request_body, text

DURATIONS_MS = [50, 120, 900, 1_000, 1_400, 2_600, 8_000, 8_000, 61_000, 900_000]


@pytest.fixture
async def timed(connection):
    """One request a duration, the newest first; every second one of another client."""
    moment = datetime.now(UTC)
    ids = []
    for number, ms in enumerate(DURATIONS_MS):
        call = Recorded(request=request_body("x"), message=message(text("y")), client="odd" if number % 2 else "even")
        ids.append(await recordings.insert(connection, call, at=moment - timedelta(minutes=number), number=number))
        await connection.execute("UPDATE requests SET duration_us = $2 WHERE id = $1", ids[-1], ms * 1000)
    return ids


async def seen(client, path):
    """The text of a page."""
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert answer.status == 200
    return await answer.text()


def rows(page):
    """The ids of the rows, in their order."""
    return re.findall(r'<a class="row mono" href="/requests/([0-9a-f-]{36})"', page)


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (95, 10), (99, 10), (10, 1), (11, 2), (100, 10)])
def test_percentiles_are_values_that_occurred(percent, value):
    """Nearest rank: so many per cent are not longer, and it is one of them."""
    assert Latency(list(range(1, 11)), sampled=False).percentile(percent) == value
    assert Latency([7], sampled=False).percentile(percent) == 7
    assert Latency([], sampled=False).percentile(percent) is None


def test_every_duration_is_in_one_bucket():
    """Edges belong to the bucket they begin; nothing is lost at either end."""
    durations = sorted({*[edge * 1000 for edge in EDGES_MS], 0, 1, 10**12})
    counts = Latency(durations, sampled=False).counts
    assert sum(counts) == len(durations)
    assert counts[0] == 2
    assert counts[-1] == 2


async def test_the_histogram_is_of_the_list(client, timed, connection):
    """Counts and percentiles are those of the requests that the list shows under the same filters."""
    await recordings.insert(connection, recordings.SEEDS["in_flight"](), number=99)
    found = await (await client.get("/api/requests/histogram")).json()
    assert (found["requests"], found["sampled"]) == (10, False)
    assert (found["p50_ms"], found["p95_ms"], found["p99_ms"]) == (1400, 900_000, 900_000)
    assert sum(bucket["requests"] for bucket in found["buckets"]) == 10
    assert {bucket["from_ms"]: bucket["requests"] for bucket in found["buckets"]}[1000] == 2
    odd = await (await client.get("/api/requests/histogram?client=odd&maxDurationMs=8000")).json()
    assert (odd["requests"], odd["p50_ms"]) == (3, 1_000)
    nothing = await (await client.get("/api/requests/histogram?client=nobody")).json()
    assert (nothing["requests"], nothing["p50_ms"]) == (0, None)


@pytest.mark.parametrize(
    ("query", "fitting"),
    [
        ("minDurationMs=1000&maxDurationMs=2600", lambda ms, _: 1000 <= ms < 2600),
        ("client=odd&minDurationMs=100", lambda ms, number: number % 2 and ms >= 100),
        ("stopReason=end_turn", lambda *_: True),
        ("stopReason=refusal", lambda *_: False),
        ("errorType=overloaded_error", lambda *_: False),
        ("status=200", lambda *_: True),
    ],
)
async def test_filters_without_an_index(client, timed, query, fitting):
    """What the form sends is what is listed, by the page and by the API alike."""
    wanted = [str(id_) for number, id_ in enumerate(timed) if fitting(DURATIONS_MS[number], number)]
    assert rows(await seen(client, f"/requests?{query}")) == wanted
    found = await (await client.get(f"/api/requests?{query}")).json()
    assert [row["id"] for row in found["requests"]] == wanted
    assert found["pagination"]["total"] == len(wanted)


async def test_errors_are_found_by_their_type(client, seeded):
    """An error's type is a filter of its own."""
    assert rows(await seen(client, "/requests?errorType=rate_limit_error")) == [str(seeded["rate_limited"])]


async def test_the_figure_narrows_its_own_list(client, timed):
    """The page says the percentiles in words, and each row of the table leads to just the requests it counts."""
    page = await seen(client, "/requests?client=even&tz=Europe/Zurich")
    assert "Of 5 requests, half took 1.40 s or less and one in twenty more than 1 m 01 s." in page
    lines = re.findall(r'<th scope="row"><a href="([^"]+)">[^<]+</a></th><td class="number">(\d+)</td>', page)
    assert sum(int(count) for _, count in lines) == 5
    for link, count in lines:
        assert "client=even" in link
        assert len(rows(await seen(client, unescape(link)))) == int(count)
    slower = unescape(re.search(r'href="([^"]+)">slower than p95<', page)[1])
    assert rows(await seen(client, slower)) == [str(timed[8])]


async def test_a_search_says_where_it_ended(client, timed, monkeypatch):
    """Where not everything was looked at, page and API say so, and the next page goes on: nothing is passed over."""
    monkeypatch.setattr(leads, "SEARCHED", 3)
    walked, path, pages = [], "/api/requests?client=odd", 0
    while path:
        found = await (await client.get(path)).json()
        walked += [row["id"] for row in found["requests"]]
        place = found["pagination"]
        assert (place["searched_back_to"] is not None) == (place["next_cursor"] is not None)
        path = place["next_cursor"] and f"/api/requests?client=odd&before={place['next_cursor']}"
        pages += 1
    assert walked == [str(id_) for id_ in timed[1::2]]
    assert pages == 3
    page = await seen(client, "/requests?client=nobody")
    assert "looked at the newest requests back to" in page
    assert "Nothing matches" not in page
    lines = (await (await client.get("/requests.jsonl?client=odd")).text()).splitlines()
    assert len(lines) == 5


async def test_a_sample_says_that_it_is_one(client, timed, database, monkeypatch):
    """Of more requests than are sampled the newest count, and the finding says so."""
    monkeypatch.setattr(latency_of_list, "SAMPLED", 4)
    found = await latency_of(database, LOCAL_USER, RequestsQuery())
    assert (list(found.durations), found.sampled) == ([50_000, 120_000, 900_000, 1_000_000], True)
    assert "Of the newest 4 requests that fit" in await seen(client, "/requests")
