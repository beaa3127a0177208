"""The cost page: a breakdown that adds up, billed apart from subscriptions, unpriced loud, the same as CSV and JSON."""

import csv
import html
import io
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dashboard.render.figures import money
from dashboard.totals.wording import dollars
from tests import conversation_scenes, usage_seeds
from tests.dashboard.test_pages_requests import MOST_QUERIES, Counting, seen
from tests.usage_seeds import HAIKU, KEY, NEW, SONNET, SUBSCRIPTION, Tokens, used

HOSTILE = "<img src=x onerror=alert(1)>\u202e"


def now():
    """The hour before this one."""
    return datetime.now(UTC) - timedelta(hours=1)


def plain(page):
    """A page's words."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


async def table(client, path):
    """A table of the page as rows."""
    text = await (await client.get(path)).text()
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


async def test_the_breakdown_adds_up(client, connection):
    """Each name's classes of tokens, cost and share; the line of totals is their sum, to the last digit."""
    await used(connection, now(), train="atlas", requests=2, tokens=Tokens(1, 2, 3, 4, 5), cost=Decimal("0.300000001"))
    await used(connection, now(), train="cargo", requests=1, tokens=Tokens(1, 0, 0, 0, 1), cost=Decimal("0.1"))
    rows = await table(client, "/cost.csv")
    assert [row["train"] for row in rows] == ["atlas", "cargo"]
    first = rows[0]
    names = ("input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "cache_read_tokens", "output_tokens")
    assert [first[name] for name in names] == ["2000", "4000", "6000", "8000", "10000"]
    assert [Decimal(row["cost_usd"]) for row in rows] == [Decimal("0.300000001"), Decimal("0.1")]
    assert float(first["share_of_cost"]) == pytest.approx(0.75)
    body = await (await client.get("/cost.json")).json()
    assert body["rows"][0]["cost_usd"] == "0.300000001"
    lines = (await (await client.get("/cost.jsonl")).text()).splitlines()
    assert [json.loads(line) for line in lines] == body["rows"]
    assert "Together 3 3\u202f000 4\u202f000 6\u202f000 8\u202f000 11.0\u202fk $0.40" in html.unescape(
        re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", await seen(client, "/cost")))
    )


@pytest.mark.parametrize(
    ("usd", "words", "short"),
    [
        ("0", "$0.00", "$0"),
        ("0.00000895", "under $0.0001", "under $0.0001"),
        ("0.0001", "$0.0001", "$0.0001"),
        ("0.0138", "$0.01", "$0.0138"),
    ],
)
def test_little_money_is_not_nothing(usd, words, short):
    """A small prompt of the cheapest model costs less than four decimals show; only what costs 0 is shown as 0."""
    assert money(Decimal(usd)) == words
    assert dollars(float(usd)) == short


async def test_a_write_that_was_not_split_lives_five_minutes(client, connection):
    """Cache writes of which the API did not say how long they live are in no class twice and in none missing."""
    await used(connection, now(), requests=1, tokens=Tokens(0, 1, 1, 0, 0))
    for table_of in ("usage_hourly", "usage_daily"):
        await connection.execute(f"UPDATE {table_of} SET cache_creation_input_tokens = 5000")  # noqa: S608 - our own names
    row = (await table(client, "/cost.csv"))[0]
    assert (row["cache_write_5m_tokens"], row["cache_write_1h_tokens"]) == ("4000", "1000")


async def test_billed_and_subscription_money_stay_apart(client, connection):
    """Two figures that are never added up as billed; either can be looked at alone."""
    await used(connection, now(), account=KEY, cost=Decimal(3))
    await used(connection, now(), account=SUBSCRIPTION, kind="oauth", name="Team plan", cost=Decimal(40))
    page = plain(await seen(client, "/cost?by=account"))
    assert "Billed by use $3.00" in page
    assert "Subscriptions $40.00 API-equivalent, not billed" in page
    billed = await table(client, "/cost.csv?by=account&money=billed")
    plans = await table(client, "/cost.csv?by=account&money=subscription")
    assert [(row["account"], row["cost_usd"]) for row in billed] == [(KEY, "3")]
    assert [(row["account"], row["cost_usd"]) for row in plans] == [("Team plan", "40")]


async def test_unpriced_models_are_loud(client, connection):
    """A model without a price stands above the chart; its cost is no 0 anywhere."""
    await used(connection, now(), model=SONNET, cost=Decimal(1), estimated=1)
    assert 'id="unpriced"' not in await seen(client, "/cost")
    await used(connection, now(), model=NEW, requests=7)
    page = await seen(client, "/cost?by=model")
    assert "1 model has no price" in page
    assert page.index('id="unpriced"') < page.index('id="usage"')
    rows = {row["model"]: row for row in await table(client, "/cost.csv?by=model")}
    assert (rows[NEW]["cost_usd"], rows[NEW]["share_of_cost"], rows[NEW]["unpriced_requests"]) == ("", "", "7")
    assert f"{NEW} unpriced" in plain(page)
    assert (rows[SONNET]["cost_usd"], rows[SONNET]["estimated_requests"]) == ("1", "1")


@pytest.mark.parametrize(
    ("step", "words"), [("day", "days in"), ("week", "weeks from Monday in"), ("month", "months in")]
)
async def test_steps(client, connection, step, words):
    """By day, week or month of the zone; the rows of the chart's table add up to the whole."""
    for days in (1, 9, 20):
        await used(connection, now() - timedelta(days=days), cost=Decimal(days))
    page = await seen(client, f"/cost?step={step}&tz=Europe/Zurich")
    assert f"{words} Europe/Zurich" in page
    rows = await table(client, f"/cost.csv?table=usage&step={step}")
    assert sum(float(row["total"]) for row in rows) == pytest.approx(30)


async def test_changes_by_name(client, connection):
    """Each name against the same weekdays before; what was not there before is new."""
    await used(connection, now(), train="atlas", cost=Decimal(3))
    await used(connection, now(), train="cargo", cost=Decimal(1))
    await used(connection, now() - timedelta(days=7), train="atlas", cost=Decimal(2))
    await used(connection, now() - timedelta(days=30), train="atlas", cost=Decimal(2))
    rows = {row["train"]: row["change"] for row in await table(client, "/cost.csv?range=24h")}
    assert rows == {"atlas": "▲ 50 %", "cargo": "▲ new"}


async def test_few_queries_and_good_manners(settings, database, connection, serve):
    """At most eight queries; what cannot be is refused in words; hostile names are words."""
    counting = Counting(database)
    pages = await serve(settings, counting)
    assert "Nothing is recorded yet" in await seen(pages, "/cost")
    await usage_seeds.busy_weeks(connection, datetime.now(UTC), weeks=1)
    await used(connection, now(), model=HOSTILE, account="key-9", name=HOSTILE)
    for by in ("train", "model", "account", "type"):
        counting.names.clear()
        page = await seen(pages, f"/cost?by={by}&measure=tokens")
        assert len(counting.names) <= MOST_QUERIES, counting.names
        assert "<img src=x" not in page
        assert "\u202e" not in page
    for bad in ("by=colour", "step=hour", "money=mine", "range=tomorrow"):
        await seen(pages, f"/cost?{bad}", 400)
    assert (await pages.get("/cost.csv?table=none")).status == 404


async def test_the_cost_of_a_conversation(client, connection):
    """The view adds up to the conversation's own cost, by request, branch and model; as CSV request by request."""
    talk = await conversation_scenes.fix_the_test(connection)
    row = await connection.fetchrow(
        "SELECT sum(cost_usd) AS cost, count(*) AS requests FROM requests WHERE conversation_id = $1", talk.conversation
    )
    path = f"/conversations/{talk.conversation}"
    page = await seen(client, f"{path}?view=cost")
    words = plain(page)
    assert f"${row['cost']:.2f} in {row['requests']} requests" in words
    assert "By branch and sub-agent" in words
    assert "subtask_1" in words
    assert "Find token refresh" in words
    rows = await table(client, f"{path}/cost.csv")
    assert len(rows) == row["requests"]
    assert float(rows[-1]["cumulative_cost_usd"]) == pytest.approx(float(row["cost"]))


async def test_unpriced_requests_of_a_conversation(client, connection):
    """A request without a price is said to have none; the sum says what it is without."""
    talk = await conversation_scenes.small_talk(connection)
    where = "UPDATE requests SET cost_usd = NULL, cost_reason = 'unknown model' WHERE conversation_id = $1"
    await connection.execute(where, talk.conversation)
    words = plain(await seen(client, f"/conversations/{talk.conversation}?view=cost"))
    assert "have no price" in words or "has no price" in words
    assert "unknown model" in words
    assert "$0.00" not in words
    assert HAIKU not in words
