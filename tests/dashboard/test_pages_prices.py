"""The price table with its form, and budgets on the pages that show them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.access import Permission, Principal
from core.settings import Settings
from dashboard import access
from tests import usage_seeds
from tests.dashboard.test_pages_cost import plain
from tests.dashboard.test_pages_requests import MOST_QUERIES, Counting, seen
from tests.usage_seeds import NEW, Tokens, used

HTML = {"Accept": "text/html"}
HOSTILE = "<script>alert(1)</script>\u202e"
RATES = {"input": "1.5", "cache_write_5m": "2", "cache_write_1h": "3", "cache_read": "0,15", "output": "$7.25"}


async def post(client, path, **form):
    """What a form of ours answers with, redirects not followed."""
    return await client.post(path, data=form, headers=HTML, allow_redirects=False)


async def test_every_price_is_listed(client):
    """Names, validity, bands, five rates; what the provider has not confirmed is marked in words too."""
    page = await seen(client, "/prices")
    words = plain(page)
    assert "claude-opus-5-5 always any standard 4 5 8 0.2 20" in words
    assert re.search(r"claude-sonnet-5-5 2026-09-28 up to 2026-10-07 any standard 2 2.5 4 0.2 10", words)
    assert re.search(r"claude-sonnet-5-5 from 2026-10-07 any standard 2 2.5 4 ◔ unconfirmed 0.1 10", words)
    assert "from 100.0 k" in words
    assert "× 0.5 of all tokens" in words


async def test_an_own_price(client, connection):
    """The form adds one, which stands first; it is taken back by a button; both count as a change of prices."""
    await used(connection, datetime.now(UTC) - timedelta(hours=1), model=NEW)
    assert f'<option value="{NEW}">' in await seen(client, "/prices")
    answer = await post(client, "/prices", model=NEW, valid_from="2026-11-01", source=HOSTILE, **RATES)
    assert answer.status == 303
    assert answer.headers["Location"].startswith("/prices#own-")
    page = await seen(client, "/prices")
    assert f"{NEW} from 2026-11-01 any standard 1.5 2 3 0.15 7.25" in plain(page)
    assert "<script>alert" not in page
    row = await connection.fetchrow("SELECT * FROM prices")
    assert (row["cache_read"], row["output"], row["unconfirmed"], row["created_by"]) == (
        Decimal("0.15"), Decimal("7.25"), [], "local user",
    )  # fmt: skip
    gone = await post(client, f"/prices/{row['price']}/delete")
    assert gone.status == 303
    assert "None: every request is priced" in await seen(client, "/prices")
    assert await connection.fetchval("SELECT price_changes FROM installation") == 2
    assert (await post(client, f"/prices/{row['price']}/delete")).status == 404
    assert (await post(client, "/prices/x/delete")).status == 404


async def test_uncertain_rates_are_marked(client, connection):
    """The box marks all five."""
    await post(client, "/prices", model=NEW, unconfirmed="yes", **RATES)
    assert len(await connection.fetchval("SELECT unconfirmed FROM prices")) == 5
    assert plain(await seen(client, "/prices")).count("◔ unconfirmed 1.5") == 1


@pytest.mark.parametrize(
    ("changed", "word"),
    [({"input": "-1"}, "input"), ({"output": "many"}, "output"), ({"model": " "}, "model"),
     ({"valid_from": "soon"}, "valid from"), ({"valid_from": "2026-11-02", "valid_to": "2026-11-01"}, "valid_to"),
     ({"min_prompt": "9", "max_prompt": "3"}, "max_prompt")],
)  # fmt: skip
async def test_a_bad_price_is_refused_in_words(client, connection, changed, word):
    """What was filled in stays, what is wrong is said, nothing is added."""
    answer = await post(client, "/prices", **{"model": "kept-model", **RATES, **changed})
    page = await answer.text()
    assert answer.status == 422
    assert "The price was not added" in page
    assert word in plain(page)
    assert 'value="kept-model"' in page or "model" in changed
    assert await connection.fetchval("SELECT count(*) FROM prices") == 0


async def test_only_who_administers_changes_prices(settings, database, connection, serve, monkeypatch):
    """A reader sees the table without the form and is refused; a page of another site is refused too."""
    client = await serve(settings, database)
    other = await client.post("/prices", data={"model": NEW, **RATES}, headers={**HTML, "Sec-Fetch-Site": "cross-site"})
    assert other.status == 403
    reader = Principal("reader", frozenset(Permission) - {Permission.ADMINISTER})
    monkeypatch.setattr(access, "LOCAL_USER", reader)
    client = await serve(Settings(data_dir=settings.data_dir), database)
    assert "<form" not in (await seen(client, "/prices")).split("<main")[1].split("</main>")[0]
    assert (await post(client, "/prices", model=NEW, **RATES)).status == 403
    assert (await post(client, "/prices/1/delete")).status == 403
    assert await connection.fetchval("SELECT count(*) FROM prices") == 0


async def test_budgets_stand_on_the_pages(settings, database, connection, serve):
    """Used, left and whether it lasts, with a curve; over 75, 95 and 100 % the overview says so; few queries."""
    counting = Counting(database)
    client = await serve(settings, counting)
    await used(connection, datetime.now(UTC), train="atlas", cost=Decimal(12))
    await used(connection, datetime.now(UTC), train="borealis", cost=Decimal(58))
    await used(connection, datetime.now(UTC), train="cargo", requests=3, tokens=Tokens(9, 0, 0, 0, 1), cost=Decimal(0))
    assert "No budget is set" in await seen(client, "/cost")
    await usage_seeds.budgets(connection)
    words = plain(await seen(client, "/cost"))
    assert "atlas: $900.00 a month" in words
    assert "$58.00 used (97 %), $2.00 left" in words
    assert "over 95 %" in words
    assert "cargo: 20.0 k tokens a day hard ■ over 100 %" in words
    assert "How the week went" in words
    for path in ("/overview?by=account", "/cost?by=account"):
        counting.names.clear()
        page = plain(await seen(client, path))
        assert len(counting.names) <= MOST_QUERIES, counting.names
    page = plain(await seen(client, "/overview"))
    assert "budget borealis: $60.00 a week: 97 % used" in page
    assert "budget cargo: 20.0 k tokens a day: 150 % used; calls beyond it are to be refused" in page
    assert "budget atlas" not in page
