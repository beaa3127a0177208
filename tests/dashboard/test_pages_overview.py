"""The overview: figures equal the roll-ups and lead to their calls; unknown is unknown; a failing card stands alone."""

import html
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dashboard.overview import snoozes
from sql.errors import DatabaseAwayError
from tests import recordings, usage_seeds
from tests.dashboard.test_pages_requests import MOST_QUERIES, Counting, seen
from tests.usage_seeds import HAIKU, NEW, OPUS, SUBSCRIPTION, Tokens, used

HOSTILE = "<script>alert(1)</script>\u202e"
NONE = Tokens(0, 0, 0, 0, 0)


def now():
    """The hour before this one: what happened then is in every period."""
    return datetime.now(UTC) - timedelta(hours=1)


def tiles(page):
    """Each tile's words by its title."""
    found = re.findall(r'<li class="tile">(.*?)</li>', page, re.DOTALL)
    plain = [re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", tile))).strip() for tile in found]
    names = [re.search(r"<h2>(.*?)</h2>", tile)[1] for tile in found]
    return dict(zip(names, plain, strict=True))


@pytest.fixture
async def counted(database):
    """This test's database, counting."""
    return Counting(database)


@pytest.fixture
async def pages(settings, counted, serve):
    """A client of a dashboard whose queries are counted."""
    return await serve(settings, counted)


async def test_it_is_where_everything_starts(client, connection):
    """The root leads to it; before anything is recorded it says how to begin, without a figure."""
    answer = await client.get("/", allow_redirects=False)
    assert answer.headers["Location"] == "/overview"
    first = await seen(client, "/overview")
    assert "Nothing is recorded yet" in first
    assert 'class="tile"' not in first
    await used(connection, now())
    assert "Nothing is recorded yet" not in await seen(client, "/overview")


async def test_tiles_are_the_sums(client, connection):
    """Requests, tokens of every class, cost, errors without the cancelled and rejected, cache share."""
    await used(
        connection,
        now(),
        requests=10,
        errors=2,
        cancelled=1,
        rejected=1,
        tokens=Tokens(1, 2, 0, 7, 1),
        cost=Decimal("3.5"),
    )
    await used(
        connection, now(), train="cargo", model=HAIKU, requests=2, tokens=Tokens(1, 0, 0, 1, 1), cost=Decimal("0.25")
    )
    found = tiles(await seen(client, "/overview"))
    assert found["Requests"].startswith("Requests 12 ")
    assert found["Tokens"].startswith("Tokens 72.0 k ")
    assert "64.0 k in · 8 000 out" in found["Tokens"]
    assert found["Cost"].startswith("Cost $3.75 ")
    assert "estimated" in found["Cost"]
    assert "20 % " in found["Errors"]
    assert "2 of 10" in found["Errors"]
    assert "69 %" in found["From cache"]


async def test_each_tile_leads_to_the_calls_behind_it(client, connection):
    """The list that a tile opens holds the calls that were summed up."""
    await recordings.seed(connection)
    page = await seen(client, "/overview")
    links = [html.unescape(link) for link in re.findall(r'<p class="figure"><a href="([^"]+)"', page)]
    assert len(links) == 6
    lists = [link for link in links if link.startswith("/requests?")]
    assert len(lists) == 5
    assert "range=" in lists[0]
    failed = next(link for link in lists if "outcome=failed" in link)
    assert await seen(client, failed)
    ended = await connection.fetchval("SELECT count(*) FROM requests WHERE outcome IS NOT NULL")
    assert tiles(page)["Requests"].startswith(f"Requests {ended} ")
    every = await seen(client, lists[0])
    everything = await connection.fetchval("SELECT count(*) FROM requests")
    assert f"{everything} match" in every


async def test_unknown_is_not_nothing(client, connection):
    """Where no price is known there is no cost; nothing sold costs nothing; what is partly known says so."""
    await used(connection, now(), model=NEW, requests=3)
    page = await seen(client, "/overview")
    assert tiles(page)["Cost"].startswith("Cost – ")
    assert "3 requests unpriced" in tiles(page)["Cost"]
    assert f"3 requests without a price ({NEW})" in page
    await used(connection, now(), requests=1, cost=Decimal(2))
    assert tiles(await seen(client, "/overview"))["Cost"].startswith("Cost $2.00 ")


async def test_subscriptions_are_not_billed(client, connection):
    """What a subscription used is said to be an equivalent."""
    await used(connection, now(), account=SUBSCRIPTION, kind="oauth", cost=Decimal(4))
    assert "$4.00 API-equivalent, not billed" in tiles(await seen(client, "/overview"))["Cost"]


async def test_changes_are_against_the_same_weekdays(client, connection):
    """A week ago at this hour; without enough recorded nothing is compared, and it is said."""
    await used(connection, now(), requests=30, errors=3)
    young = await seen(client, "/overview")
    assert "less than 2 days are recorded" in young
    assert "change" not in tiles(young)["Requests"]
    await used(connection, now() - timedelta(days=7), requests=20, errors=0)
    await used(connection, now() - timedelta(days=20), requests=1)
    page = await seen(client, "/overview?range=24h")
    assert "the same hours a week before" in page
    assert "▲ up 50 %" in tiles(page)["Requests"]
    assert "▲ up 10 points" in tiles(page)["Errors"]


class Broken(Counting):
    """A database on which one query fails."""

    def __init__(self, inner, name, error):
        super().__init__(inner)
        self._fails = (name, error)

    def __getattr__(self, name):
        """The query, or its failure."""
        method = super().__getattr__(name)

        async def asked(query, *args, **kwargs):
            if query == self._fails[0]:
                raise self._fails[1]
            return await method(query, *args, **kwargs)

        return asked if name in {"fetch", "fetch_one"} else method


@pytest.mark.parametrize(
    ("query", "left"),
    [("state_of_now", "What runs"), ("usage_by_slot", "The figures"), ("dearest_conversations", "The conversations")],
)
@pytest.mark.parametrize("error", [DatabaseAwayError("slow"), ZeroDivisionError("secret words")])
async def test_a_failing_card_stands_alone(settings, database, connection, serve, query, left, error, capfd):
    """One part that cannot be read says so with an id; the page answers, and the others are there."""
    await used(connection, now())
    page = await seen(await serve(settings, Broken(database, query, error)), "/overview")
    assert f"{left} could not be read" in page
    assert "secret words" not in page
    assert 'id="now"' in page
    assert "Dearest conversations" in page or query == "dearest_conversations"
    assert "secret words" not in capfd.readouterr().err


async def test_it_needs_few_queries(pages, counted, connection):
    """At most eight, whatever is shown."""
    await usage_seeds.busy_weeks(connection, datetime.now(UTC), weeks=1)
    for path in (
        "/overview",
        "/overview?by=account&measure=tokens&range=30d&tz=Europe/Zurich",
        "/overview?trainId=atlas",
    ):
        counted.names.clear()
        await seen(pages, path)
        assert len(counted.names) <= MOST_QUERIES, counted.names


async def test_what_needs_attention(client, connection):
    """A burst of errors, calls that were put aside, a silent recorder: each with evidence; else that all is well."""
    await used(connection, now(), requests=100)
    assert "Nothing: no window" in await seen(client, "/overview")
    await used(connection, now(), requests=60, errors=60)
    await connection.execute(
        "INSERT INTO tape_positions (node, segment, segment_offset, heartbeat_at)"
        " VALUES ('host-0', gen_random_uuid(), 0, now() - interval '5 minutes')"
    )
    await connection.execute(
        "INSERT INTO dead_letters (request_id, node, train_name, error, raw)"
        " VALUES (gen_random_uuid(), 'host-0', 'default', 'x', '')"
    )
    page = await seen(client, "/overview")
    assert "60 errors in the hour from" in page
    assert "1 call could not be written to the database" in page
    assert "no recorder was heard of for 5 m" in page
    assert page.count("Why am I seeing this") == 3
    failed = html.unescape(re.search(r'href="(/requests\?[^"]*outcome=failed[^"]*)">the failed calls', page)[1])
    assert await seen(client, failed)


async def test_trains_narrow_everything(client, connection):
    """Only what the named trains used is in any figure."""
    await recordings.seed(connection)
    await used(connection, now(), train="atlas", requests=5)
    await used(connection, now(), train="cargo", requests=7)
    assert tiles(await seen(client, "/overview?trainId=cargo"))["Requests"].startswith("Requests 7 ")
    assert tiles(await seen(client, "/overview?trainId=nobody"))["Requests"].startswith("Requests 0 ")


async def test_hostile_names_are_words(client, connection):
    """Whatever a model, an account or a title is called is text; hidden characters are shown."""
    await used(connection, now(), model=HOSTILE, account="key-1", name=HOSTILE)
    await usage_seeds.talk(connection, now(), HOSTILE, Decimal(3))
    for by in ("model", "account", "train", "type"):
        page = await seen(client, f"/overview?by={by}")
        assert "<script>alert(1)" not in page
        assert "\u202e" not in page


async def test_the_tables_as_csv(client, connection):
    """The chart's table, exact; a chart that is not there is not found."""
    await used(connection, now(), cost=Decimal("0.123456789"))
    await used(connection, now(), train="cargo", cost=Decimal(1))
    answer = await client.get("/overview.csv?chart=usage&range=24h")
    text = await answer.text()
    assert answer.content_type == "text/csv"
    assert "atlas" in text.splitlines()[0]
    assert "0.123456789" in text
    assert (await client.get("/overview.csv?chart=none")).status == 404
    assert (await client.get("/overview?by=colour", headers={"Accept": "text/html"})).status == 400


async def test_days_are_those_of_the_zone(client, connection):
    """An evening in New York is the next day in UTC: the chart's days are the zone's, and it says whose."""
    at = datetime.now(UTC).replace(hour=2, minute=0) - timedelta(days=3)
    await used(connection, at, requests=1, model=OPUS)
    await used(connection, at - timedelta(days=20), requests=1, model=OPUS)
    answer = await client.get("/overview.csv?measure=requests&range=7d&tz=America/New_York")
    line = next(line for line in (await answer.text()).splitlines() if line.endswith(",1,1"))
    assert f"{at - timedelta(days=1):%A}" in line
    assert "days in America/New_York" in await seen(client, "/overview?tz=America/New_York")


def snoozing(page):
    """The addresses of the buttons that leave an item out."""
    return re.findall(r'action="(/attention/[0-9a-f]{12}/snooze)"', page)


async def test_an_item_is_left_out_for_a_while(client, connection):
    """In this browser only, until it is shown again or gets worse; the page says how many are left out."""
    await used(connection, now(), model=NEW, requests=3)
    await used(connection, now(), requests=20, errors=8)
    page = await seen(client, "/overview")
    first, second = snoozing(page)
    answer = await client.post(first, data={"next": "/overview?range=24h"}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/overview?range=24h")
    assert "httponly" in answer.headers["Set-Cookie"].lower()
    page = await seen(client, "/overview")
    assert snoozing(page) == [second]
    assert "1 item snoozed" in page
    await client.post(second, data={}, allow_redirects=False)
    page = await seen(client, "/overview")
    assert "2 items snoozed" in page
    assert "Nothing: no window" not in page
    await used(connection, now(), requests=20, errors=19)  # over half of the calls of that hour went wrong
    assert len(snoozing(await seen(client, "/overview"))) == 1
    await client.post("/attention/none/snooze", data={}, allow_redirects=False)
    assert len(snoozing(await seen(client, "/overview"))) == 2
    other = await client.post(first, headers={"Sec-Fetch-Site": "cross-site"}, data={}, allow_redirects=False)
    assert other.status == 403


@pytest.mark.parametrize(
    "value", ["x" * 5000, "~~.~", "abcdefabcdef.99999999999", "abcdefabcdef.-1", "ÄÄÄÄÄÄÄÄÄÄÄÄ.1", "a.b"]
)
def test_a_cookie_that_is_none_of_ours(value):
    """What a browser sends leaves nothing out and breaks nothing; nor does it sleep for longer than we let it."""
    found = snoozes.read({snoozes.COOKIE: value}, datetime.now(UTC))
    assert found == {}
    late = datetime.now(UTC) + 2 * snoozes.LENGTH
    assert snoozes.read({snoozes.COOKIE: snoozes.written({"abcdefabcdef": late})}, datetime.now(UTC)) == {}
