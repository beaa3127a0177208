"""What every page stands in: navigation, search, preferences; all of it links and forms."""

import re
from itertools import pairwise

import pytest

from dashboard.pages.navigation import MOST_IN_BAR, NAVIGATION
from tests.conversation_scenes import seed_scenes
from tests.conversation_seeds import SESSION

HTML = {"Accept": "text/html"}


async def seen(client, path, status=200):
    """The text of a page."""
    answer = await client.get(path, headers=HTML)
    assert answer.status == status
    return await answer.text()


def test_the_navigation_fits_hand_and_keyboard():
    """No key leads to two places, groups stand together, and a phone's bar has room for all it is to hold."""
    assert len({place.go for place in NAVIGATION}) == len(NAVIGATION)
    groups = [place.group for place in NAVIGATION]
    assert len(set(groups)) == 1 + sum(a != b for a, b in pairwise(groups))
    assert 0 < sum(place.bar for place in NAVIGATION) <= MOST_IN_BAR


@pytest.mark.parametrize("place", NAVIGATION, ids=lambda place: place.key)
async def test_every_place_is_there(client, seeded, place):
    """What the navigation names exists, has its icon and says that it is where the reader is."""
    page = await seen(client, place.address)
    assert re.search(rf'<a href="{place.address}"[^>]* aria-current="page">', page)
    assert "As of <time" in page


async def test_choices_are_kept_and_drawn(client):
    """A choice is a cookie and the page is drawn by it; the way back never leaves this site."""
    for name, value in {"density": "dense", "navigation": "narrow", "shortcuts": "off", "theme": "dark"}.items():
        sent = {name: value, "next": "/docs?x=1"}
        answer = await client.post("/settings", data=sent, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/docs?x=1")
        assert f'data-{name}="{value}"' in await seen(client, "/docs")
    await client.post("/settings", data={"zone": "Asia/Tokyo"})
    assert "Times on this page are Asia/Tokyo" in await seen(client, "/settings")
    await client.post("/settings", data={"zone": ""})
    assert "Times on this page are UTC" in await seen(client, "/settings")


@pytest.mark.parametrize("sent", [{"theme": "pink"}, {"density": ""}, {"zone": "Mars/Base"}, {"shortcuts": "x"}])
async def test_what_is_no_choice_is_refused(client, sent):
    """A value that nobody offered is a 400 and sets nothing."""
    answer = await client.post("/settings", data=sent, allow_redirects=False)
    assert answer.status == 400
    assert "Set-Cookie" not in answer.headers


async def test_an_id_leads_to_what_has_it(client, connection, seeded):
    """A whole id is found whatever it is of; the page goes there at once."""
    talks = await seed_scenes(connection)
    talk = str(next(iter(talks.values())))
    for word, kind, place in (
        (str(seeded["plain"]), "request", f"/requests/{seeded['plain']}"),
        (f" {talk.upper()} ", "conversation", f"/conversations/{talk}"),
        (SESSION, "session", f"/conversations?has=side_calls&sessionId={SESSION}"),
    ):
        matches = (await (await client.get("/api/find", params={"q": word})).json())["matches"]
        assert (kind, place) in [(match["kind"], match["address"]) for match in matches]
        answer = await client.get("/find", params={"q": word}, headers=HTML, allow_redirects=False)
        if sum(match["kind"] in ("request", "conversation", "session") for match in matches) == 1:
            assert (answer.status, answer.headers["Location"]) == (303, place)


async def test_a_word_leads_to_pages_and_trains(client, seeded):
    """Parts of names are enough, in any case; what is no name can be looked for in titles."""
    matches = (await (await client.get("/api/find?q=ATL")).json())["matches"]
    assert [match["address"] for match in matches] == ["/requests?trainId=atlas", "/conversations?q=ATL"]
    page = await seen(client, "/find?q=sess&range=24h")
    assert '<a href="/sessions?range=24h" data-item>' in page
    every = (await (await client.get("/api/find")).json())["matches"]
    assert [match["address"] for match in every] == [place.address for place in NAVIGATION]


async def test_a_hostile_word_is_only_text(client, seeded):
    """Markup, quotes and what no id can be are looked for like anything else."""
    for word in ("<script>alert(1)</script>", "' OR 1=1 --", "%00", "a&b=c#d", "{" + "0" * 31 + "}"):
        page = await seen(client, f"/find?q={word.replace('%', '%25').replace('#', '%23').replace('&', '%26')}")
        assert "<script>alert" not in page
        assert "in the titles of conversations" in page
