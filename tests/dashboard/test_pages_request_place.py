"""A request among its neighbours: what is new since its parent, what came after it, what leads where."""

import json
import re

import pytest

from dashboard.render import messages
from dashboard.render.headline import Ending, sentence
from tests.conversation_seeds import Talk, result, use
from tests.dashboard.test_pages_requests import MOST_QUERIES, Counting, seen
from tests.recordings import text


@pytest.fixture
async def counted(database):
    """This test's database, counting."""
    return Counting(database)


@pytest.fixture
async def pages(settings, counted, serve):
    """A client of a dashboard whose queries are counted."""
    return await serve(settings, counted)


def plain(page):
    """The page's words without its tags, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


async def test_only_what_is_new_since_the_parent_is_read(pages, connection, counted):
    """The parent's transcript and its answer are left out, counted, linked, and a link away on this page."""
    talk = Talk(connection)
    first = await talk.ask(None, text("First question"), answer=[text("First answer")])
    second = await talk.ask(first, text("Second question"), answer=[text("Second answer")])
    await talk.file()
    page = await seen(pages, f"/requests/{second.id}")
    assert len(counted.names) <= MOST_QUERIES
    assert f'New since <a href="/requests/{first.id}">' in page
    assert "2 earlier messages came along as context" in plain(page)
    assert "Second question" in page
    assert "First question" not in page
    assert "First answer" not in page
    whole = await seen(pages, f"/requests/{second.id}?context=full")
    assert "First question" in whole
    assert "First answer" in whole
    assert "Show only what is new" in whole


async def test_the_full_context_is_bounded(pages, connection):
    """Of a long transcript the last window is shown; the others are links that stay in the full context."""
    talk = Talk(connection)
    turns = [{"role": "user" if n % 2 == 0 else "assistant", "content": [text(f"turn {n}")]} for n in range(101)]
    only = await talk.ask(None, messages=turns, answer=[text("x")])
    await talk.file()
    page = await seen(pages, f"/requests/{only.id}?context=full")
    assert "41 earlier messages not shown" in page
    assert f'href="/requests/{only.id}?context=full&amp;first=1#messages"' in page
    assert "turn 3<" in await seen(pages, f"/requests/{only.id}?context=full&first=1")


async def test_a_message_that_grew_shows_its_new_blocks(pages, connection):
    """Where a client appends to the last message the blocks that were there are counted, not shown."""
    talk = Talk(connection)
    first = await talk.ask(None, text("one"), answer=None, outcome="upstream_error", status_code=529)
    grown = [{"role": "user", "content": [text("one"), text("two")]}]
    second = await talk.ask(first, messages=grown, link="prefix", answer=[text("fine")])
    await talk.file()
    page = await seen(pages, f"/requests/{second.id}")
    assert "1 earlier block of this message is not new" in plain(page)
    assert ">two<" in page
    assert ">one<" not in page


def test_a_count_that_does_not_fit_falls_back_to_the_last_answer():
    """More items than the transcript has, or a body that is no request: never an empty page by mistake."""
    turns = [{"role": role, "content": role} for role in ("user", "assistant", "user")]
    body = json.dumps({"messages": turns}).encode()
    assert messages.new_messages(body, "/p/", 99).basis == "answer"
    assert [made.number for made in messages.new_messages(body, "/p/", 99).messages] == [3]
    assert messages.new_messages(body, "/p/", 1).basis == "parent"


async def test_a_failed_call_names_what_repeated_it(pages, connection):
    """529, then the attempt that went well, linked both ways; what was never repeated says so."""
    talk = Talk(connection)
    first = await talk.ask(None, text("hi"), answer=None, outcome="upstream_error", status_code=529)
    again = await talk.ask(None, text("hi"), answer=[text("ok")], attempt_of=first)
    lost = await talk.ask(again, text("more"), answer=None, outcome="client_cancelled")
    await talk.file()
    page = await seen(pages, f"/requests/{first.id}")
    assert re.search(r"It was repeated 7\.\d+ s later as ● request of [\d:]+ main \(ok\)\.", plain(page))
    assert f'later attempt <a href="/requests/{again.id}">' in page
    assert f'repeats <a href="/requests/{first.id}">' in await seen(pages, f"/requests/{again.id}")
    assert "No attempt after it is recorded." in await seen(pages, f"/requests/{lost.id}")


async def test_a_tool_call_names_the_request_that_brought_its_result(pages, connection):
    """Waiting on the tool as long as nobody came; then who came, and after how long."""
    talk = Talk(connection)
    first = await talk.ask(None, text("list"), answer=[use("t1", "Bash", command="ls")])
    assert "Waiting on the tool" in await seen(pages, f"/requests/{first.id}")
    second = await talk.ask(first, result("t1", "a b c"), answer=[text("three")])
    await talk.file()
    page = await seen(pages, f"/requests/{first.id}")
    assert "The tool's result came" in plain(page).replace("&#39;", "'")
    assert f'/requests/{second.id}"' in page


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (("ok", 200, None, "max_tokens", None, 2_000_000, None, 9, 9, 8192), "cut at 8\u202f192 tokens"),
        (("ok", 200, None, "refusal", None, 2_000_000, None, 9, 9, 5), "declined to answer"),
        (("client_cancelled", 200, None, None, None, 3_100_000, None, 0, 0), "The client left after 3.10 s."),
        (("upstream_reset", 200, None, None, None, 3_100_000, None, 12_700, 9), "after 3.10 s and 12.4 KB; the answer"),
        (("upstream_incomplete", 200, None, None, None, 1_000_000, None, 500, 9), "after 1.00 s and 500 bytes without"),
    ],
)
def test_the_ribbon_has_the_figures(ending, words):
    """At how many tokens it was cut, when the client left, where the stream broke off."""
    assert words in sentence(Ending(*ending))
