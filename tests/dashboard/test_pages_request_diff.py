"""The diff tab and its API: against the parent or any request the caller may see; hostile and huge bodies."""

import json
from uuid import uuid4

import pytest

from tests import recordings
from tests.conversation_seeds import Talk
from tests.dashboard.test_pages_requests import MOST_QUERIES, Counting, seen
from tests.recordings import HOSTILE, Recorded, insert, message, request_body, text

SECRET = "sk-ant-api03-" + "Zz9" * 24


@pytest.fixture
async def counted(database):
    """This test's database, counting."""
    return Counting(database)


@pytest.fixture
async def pages(settings, counted, serve):
    """A client of a dashboard whose queries are counted."""
    return await serve(settings, counted)


@pytest.fixture
async def turns(connection):
    """A conversation of two requests."""
    talk = Talk(connection)
    first = await talk.ask(None, text("First question"), answer=[text("First answer")])
    await talk.ask(first, text("Second question"), answer=[text("Second answer")])
    await talk.file()
    return talk.asked


async def test_the_parent_is_compared_by_default(pages, turns, counted):
    """What the request added stands as added, the rest is counted; within the budget of queries."""
    counted.names.clear()
    page = await seen(pages, f"/requests/{turns[1].id}?tab=diff")
    assert len(counted.names) <= MOST_QUERIES
    assert "which this one follows" in page
    assert "Second question" in page
    assert "First question" not in page
    answer = await (await pages.get(f"/api/requests/{turns[1].id}/diff")).json()
    assert answer["against"] == str(turns[0].id)
    assert [(change["kind"], change["title"]) for change in answer["sections"][3]["changes"]] == [
        ("added", "assistant"), ("added", "user"),
    ]  # fmt: skip
    assert answer["complete"]
    assert not answer["identical"]


async def test_any_request_can_be_named(pages, turns, connection, counted):
    """Of another conversation or train, as far as the caller may see it."""
    other = await insert(
        connection, Recorded(train="atlas", request=request_body("Elsewhere"), message=message(text("x")))
    )
    counted.names.clear()
    page = await seen(pages, f"/requests/{turns[1].id}?tab=diff&against={other}")
    assert len(counted.names) <= MOST_QUERIES
    assert "Elsewhere" in page
    answer = await pages.get(f"/api/requests/{turns[1].id}/diff?against={other}")
    assert (await answer.json())["against"] == str(other)


async def test_without_anything_before_it_asks(pages, turns, seeded):
    """The first request of a conversation, or one of none: a field for the id; the API says 404."""
    for number in (turns[0].id, seeded["count_tokens"]):
        assert "nothing before this request" in await seen(pages, f"/requests/{number}?tab=diff")
        assert (await pages.get(f"/api/requests/{number}/diff")).status == 404


@pytest.mark.parametrize("against", [str(uuid4()), "00000000-0000-0000-0000-000000000000"])
async def test_a_request_nobody_knows_is_a_404(pages, turns, against):
    """What is not there and what is not the caller's are the same."""
    await seen(pages, f"/requests/{turns[1].id}?tab=diff&against={against}", 404)
    assert (await pages.get(f"/api/requests/{turns[1].id}/diff?against={against}")).status == 404
    await seen(pages, f"/requests/{turns[1].id}?tab=diff&against=nonsense", 400)


async def test_every_kind_of_call_can_be_asked_for(pages, seeded, turns):
    """In flight, no JSON, no body: a page that says so, and a status that does."""
    for name, number in seeded.items():
        for first, other in ((number, turns[0].id), (turns[0].id, number)):
            await seen(pages, f"/requests/{first}?tab=diff&against={other}")
            status = (await pages.get(f"/api/requests/{first}/diff?against={other}")).status
            assert status == {"in_flight": 409, "no_json": 422}.get(name, 200), name


async def test_hostile_bodies_do_nothing(pages, connection, turns):
    """Script, Markdown, bidi, SVG, secrets: escaped, spelled out, masked."""
    evil = [text(HOSTILE), text(recordings.SVG), text(SECRET)]
    body = request_body(evil, tools=[{"name": HOSTILE}], system=HOSTILE)
    number = await insert(connection, Recorded(request=body, message=message(text("x"))))
    page = await seen(pages, f"/requests/{number}?tab=diff&against={turns[0].id}")
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "U+202E" in page
    assert SECRET not in page
    assert "1 secret is masked" in page
    api = await (await pages.get(f"/api/requests/{number}/diff?against={turns[0].id}")).text()
    assert SECRET not in api


async def test_a_huge_body_is_not_compared(pages, connection, turns):
    """Ten megabytes: said, with the way to the bytes; six are compared, in a bounded page."""
    for size, words in ((10 << 20, "too large to be compared"), (6 << 20, "not shown")):
        lines = "".join(f"line {n}\n" for n in range(size // 12))
        number = await insert(connection, Recorded(request=request_body(lines), message=message(text("x"))))
        page = await seen(pages, f"/requests/{number}?tab=diff&against={turns[0].id}")
        assert words in page
        assert len(page) < 1_000_000


async def test_lone_surrogates_are_json_all_the_same(pages, seeded, turns):
    """What UTF-8 cannot hold is U+FFFD in the API."""
    answer = await pages.get(f"/api/requests/{seeded['surrogates']}/diff?against={turns[0].id}")
    assert "lone \ufffd" in json.dumps(await answer.json(), ensure_ascii=False)
