"""The period and zone of an address: what each form means, what is refused, and that pages keep and obey them."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard.period import BROWSER_COOKIE, CHOSEN_COOKIE, period_of
from dashboard.problems import Problem
from tests import recordings
from tests.recordings import Recorded, message, request_body, text

HTML = {"Accept": "text/html"}
NOW = datetime(2026, 11, 20, 14, 2, 11, tzinfo=UTC)
ZURICH = {"tz": "Europe/Zurich"}


def moment(text):
    """An instant from its ISO form; nothing from nothing."""
    return datetime.fromisoformat(text) if text else None


@pytest.mark.parametrize(
    ("given", "since", "until", "label"),
    [
        ({}, "", "", "all time"),
        ({"range": "all"}, "", "", "all time"),
        ({"range": "24h"}, "2026-11-19T14:02:11Z", "", "last 24 h"),
        ({"range": "7d"}, "2026-11-13T14:02:11Z", "", "last 7 days"),
        ({"range": "2026-11-01..2026-11-20"}, "2026-11-01T00:00Z", "2026-11-21T00:00Z", "1 Nov 2026 to 20 Nov 2026"),
        (ZURICH | {"range": "2026-11-01..2026-11-01"}, "2026-10-31T23:00Z", "2026-11-01T23:00Z", "1 Nov 2026"),
        # The day the clocks go back has 25 hours.
        (ZURICH | {"range": "2026-10-25..2026-10-25"}, "2026-10-24T22:00Z", "2026-10-25T23:00Z", "25 Oct 2026"),
        ({"range": "2026-11-01.."}, "2026-11-01T00:00Z", "", "since 1 Nov 2026"),
        ({"range": "..2026-11-01"}, "", "2026-11-02T00:00Z", "until 1 Nov 2026"),
        (
            {"range": "2026-11-20T10:00:00Z..2026-11-20T12:30:00+01:00"},
            "2026-11-20T10:00Z",
            "2026-11-20T11:30Z",
            "20 Nov 2026 10:00 to 20 Nov 2026 11:30",
        ),
        ({"from": "2026-11-01", "to": "2026-11-02"}, "2026-11-01T00:00Z", "2026-11-03T00:00Z", None),
        ({"from": "2026-11-01", "to": "", "range": "7d"}, "2026-11-01T00:00Z", "", "since 1 Nov 2026"),
    ],
)
def test_each_form_means_what_it_says(given, since, until, label):
    """Relative, absolute, open on one side, by the form's two fields; days are the zone's own."""
    period = period_of(given, {}, NOW)
    assert (period.since, period.until) == (moment(since), moment(until))
    assert label in (None, period.label)
    assert period.live == (until == "")
    assert period.end == (moment(until) or NOW)


def test_days_are_the_zones():
    """First and last day are the reader's; a relative period reaches to his today."""
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    period = period_of(ZURICH | {"range": "24h"}, {}, late)
    assert (str(period.first_day), str(period.last_day)) == ("2026-11-20", "2026-11-21")
    assert str(period_of({"range": "2026-11-01..2026-11-20"}, {}, NOW).last_day) == "2026-11-20"


@pytest.mark.parametrize("text", ["24h", "30d", "all", "2026-11-01.."])
def test_a_frozen_period_is_the_same_later(text):
    """The absolute form holds what the relative one holds now, whenever it is read, and stays as it is."""
    period = period_of({"range": text}, {}, NOW)
    later = period_of({"range": period.frozen}, {}, NOW + timedelta(days=3))
    assert later.since == period.since
    assert NOW < later.until <= NOW + timedelta(seconds=1)
    assert later.frozen == later.text


def test_the_zone_is_the_first_that_is_known():
    """The address comes first, then the reader's choice, then the browser's word, then UTC."""
    cookies = {CHOSEN_COOKIE: "Asia/Tokyo", BROWSER_COOKIE: "America/New_York"}
    assert period_of(ZURICH, cookies, NOW).zone.key == "Europe/Zurich"
    assert period_of({}, cookies, NOW).zone.key == "Asia/Tokyo"
    assert period_of({}, cookies | {CHOSEN_COOKIE: "Mars/Base"}, NOW).zone.key == "America/New_York"
    assert period_of({}, {BROWSER_COOKIE: "../../etc/passwd"}, NOW).zone.key == "UTC"


