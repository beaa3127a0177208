"""The page of one request: every tab of every kind of call, within its budget, honest about what is missing."""

import base64
import json
import re
import threading
from decimal import Decimal
from uuid import uuid4

import pytest

from tests import recordings
from tests.dashboard.test_pages_requests import HTML, MOST_QUERIES, Counting, seen
from tests.recordings import SEEDS, Recorded, message, request_body, text

TABS = ["readable", "prompt", "diff", "request", "response", "stream", "headers", "timing", "code"]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
async def counted(database):
    """This test's database, counting."""
    return Counting(database)


@pytest.fixture
async def pages(settings, counted, serve):
    """A client of a dashboard whose queries are counted."""
    return await serve(settings, counted)


async def test_every_tab_of_every_call(pages, seeded, counted):
    """Each is a page in at most eight queries that loads nothing from elsewhere and runs nothing of its own."""
    for name in SEEDS:
        for tab in TABS:
            counted.names.clear()
            page = await seen(pages, f"/requests/{seeded[name]}?tab={tab}")
            assert len(counted.names) <= MOST_QUERIES, (name, tab)
            assert "<script>" not in page
            assert not re.search(r"<[^>]+\son[a-z]+=", page)
            assert not re.search(r"<(?:img|link|script)[^>]+(?:src|href)=\"(?!/)", page)
            assert f'href="/requests/{seeded[name]}' in page


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("plain", "Answered in 2.50 s"),
        ("cancelled", "The client left after 2.50 s."),
        ("rate_limited", "The API answered 429 (rate_limit_error)"),
        ("stream_error", "The API reported an error in the running stream"),
        ("unreachable", "connect refused"),
        ("in_flight", "In flight"),
        ("no_json", "Not everything could be read"),
    ],
)
async def test_the_ribbon_says_how_it_ended(pages, seeded, name, words):
    """One sentence in plain words, whatever happened."""
    assert words in await seen(pages, f"/requests/{seeded[name]}")


async def test_the_readable_tab_shows_question_and_answer(pages, seeded):
    """What was said last and what came back, formatted; the rest is a link away."""
    page = await seen(pages, f"/requests/{seeded['plain']}")
    assert "Hello" in page
    assert "<strong>there</strong>" in page
    page = await seen(pages, f"/requests/{seeded['tools']}")
    assert "2 earlier messages" in page
    assert f'href="/requests/{seeded["tools"]}?tab=prompt"' in page


async def test_usage_is_called_reported_and_unknown_is_a_dash(pages, seeded):
    """Numbers name their source; what was not reported is not 0; an incomplete usage says so."""
    page = await seen(pages, f"/requests/{seeded['plain']}")
    assert "reported by the API" in page
    assert re.search(r"cache read <b>20\u202f000</b>", page)
    page = await seen(pages, f"/requests/{seeded['cancelled']}")
    assert "incomplete: the answer broke off" in page
    assert re.search(r"output <b>–</b>", page)
    assert "reported no usage" in await seen(pages, f"/requests/{seeded['rate_limited']}")


@pytest.mark.parametrize(
    ("cost", "estimated", "reason", "words"),
    [
        ("0.012345", False, None, 'title="0.012345 USD'),
        ("0.5", True, "the answer broke off", "estimated: the answer broke off"),
        (None, None, "no such model in the price list", "no such model in the price list"),
    ],
)
async def test_what_it_cost_or_why_that_is_unknown(pages, seeded, connection, cost, estimated, reason, words):
    """A price with how sure it is; without one the reason, never 0."""
    await connection.execute(
        "UPDATE requests SET cost_usd = $2, cost_estimated = $3, cost_reason = $4 WHERE id = $1",
        *(seeded["plain"], cost and Decimal(cost), estimated, reason),
    )
    fact = re.search(r"<dt>Cost</dt><dd>(.*?)</dd>", await seen(pages, f"/requests/{seeded['plain']}"))
    assert words in fact.group(1)


async def test_the_stream_tab_lists_chunks_with_their_events(pages, seeded):
    """Number, time, gap, bytes, events and text of each chunk; of an inflated stream too."""
    for name in ("stream", "gzip"):
        page = await seen(pages, f"/requests/{seeded[name]}?tab=stream")
        assert "content_block_delta" in page
        assert "+40 ms" in page
        assert "longest silence" in page


async def test_a_running_call_looks_for_its_end(pages, seeded, connection):
    """The page asks by itself, and is told to draw itself anew once the call has ended."""
    running = seeded["in_flight"]
    assert f'hx-get="/requests/{running}/ended"' in await seen(pages, f"/requests/{running}")
    answer = await pages.get(f"/requests/{running}/ended", headers=HTML)
    assert "HX-Refresh" not in answer.headers
    await connection.execute("UPDATE requests SET outcome = 'ok', ended_at = now() WHERE id = $1", running)
    answer = await pages.get(f"/requests/{running}/ended", headers=HTML)
    assert answer.headers["HX-Refresh"] == "true"


