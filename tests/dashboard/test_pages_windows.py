"""The pages of windows: a bar a source, stale and over said, forecasts and unknowns, limits of keys, who used it."""

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from core.settings import Settings
from sql.database import Database
from tests import observed, usage_seeds
from tests.dashboard.test_pages_cost import plain
from tests.dashboard.test_pages_requests import MOST_QUERIES, Counting, seen
from tests.usage_seeds import KEY, SUBSCRIPTION, numbered

HOSTILE = "<img src=x onerror=alert(1)>\u202e"
HOUR = timedelta(hours=1)
PATH = f"/windows/{SUBSCRIPTION}"


def now():
    """This moment."""
    return datetime.now(UTC)


DAY = "(?:[A-Z][a-z]{2} )?"
"""Stands before a time that is tomorrow's."""


@pytest.fixture
async def busy(connection):
    """Two subscriptions and a key; numbers by name."""
    return await usage_seeds.busy_windows(connection, now())


@pytest.fixture
async def tight(connection):
    """The number of a subscription that nothing was said of yet."""
    return (await numbered(connection, "atlas", SUBSCRIPTION, "oauth", "team"))[1]


async def test_nothing_recorded(client):
    """On an empty installation the page says how to begin."""
    assert "Nothing is recorded yet" in await seen(client, "/windows")


async def test_a_bar_has_one_source(client, busy):
    """The same window reported and polled is two bars with their own figures; each names its source in words."""
    page = await seen(client, "/windows")
    bars = re.findall(r'<li class="window.*?</li>', page, re.DOTALL)
    five = [plain(bar) for bar in bars if "5 hours" in bar]
    assert any("reported" in bar and "85 %" in bar and "near its limit" in bar for bar in five)
    assert any("polled" in bar and "84 %" in bar for bar in five)
    assert not any("reported" in bar and "polled" in bar for bar in five)
    assert page.count("m-reported") == 4
    assert page.count("m-polled") == 1
    assert "m-estimated" not in page


async def test_pace_reset_and_forecast(client, connection, tight):
    """How far the time has gone, how it is used against that, its end, and when the last hour's rate empties it."""
    moment = now()
    samples = [(moment - timedelta(minutes=10 * step), 0.8 - 0.05 * step) for step in range(6, -1, -1)]
    await observed.say(connection, tight, "5h", samples, reset=moment + 2.5 * HOUR)
    words = plain(await seen(client, "/windows"))
    assert "80 %" in words
    assert "pace 1.6× ( 50 % of the time gone)" in words.replace("(50", "( 50")
    assert "(in 2 h 30 m)" in words
    dry = moment + timedelta(minutes=40)
    either = "|".join(f"{at:%H:%M}" for at in (dry, dry + timedelta(minutes=1)))
    assert re.search(rf"dry about {DAY}(?:{either})", words)
    found = list(csv.DictReader(io.StringIO((await (await client.get("/windows.csv")).text()).lstrip("\ufeff"))))
    assert [(row["window"], row["source"], row["utilization"]) for row in found] == [("5h", "reported", "0.8")]


async def test_stale_over_and_unknown_are_said(client, connection, tight):
    """What was said long ago is marked and not forecast; a window that is over does not run; no figure is no 0."""
    moment = now()
    old = [(moment - timedelta(minutes=20 + step), 0.5 - step / 100) for step in range(5, -1, -1)]
    await observed.say(connection, tight, "5h", old, reset=moment + HOUR)
    await observed.say(connection, tight, "7d", [(moment - 2 * HOUR, 0.4)], reset=moment - HOUR)
    await observed.say(connection, tight, "7d_opus", [(moment, None)], reset=moment + HOUR)
    words = plain(await seen(client, "/windows"))
    assert "stale" in words
    assert "no forecast: nothing was said lately" in words
    assert "ended " in words
    opus = plain(re.findall(r'<li class="window.*?</li>', await seen(client, "/windows"), re.DOTALL)[-1])
    assert "7 days, opus" in opus
    assert "–" in opus
    assert "0 %" not in opus