@pytest.mark.parametrize(
    "given",
    [
        {"range": "yesterday"}, {"range": ".."}, {"range": "0h"}, {"range": "24"}, {"range": "99999d"},
        {"range": "2026-11-20..2026-11-01"}, {"range": "2026-13-01..2026-13-02"}, {"range": "0001-01-01.."},
        {"range": "..9999-12-31"}, {"range": "2026-11-01..\x00"}, {"from": "x", "to": "y"},
        {"tz": "Mars/Base"}, {"tz": "../../etc/passwd"}, {"tz": "Europe"}, {"tz": "\x00"},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(given):
    """A problem names the parameter; nothing else is ever raised."""
    with pytest.raises(Problem) as caught:
        period_of(given, {}, NOW)
    assert caught.value.status == 400
    assert caught.value.details[0]["parameter"] in ("range", "tz")


@pytest.fixture
async def old_and_new(connection):
    """Two calls with conversation and session, one and twenty hours ago, each of a train of its own; their ids."""
    moments = {"new": datetime.now(UTC) - timedelta(hours=1), "old": datetime.now(UTC) - timedelta(hours=20)}
    found = {}
    for number, (name, at) in enumerate(moments.items()):
        call = Recorded(request=request_body(name), message=message(text("y")), session_id=name, train=f"train-{name}")
        found[name] = await recordings.insert(connection, call, at=at, number=number)
        await connection.execute(
            "INSERT INTO sessions (train, session_id, first_at, last_at) "
            "SELECT train, session_id, started_at, started_at FROM requests WHERE id = $1", found[name],
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO conversations (train, conversation_id, title, first_at, last_at, latest_request) "
            "SELECT train, id, session_id, started_at, started_at, id FROM requests WHERE id = $1", found[name],
        )  # fmt: skip
    return found


async def seen(client, path, status=200):
    """The text of a page."""
    answer = await client.get(path, headers=HTML)
    assert answer.status == status
    return await answer.text()


@pytest.mark.parametrize("path", ["/requests", "/conversations", "/sessions"])
async def test_lists_obey_the_period(client, old_and_new, path):
    """Without a range all is listed; a range leaves out what lies before it or behind it."""
    first, last = (f"{datetime.now(UTC) - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (22, 18))
    queries = {"": "old new", "?range=3h": "new", f"?range={first}..{last}": "old", "?range=1d": "old new"}
    for query, names in queries.items():
        page = await seen(client, path + query)
        shown = {name for name, id_ in old_and_new.items() if str(id_) in page or f">{name}</a></h3>" in page}
        assert shown == set(names.split()), query


@pytest.mark.parametrize("path", ["/requests", "/conversations", "/sessions"])
async def test_links_keep_the_address(client, old_and_new, path):
    """Menus change one thing and keep the rest; the navigation takes train, period and zone along."""
    page = await seen(client, f"{path}?range=24h&tz=Europe%2FZurich&accountId=nobody")
    links = [urlsplit(unescape(link)) for link in re.findall(r'href="([^"]+)"', page)]
    menu = [parse_qs(link.query) for link in links if link.path == path]
    assert {"range": ["7d"], "tz": ["Europe/Zurich"], "accountId": ["nobody"]} in menu
    assert {"range": ["24h"], "tz": ["Europe/Zurich"], "accountId": ["nobody"], "trainId": ["train-new"]} in menu
    for other in {"/requests", "/conversations", "/sessions", "/docs"} - {path}:
        assert {"range": ["24h"], "tz": ["Europe/Zurich"]} in [
            parse_qs(link.query) for link in links if link.path == other
        ]
    assert 'name="accountId" value="nobody"' in page


@pytest.mark.parametrize("path", ["/requests", "/setup", "/docs", "/requests/nothing"])
async def test_a_bad_period_is_a_page_of_400(client, path):
    """In words, on every page."""
    page = await seen(client, f"{path}?range=yesterday", 400)
    assert "a range is 24h, 7d, all" in page
    assert "there is no zone of this name" in await seen(client, f"{path}?tz=Mars", 400)


async def test_times_are_the_zones(client, connection):
    """The clock and the day are local, the instant is UTC and both are said."""
    call = Recorded(request=request_body("x"), message=message(text("y")))
    await recordings.insert(connection, call, at=datetime(2026, 11, 19, 23, 30, tzinfo=UTC))
    page = await seen(client, "/requests?tz=Europe/Zurich")
    assert "Friday, 20 November 2026 · Europe/Zurich" in page
    assert 'title="2026-11-19 23:30:00.000 UTC · 00:30:00 CET">00:30:00</time>' in page
    assert 'datetime="2026-11-19T23:30:00.000+00:00"' in page
    client.session.cookie_jar.update_cookies({BROWSER_COOKIE: "Asia/Tokyo"})
    assert ">08:30:00</time>" in await seen(client, "/requests")