async def test_a_body_that_is_not_stored_says_so(pages, connection):
    """A call without bodies is a page with everything else."""
    number = await recordings.insert(connection, Recorded(request=None, message=message(text("x"))))
    await connection.execute("DELETE FROM response_bodies WHERE id = $1", number)
    for tab in TABS:
        page = await seen(pages, f"/requests/{number}?tab={tab}")
        if tab not in {"headers", "timing", "diff", "code"}:
            assert "body is stored for this call" in page


@pytest.mark.parametrize("wanted", [str(uuid4()), "not-an-id", "00000000-0000-0000-0000-000000000000"])
async def test_what_is_not_there_is_a_page_too(pages, wanted):
    """An id nobody knows is a 404 that says what may have happened."""
    page = await seen(pages, f"/requests/{wanted}", 404)
    assert "retention" in page


async def test_no_message_is_read_on_the_event_loop(pages, seeded, monkeypatch):
    """The JSON of an answer may be megabytes: every tab, the API and pictures read it in a worker thread."""
    threads = set()

    def decode(given):
        if '"role": "assistant"' in given:
            threads.add(threading.current_thread())
        return json.loads(given)

    monkeypatch.setattr("sql.rows.requests.jsonb.decode", decode)
    for tab in TABS:
        await seen(pages, f"/requests/{seeded['tools']}?tab={tab}")
    assert (await pages.get(f"/api/requests/{seeded['tools']}")).status == 200
    await pages.get(f"/requests/{seeded['tools']}/images/r.0")
    assert threads
    assert threading.main_thread() not in threads


async def test_the_timing_tab_says_what_the_proxy_took(pages, connection):
    """Queue, connect, first token, stream, overhead; what is unknown is a dash."""
    timings = {
        "connected_us": 400, "request_sent_us": 900, "head_us": 300_000, "first_byte_us": 310_000,
        "last_byte_us": 910_000, "end_us": 911_000, "tape_wait_us": 1_600, "connection_reused": True,
    }  # fmt: skip
    call = Recorded(request=request_body("x"), message=message(text("x")), columns={"timings": timings})
    page = await seen(pages, f"/requests/{await recordings.insert(connection, call)}?tab=timing")
    figures = re.findall(r"<dt>([^<]+)</dt><dd><b>([^<]+)</b>", page)
    assert dict(figures) | {"First token": ""} == {
        "Queue": "400 µs", "Connect": "–", "First token": "", "Stream": "600 ms", "Proxy overhead": "2.0 ms",
    }  # fmt: skip


async def test_a_bad_tab_is_a_400(pages, seeded):
    """A tab that does not exist is refused, by name."""
    assert "tab" in await seen(pages, f"/requests/{seeded['plain']}?tab=nonsense", 400)


async def test_secrets_are_masked_on_every_tab(pages, connection):
    """A key in prompt, answer and stream is on no tab; the page says it masked something."""
    secret = "sk-ant-api03-" + "Zz9" * 24
    call = Recorded(
        request=request_body(f"my key is {secret}", system=f"never say {secret}", stream=True),
        message=message(text(f"You said {secret}")),
        stream=True,
        chunk_size=4000,
    )
    number = await recordings.insert(connection, call)
    for tab in TABS:
        page = await seen(pages, f"/requests/{number}?tab={tab}")
        assert secret not in page
        if tab in {"readable", "prompt", "request", "response"}:
            assert "masked on this page" in page


async def test_pictures_are_served_by_their_bytes(pages, connection):
    """A real picture comes as what it is; an SVG under a picture's name is nowhere; base64 is in no page."""
    data = base64.b64encode(PNG).decode()
    source = {"type": "base64", "media_type": "image/svg+xml", "data": data}
    fake = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"<svg onload=alert(1)>").decode()}
    content = [{"type": "image", "source": source}, {"type": "image", "source": fake}]
    number = await recordings.insert(connection, Recorded(request=request_body(content), message=message(text("ok"))))
    for tab in TABS:
        page = await seen(pages, f"/requests/{number}?tab={tab}")
        assert data[:40] not in page
    answer = await pages.get(f"/requests/{number}/images/m0.0")
    assert (answer.content_type, await answer.read()) == ("image/png", PNG)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for place in ("m0.1", "m0.2", "m7.0", "zz", "r.0"):
        assert (await pages.get(f"/requests/{number}/images/{place}")).status == 404


async def test_huge_bodies_are_cut_with_a_way_to_the_rest(pages, connection):
    """A transcript of 300 messages and 40 KB strings stays a small page that says what it left out."""
    contents = ["word " * 8000 if n % 50 == 0 else f"turn {n}" for n in range(301)]
    call = Recorded(request=request_body(*contents), message=message(text("fine")))
    number = await recordings.insert(connection, call)
    page = await seen(pages, f"/requests/{number}?tab=prompt")
    assert "241 earlier messages not shown" in page
    assert "turn 299" in page
    assert "turn 100" not in page
    assert "turn 5<" in await seen(pages, f"/requests/{number}?tab=prompt&first=1")
    assert "39.1 KB" in await seen(pages, f"/requests/{number}?tab=request")
