"""The page of budgets: how they stand, set and taken back by a form, by who administers only."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.access import Permission, Principal
from core.settings import Settings
from dashboard import access
from tests import usage_seeds
from tests.dashboard.test_pages_cost import plain
from tests.dashboard.test_pages_prices import HOSTILE, HTML, post
from tests.dashboard.test_pages_requests import seen
from tests.usage_seeds import used

GIVEN = {"train_id": "atlas", "amount": "$1 200,50", "unit": "usd", "period": "month", "tz": "Asia/Kolkata"}


async def test_a_budget_is_set_and_taken_back(client, connection):
    """It stands on this page and on that of costs with what was used of it; a button takes it back."""
    page = await seen(client, "/budgets")
    assert "No budget is set" in page
    assert "there is none before its first call" in page
    await used(connection, datetime.now(UTC), cost=Decimal("120.05"))
    answer = await post(client, "/budgets", hard="yes", **GIVEN)
    assert (answer.status, answer.headers["Location"]) == (303, "/budgets#budgets")
    row = await connection.fetchrow("SELECT * FROM budgets")
    stored = (row["amount"], row["key_id"], row["zone"], row["hard"], row["created_by"])
    assert stored == (Decimal("1200.50"), None, "Asia/Kolkata", True, "local user")
    for path in ("/budgets", "/cost"):
        words = plain(await seen(client, path))
        assert "atlas: $1,200.50 a month hard" in words
        assert "$120.05 used (10 %)" in words
    answer = await post(client, f"/budgets/{row['budget']}/delete")
    assert answer.status == 303
    assert "No budget is set" in await seen(client, "/cost")
    for gone in (row["budget"], "x", "9" * 30):
        assert (await post(client, f"/budgets/{gone}/delete")).status == 404


@pytest.mark.parametrize(
    ("changed", "word", "status"),
    [({"amount": "0"}, "amount", 422), ({"amount": "many"}, "amount", 422), ({"tz": "Mars"}, "zone", 422),
     ({"period": "year"}, "period", 422), ({"train_id": "nobody"}, "no such train", 404),
     ({"key_id": HOSTILE * 20}, "key id", 422), ({}, "take that one back first", 409)],
)  # fmt: skip
async def test_a_bad_budget_is_refused_in_words(client, connection, changed, word, status):
    """What was filled in stays, what is wrong is said, nothing is set."""
    await used(connection, datetime.now(UTC))
    if not changed:
        await post(client, "/budgets", **GIVEN)
    answer = await post(client, "/budgets", **{**GIVEN, **changed})
    page = await answer.text()
    assert answer.status == status
    assert "The budget was not set" in page
    assert word in plain(page)
    assert f'value="{GIVEN["amount"]}"' in page or "amount" in changed
    assert "<script>alert" not in page
    assert await connection.fetchval("SELECT count(*) FROM budgets") == (0 if changed else 1)


async def test_only_who_administers_sets_budgets(settings, database, connection, serve, monkeypatch):
    """A reader sees them without the form and is refused; a page of another site is refused too."""
    await used(connection, datetime.now(UTC))
    await usage_seeds.budgets(connection)
    client = await serve(settings, database)
    assert (await client.post("/budgets", data=GIVEN, headers={**HTML, "Sec-Fetch-Site": "cross-site"})).status == 403
    reader = Principal("reader", frozenset(Permission) - {Permission.ADMINISTER}, frozenset({"atlas"}))
    monkeypatch.setattr(access, "LOCAL_USER", reader)
    client = await serve(Settings(data_dir=settings.data_dir), database)
    page = await seen(client, "/budgets")
    assert "atlas: $900.00 a month" in plain(page)
    assert "borealis" not in page
    assert "<form" not in page.split("<main")[1].split("</main>")[0]
    assert (await post(client, "/budgets", **GIVEN)).status == 403
    assert (await post(client, "/budgets/1/delete")).status == 403
    assert await connection.fetchval("SELECT count(*) FROM budgets") == 3