async def test_an_account_in_full(client, busy):
    """Course, forecast with its range, what one per cent costs, moved ends, the windows before, each as CSV."""
    page = await seen(client, PATH + "?tz=Europe/Zurich")
    words = plain(page)
    assert "5 hours: used against time" in words
    assert re.search(rf"dry about {DAY}\d\d:\d\d \(80 %: {DAY}\d\d:\d\d to {DAY}\d\d:\d\d\)", words)
    assert "10 windows in 28 days, 2 used up" in words
    assert "end moved" in words
    assert "≈ $" in words
    assert "times in Europe/Zurich" in words
    for link in re.findall(r'href="([^"]+table\.csv[^"]*)"', page):
        rows = list(
            csv.DictReader(io.StringIO((await (await client.get(html.unescape(link))).text()).lstrip("\ufeff")))
        )
        assert len(rows) >= 10
    assert "7 days: used against time" in plain(await seen(client, PATH + "?window=7d"))
    assert "no course to draw" in plain(await seen(client, PATH + "?window=9d"))


async def test_who_used_it(client, busy):
    """Trains, models and kinds by their share of the cost, as a page of its own and as a part for htmx."""
    words = plain(await seen(client, PATH + "/use"))
    assert "atlas 67 %" in words
    assert "borealis 33 %" in words
    assert "API-equivalent, not billed" in words
    part = await (await client.get(PATH + "/use", headers={"HX-Request": "true"})).text()
    assert "<html" not in part
    assert "atlas" in part


async def test_parts_as_pages_have_no_source_at_their_foot(client, busy):
    """Where a figure comes from stands beside it, in words."""
    for name in ("use", "estimate"):
        assert "Provenance(" not in await seen(client, f"{PATH}/{name}")


async def test_our_estimate_is_called_one(client, connection, busy):
    """Our own sum against a limit that was never told: dashed, said to be estimated, unknown where nothing was seen."""
    page = await seen(client, PATH + "/estimate")
    assert "m-estimated" in page
    assert "estimated" in plain(page)
    _, other = await numbered(connection, "atlas", "account-new", "oauth")
    await usage_seeds.five_minutes(connection, now() - HOUR, other)
    words = plain(await seen(client, "/windows/account-new/estimate"))
    assert "an unknown limit" in words
    assert "Nothing was ever seen of the limit" in words


async def test_a_key_has_limits_and_no_windows(client, busy):
    """An API key's page shows its limits a minute and says that it is billed by use."""
    words = plain(await seen(client, f"/windows/{KEY}"))
    assert "An API key has no windows" in words
    assert "output tokens claude-sonnet-5-5 400 000 400 000" in words
    assert "used against time" not in words


async def test_all_accounts_as_one_pool(client, busy):
    """Running five-hour windows together: when the last is dry, when the next one is fresh."""
    words = plain(await seen(client, "/windows"))
    assert "Pool: 2 accounts with a running 5-hour window" in words
    assert "not all of them run dry" in words
    assert "next relief" in words


async def test_the_badge_is_the_fullest_reported(client, connection, tight):
    """Nothing where nothing is known; its shape changes at 80 and 95 %; what is polled does not count."""

    async def badge():
        return plain(await (await client.get("/nav/windows")).text()).strip()

    assert await badge() == ""
    for used, shown in ((0.5, "50 %"), (0.83, "▲ 83 %"), (0.97, "■ 97 %")):
        await observed.say(connection, tight, "5h", [(now(), used)], reset=now() + HOUR)
        await observed.say(connection, tight, "5h", [(now(), 0.99)], reset=now() + HOUR, source="polled")
        assert (await badge()).endswith(shown)


async def test_the_badge_is_silent(settings, database, connection, busy, serve):
    """It stands on pages that anybody may see: who has not signed in gets nothing, nor is anything said while away."""
    locked = await serve(Settings(data_dir=settings.data_dir, dashboard_api_key="k" * 32), database)
    assert (await (await locked.get("/nav/windows", allow_redirects=False)).text()).strip() == ""
    away = await serve(settings, Database.create("postgresql://127.0.0.1:1/none", application="away"))
    assert (await (await away.get("/nav/windows")).text()).strip() == ""


