"""What comes to the overview by itself: savings, speed, conversations a week, cost by key; unknown is unknown."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dashboard.overview.keys import quarter_of
from dashboard.overview.savings import pieces
from dashboard.usage.price_list import listed
from sql.errors import DatabaseAwayError
from tests import usage_seeds
from tests.dashboard.test_pages_cost import plain
from tests.dashboard.test_pages_overview import HOSTILE, Broken, now
from tests.dashboard.test_pages_requests import MOST_QUERIES, Counting, seen
from tests.usage_seeds import CLIENT_KEY, HAIKU, NEW, SUBSCRIPTION, Tokens, keyed, used

HTMX = {"HX-Request": "true"}
MORE = "/overview/more"


async def part(client, path):
    """The words of a part that htmx asks for."""
    answer = await client.get(path, headers=HTMX)
    assert answer.status == 200
    body = await answer.text()
    assert "<html" not in body
    return plain(body).strip()


async def table(client, name, query=""):
    """A table as rows by their first column."""
    text = (await (await client.get(f"{MORE}.csv?table={name}{query}")).text()).lstrip("\ufeff")
    return {next(iter(row.values())): row for row in csv.DictReader(io.StringIO(text))}


async def test_what_the_cache_saved(client, connection):
    """Reads and writes against the price of fresh input, on the tile and in full, with the formula in words."""
    # opus 5.5 in thousands: 1000 read at 3.8 less, 100 written at 1 more, 50 for an hour at 4 more.
    await used(connection, now(), requests=1, tokens=Tokens(2, 100, 50, 1000, 1.5))
    assert "saved $3.50 ◔ estimated" in await part(client, "/overview/figures/saved")
    words = await part(client, MORE)
    assert "Reads saved $3.80" in words
    assert "Writes cost extra $0.30" in words
    assert "Cache reads × what a read is cheaper than fresh input" in words
    assert 'hx-get="/overview/figures/saved' in await seen(client, "/overview")
    row = (await table(client, "models"))["claude-opus-5-5"]
    assert Decimal(row["saved_usd"]) == Decimal("3.5")


async def test_savings_that_are_unknown(client, connection):
    """A model without a price is named and no 0 stands for it; one whose price depends on the prompt as well."""
    await used(connection, now(), model=NEW)
    assert await part(client, "/overview/figures/saved") == "saved: unknown"
    await used(connection, now(), model=HAIKU)
    await used(connection, now(), model=HOSTILE, cost=Decimal(1))
    words = await part(client, MORE)
    assert "Saved by the cache ◔ estimated unknown" in words
    assert f"{HAIKU}, {NEW}: no price is known, or it depends on how long each prompt is" in words
    assert "$0.00" not in re.sub(r"Cost by client key.*", "", words)
    assert "<script>alert" not in await (await client.get(MORE, headers=HTMX)).text()


async def test_writes_that_cost_more(client, connection):
    """What the cache cost more than it saved is below 0, and said in words."""
    await used(connection, now(), tokens=Tokens(1, 0, 100, 1, 1))
    words = await part(client, MORE)
    assert "-$0.40" in words
    assert "writes cost more than reads saved" in words


async def test_how_fast_answers_came(client, connection):
    """Output over the time of the answers; measured where all ended well, else an estimate that says why."""
    await used(connection, now(), requests=4, seconds=5, tokens=Tokens(1, 0, 0, 0, 0.3))
    assert await part(client, "/overview/figures/speed") == "60 tok/s in an answer ● measured"
    await used(connection, now(), requests=2, cancelled=1, seconds=5, tokens=Tokens(1, 0, 0, 0, 0.3))
    assert await part(client, "/overview/figures/speed") == "60 tok/s in an answer ◔ estimated"


async def test_speed_of_nothing_is_unknown(client, connection):
    """Calls without output have no speed; without any in the last hour nothing was written, which is known."""
    await used(connection, datetime.now(UTC) - timedelta(hours=3), tokens=Tokens(1, 0, 0, 0, 0))
    assert (await part(client, "/overview/figures/speed")).startswith("– in an answer")
    assert (await part(client, "/overview/figures/rate")).startswith("0.0 tok/s in the last hour")


async def test_output_of_the_last_hour(client, connection):
    """All that calls of the last hour wrote, by the second."""
    await used(connection, datetime.now(UTC) - timedelta(minutes=20), requests=10, tokens=Tokens(1, 0, 0, 0, 3.6))
    found = re.match(r"([\d.]+) tok/s in the last hour ● measured", await part(client, "/overview/figures/rate"))
    # Within an hour and the five minutes it begins in; the page has one decimal.
    assert 36_000 / 3900 - 0.05 <= float(found[1]) <= 36_000 / 3600


async def test_conversations_a_week(client, connection):
    """Counted by when they began, in the weeks of the zone; twelve weeks, whatever period the page is about."""
    moment = datetime.now(UTC)
    monday = (moment - timedelta(days=moment.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    for number, at in enumerate((moment, monday - timedelta(days=2), monday - timedelta(days=3))):
        await usage_seeds.talk(connection, at + timedelta(minutes=30), "t", Decimal(2), number=number)
        await used(connection, at)
    await usage_seeds.talk(connection, monday - timedelta(weeks=30), "old", Decimal(2), number=9)
    words = await part(client, MORE + "?range=24h")
    assert "1 conversation began this week so far; 2 last week" in words
    rows = list((await table(client, "weeks")).values())
    assert len(rows) == 12
    assert [row["conversations"] for row in rows[-3:]] == ["0", "2", "1"]
    assert Decimal(rows[-2]["cost_usd"]) == 4


async def test_cost_by_key(client, connection):
    """Each client key's cost and share; what came without one is not known, and adds up with the others."""
    await used(connection, now(), requests=10, cost=Decimal(8))
    await keyed(connection, now(), cost=Decimal(6))
    rows = await table(client, "keys")
    assert {name: Decimal(row["cost_usd"]) for name, row in rows.items()} == {CLIENT_KEY: 6, "not known": 2}
    assert [row["requests"] for row in rows.values()] == ["1", "9"]
    words = await part(client, MORE)
    assert f"{CLIENT_KEY} atlas 75 %" in words
    assert "not known: no client key 25 %" in words
    only = await table(client, "keys", "&trainId=nobody")
    assert only == {}


async def test_no_key_at_all(client, connection):
    """Then all of it is not known; what has no price has no cost and no share."""
    await used(connection, now(), model=NEW, account=SUBSCRIPTION, kind="oauth")
    words = await part(client, MORE)
    assert "not known: no client key –" in words
    assert "unpriced" in words


@pytest.mark.parametrize("query", ["usage_by_model_in", "conversations_begun", "usage_by_key"])
async def test_a_failing_part_stands_alone(settings, database, connection, serve, query):
    """One that cannot be read says so; the others are there."""
    await used(connection, now())
    words = plain(await seen(await serve(settings, Broken(database, query, DatabaseAwayError("slow"))), MORE))
    assert "could not be read" in words
    assert ("Reads saved" in words) is (query != "usage_by_model_in")
    assert ("Conversations a week" in words) is (query != "conversations_begun")


async def test_few_queries_and_pages_of_their_own(settings, database, connection, serve):
    """At most eight, whatever is shown; without scripts a page, and a figure leads there."""
    await usage_seeds.busy_weeks(connection, datetime.now(UTC), weeks=1)
    counting = Counting(database)
    client = await serve(settings, counting)
    for path in (MORE, "/overview/figures/saved?range=all", "/overview/figures/rate"):
        counting.names.clear()
        await part(client, path)
        assert len(counting.names) <= MOST_QUERIES, counting.names
    assert "<html" in await seen(client, MORE + "?tz=Australia/Lord_Howe&range=30d")
    answer = await client.get("/overview/figures/speed?range=24h", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/overview/more?range=24h")
    assert (await client.get("/overview/figures/other", headers=HTMX)).status == 404


def test_pieces_of_a_period():
    """Cut where a price changes; sums are by five minutes, and no five minutes are in two pieces."""
    begun, end = datetime(2026, 10, 6, 13, 5, tzinfo=UTC), datetime(2026, 10, 8, 9, tzinfo=UTC)
    change = datetime(2026, 10, 7, tzinfo=UTC)
    assert pieces(begun, end, listed()) == [(begun, begun, change), (change, change, end)]


def test_quarters():
    """Down, and up where it has begun."""
    at = datetime(2026, 11, 20, 9, 20, tzinfo=UTC)
    assert (quarter_of(at).minute, quarter_of(at, up=True).minute) == (15, 30)
    assert quarter_of(at.replace(minute=45), up=True).minute == 45