async def test_few_queries_and_hostile_names(settings, database, connection, busy, serve):
    """At most eight queries; names of accounts and windows are words; what is not there is not found."""
    counting = Counting(database)
    pages = await serve(settings, counting)
    await connection.execute("UPDATE accounts SET display_name = $1", HOSTILE)
    await observed.say(connection, busy["calm"], "7d_<b>x", [(now(), 0.1)], reset=now() + HOUR)
    for path in ("/windows", PATH, PATH + "/use", PATH + "/estimate", f"/windows/{KEY}", "/nav/windows"):
        counting.names.clear()
        page = await seen(pages, path)
        assert len(counting.names) <= MOST_QUERIES, (path, counting.names)
        assert "<img src=x" not in page
        assert "<b>x" not in page
        assert "\u202e" not in page
    await seen(pages, "/windows/nobody", 404)
    await seen(pages, PATH + "?window=%3Cb%3E", 400)


async def test_the_overview_warns(client, connection, tight):
    """A reported window that is soon dry or used up is named there with its course as evidence; a calm one is not."""
    moment = now()
    await usage_seeds.used(connection, moment - HOUR)
    samples = [(moment - timedelta(minutes=10 * step), 0.8 - 0.05 * step) for step in range(6, -1, -1)]
    await observed.say(connection, tight, "5h", samples, reset=moment + 2.5 * HOUR)
    page = await seen(client, "/overview")
    assert "5 hours runs dry about" in plain(page)
    assert await seen(client, html.unescape(re.search(r'href="(/windows/[^"]+)">its course', page)[1]))
    await observed.say(connection, tight, "7d", [(moment, 1.02)], reset=moment + HOUR, status="rejected")
    assert "7 days is used up until" in plain(await seen(client, "/overview"))


async def test_what_has_no_price_costs_an_unknown_amount(client, connection, busy):
    """A model that nobody knows the price of used no share of the cost and not $0.00: both are unknown, and said so."""
    await usage_seeds.used(connection, now(), account=SUBSCRIPTION, kind="oauth", model=usage_seeds.NEW, requests=7)
    [line] = re.findall(rf"<li><span>{usage_seeds.NEW}.*?</li>", await seen(client, PATH + "/use"), re.DOTALL)
    assert plain(line).split() == [usage_seeds.NEW, "–", "7", "requests", "·", "unpriced"]


def answer_of(page):
    """What is said of a job."""
    return plain(re.search(r'<section class="panel" aria-labelledby="job">.*?</section>', page, re.DOTALL)[0])


async def test_whether_a_job_can_be_started(client, connection, busy):
    """By what one per cent costs: a small job fits or is tight, one that takes more than is left does not."""
    words = answer_of(await seen(client, PATH))
    assert "$5.00" in words
    assert re.search(r"(Yes|Tight|No) for a job", words)
    assert re.search(r"It takes about [\d.]+ % of the window; 15 % is left", words)
    assert "◔ estimated" in words
    dear = answer_of(await seen(client, PATH + "?job=99999"))
    assert "No for a job" in dear
    assert "is used up before its reset" not in dear
    assert (await client.get(PATH + "?job=0", headers={"Accept": "text/html"})).status == 400
    await connection.execute("UPDATE account_windows SET utilization = 1, peak = 1 WHERE window_name = '7d'")
    spent = answer_of(await seen(client, PATH + "?job=0.01"))
    assert "No for a job of $0.01" in spent
    assert "Another window is used up: 7 days (100 %)" in spent


async def test_no_answer_without_samples(client, connection, tight):
    """Below the samples that a rate and the worth of a per cent need there is no answer, and it is said why."""
    moment = now()
    samples = [(moment - timedelta(minutes=10 * step), 0.5 - 0.05 * step) for step in range(6, -1, -1)]
    await observed.say(connection, tight, "5h", samples, reset=moment + HOUR)
    words = answer_of(await seen(client, PATH))
    assert "Unknown: too few priced steps" in words
    assert not re.search(r"(Yes|Tight|No) for a job", words)
