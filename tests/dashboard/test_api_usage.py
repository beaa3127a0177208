"""Usage, cost, prices and budgets in the JSON API, against what was recorded."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.access import Permission, Principal
from dashboard import access
from dashboard.usage import reading
from sql.loader import queries
from tests.dashboard.test_openapi import checker
from tests.recordings import Recorded, insert, message, text
from tests.usage_seeds import requested

ACCOUNT = "key-0123456789ab"
USAGE = {"input_tokens": 100, "output_tokens": 10}


def costing(usd: str | None = "0.01", *, reason: str | None = None, **fields: Any) -> Recorded:
    """A call that cost so much."""
    columns = {
        "cost_usd": None if usd is None else Decimal(usd), "cost_estimated": None if usd is None else False,
        "cost_reason": reason, "price_id": None if usd is None else "p",
    }  # fmt: skip
    return Recorded(message=message(text("well"), usage=USAGE), columns=columns, **fields)


_NUMBERS = itertools.count()


async def begun(connection: Any, call: Recorded, at: datetime | None = None) -> None:
    """Insert a call that began then; its id is of now, where there are partitions."""
    columns = call.columns | ({} if at is None else {"started_at": at})
    await insert(connection, replace(call, columns=columns), number=next(_NUMBERS))


async def asked(client: Any, path: str, status: int = 200, **query: Any) -> Any:
    """What a route answers, which fits its description."""
    answer = await client.get(path, params={name: str(value) for name, value in query.items()})
    body = await answer.json()
    assert answer.status == status, body
    checker(path, status).validate(body)
    return body


async def test_days(client, connection):
    """Every day is there; by model; totals are the sums of days; what has no price is counted beside the cost."""
    now = datetime.now(UTC)
    for days, model, usd in ((0, "a", "0.1"), (0, "b", "0.25"), (2, "a", "1.5"), (2, "b", None), (40, "a", "9")):
        call = costing(usd, reason=None if usd else "unknown model", answered_model=model)
        await begun(connection, call, now - timedelta(days=days))
    body = await asked(client, "/api/token-usage/daily", days=3)
    days = body["days"]
    assert [day["requests"] for day in days] == [2, 0, 2]
    assert [day["estimated_cost"] for day in days] == [1.5, 0, 0.35]
    assert days[0]["by_model"]["b"] == {"requests": 1, "tokens": 110, "estimated_cost": 0, "unpriced_requests": 1}
    assert days[2]["by_model"]["a"]["tokens"] == 110
    for name, total in body["totals"].items():
        assert total == pytest.approx(sum(day[name] for day in days))
    assert (body["totals"]["estimated_cost"], body["totals"]["unpriced_requests"]) == (1.85, 1)
    assert [day["date"] for day in days] == sorted(day["date"] for day in days)
    assert (await asked(client, "/api/token-usage/daily"))["totals"]["requests"] == 4


async def test_one_account(client, connection):
    """By any id it was ever called; of an account that nobody knows there are zeros."""
    await begun(connection, costing())
    await begun(connection, costing(account="key-other"))
    await begun(connection, costing(account="oauth-later"))
    await connection.execute(
        "UPDATE accounts SET merged_into = (SELECT account FROM accounts WHERE account_id = $1)"
        " WHERE account_id = 'oauth-later'",
        ACCOUNT,
    )
    for account, requests in ((ACCOUNT, 2), ("oauth-later", 2), ("key-other", 1), ("key-nobody", 0)):
        body = await asked(client, "/api/token-usage/daily", accountId=account, days=2)
        assert body["totals"]["requests"] == requests, account
    accounts = await asked(client, "/api/token-usage/accounts")
    assert [(one["account_id"], one["requests"], one["total_tokens"]) for one in accounts["accounts"]] == [
        (ACCOUNT, 2, 220),
        ("key-other", 1, 110),
    ]


ZONES = {
    # (zone, a day of it, how many hours it has, first instant)
    "long": ("Europe/Zurich", "2026-10-25", 25, "2026-10-24T22:00+00:00"),
    "short": ("Europe/Zurich", "2026-03-29", 23, "2026-03-28T23:00+00:00"),
    "usual": ("America/New_York", "2026-11-20", 24, "2026-11-20T05:00+00:00"),
    "west": ("America/New_York", "2026-11-01", 25, "2026-11-01T04:00+00:00"),
    "east": ("Pacific/Auckland", "2026-09-27", 23, "2026-09-26T12:00+00:00"),
    "utc": ("UTC", "2026-11-20", 24, "2026-11-20T00:00+00:00"),
    "half": ("Asia/Kolkata", "2026-11-20", 24, "2026-11-19T18:30+00:00"),
    "quarter": ("Asia/Kathmandu", "2026-11-20", 24, "2026-11-19T18:15+00:00"),
}


def hours_around(start: datetime) -> Iterator[datetime]:
    """Every hour of the zone from two days before to two days after."""
    return (start + timedelta(hours=n) for n in range(-48, 72))


@pytest.mark.parametrize("case", ZONES)
async def test_a_day_of_a_zone_has_its_own_hours(database, connection, case):
    """A request in every hour: a day of 23, 24 or 25 hours has as many, and none is booked twice or lost."""
    zone, day, length, first = ZONES[case]
    start = datetime.fromisoformat(first)
    hours = list(hours_around(start))
    await connection.execute("INSERT INTO trains (name) VALUES ('default')")
    await requested(connection, [(hour, "m", 1) for hour in hours])
    now = start + timedelta(hours=12)
    begins, over = reading.last_days(now, ZoneInfo(zone), 1)
    assert (begins.isoformat(), over.start) == (day, start)
    assert (over.end - over.start) == timedelta(hours=length)
    asked_for = ([1], hours[0], hours[-1] + timedelta(hours=1), "day", zone, "none", None, None, None)
    rows = await connection.fetch(queries()["usage_series"].text, *asked_for)
    found = {row["starts_at"].astimezone(ZoneInfo(zone)).date().isoformat(): row["requests"] for row in rows}
    assert found[day] == length
    assert sum(found.values()) == len(hours)
    assert {row["starts_at"].astimezone(ZoneInfo(zone)).hour for row in rows} == {0}


async def test_series(client, connection):
    """Steps of an hour, a day, a month; filters; only those with any usage."""
    now = datetime.now(UTC)
    for hours, kind in ((0, "inference"), (3, "inference"), (3, "quota"), (400, "inference")):
        await begun(connection, costing(request_type=kind), now - timedelta(hours=hours))
    body = await asked(client, "/api/token-usage/time-series")
    assert [point["requests"] for point in body["points"]] == [2, 1]
    assert body["points"][0]["total_tokens"] == 220
    body = await asked(client, "/api/token-usage/time-series", requestType="quota")
    assert [point["requests"] for point in body["points"]] == [1]
    since = (now - timedelta(days=60)).isoformat()
    body = await asked(client, "/api/token-usage/time-series", since=since, bucket="month", tz="Asia/Tokyo")
    assert sum(point["requests"] for point in body["points"]) == 4
    for query in ({"bucket": "second"}, {"tz": "Mars"}, {"since": now.isoformat(), "until": since}):
        await asked(client, "/api/token-usage/time-series", 400, **query)
    await asked(client, "/api/token-usage/time-series", 400, since="2020-01-01")


async def test_hours(client, connection):
    """Each hour, also without requests: how they ended, and their tokens."""
    now = datetime.now(UTC)
    await begun(connection, costing(), now)
    await begun(connection, costing(outcome="upstream_error"), now)
    await begun(connection, costing(outcome="client_cancelled"), now - timedelta(hours=5))
    body = await asked(client, "/api/usage/requests/hourly", days=1)
    assert len(body["hours"]) == 24
    last, earlier = body["hours"][-1], body["hours"][-6]
    assert (last["requests"], last["ok"], last["failed"]) == (2, 1, 1)
    assert (earlier["requests"], earlier["cancelled"], earlier["failed"]) == (1, 1, 0)
    tokens = await asked(client, "/api/usage/tokens/hourly", days=1)
    assert [hour["total_tokens"] for hour in tokens["hours"][-6:]] == [110, 0, 0, 0, 0, 220]


async def test_what_is_another_trains_is_not_there(client, connection, monkeypatch):
    """Sums, accounts and budgets are of the trains the caller may see."""
    await begun(connection, costing())
    await begun(connection, costing(train="atlas", account="key-atlas"))
    budget = {"unit": "usd", "amount": 1, "period": "day"}
    for train in ("default", "atlas"):
        answer = await client.post("/api/budgets", json={**budget, "train_id": train})
        assert answer.status == 200
    monkeypatch.setattr(access, "LOCAL_USER", Principal("visitor", frozenset(Permission), frozenset({"atlas"})))
    assert (await asked(client, "/api/token-usage/daily"))["totals"]["requests"] == 1
    accounts = await asked(client, "/api/accounts")
    assert [one["account_id"] for one in accounts["accounts"]] == ["key-atlas"]
    assert (await asked(client, "/api/token-usage/daily", accountId=ACCOUNT))["totals"]["requests"] == 0
    budgets = (await asked(client, "/api/budgets"))["budgets"]
    assert [one["trainId"] for one in budgets] == ["atlas"]
    other = await connection.fetchval("SELECT budget FROM budgets JOIN trains USING (train) WHERE name = 'default'")
    assert (await client.delete(f"/api/budgets/{other}")).status == 404
    assert (await client.put(f"/api/budgets/{other}", json={"amount": 2})).status == 404
    assert (await client.post("/api/budgets", json={**budget, "train_id": "default"})).status == 404


async def test_accounts_have_names(client, connection):
    """A name can be given, changed and taken back."""
    await begun(connection, costing())
    for name in ("Ana's key", "the team", None):
        answer = await client.put(f"/api/accounts/{ACCOUNT}", json={"display_name": name})
        assert await answer.json() == {"account_id": ACCOUNT, "display_name": name}
        [one] = (await asked(client, "/api/accounts"))["accounts"]
        assert (one["display_name"], one["total_requests"]) == (name, 1)
    assert (await client.put("/api/accounts/key-nobody", json={"display_name": "x"})).status == 404


OWN = {
    "model": "our-model",
    "input": 1,
    "output": 2.5,
    "cache_write_5m": 3,
    "cache_write_1h": 4,
    "cache_read": 0.123456,
}


async def test_prices(client, connection):
    """The list with its validity; own prices come, are counted, and go; each change is counted once."""
    body = await asked(client, "/api/prices")
    assert body["own"] == []
    listed = {price["id"]: price for price in body["listed"]}
    assert listed["claude-opus-5-5"]["cache_read"] == 0.2
    assert listed["claude-sonnet-5-5@2026-10-07"]["unconfirmed"] == ["cache_read"]
    assert body["context_limits"]["claude-haiku-4-5"] == 200_000
    answer = await client.put("/api/prices", json={**OWN, "valid_from": "2026-11-01T00:00:00Z"})
    made = await answer.json()
    assert (answer.status, made["cache_read"], made["created_by"]) == (200, 0.123456, "local user")
    assert (await asked(client, "/api/prices"))["own"] == [made]
    assert await connection.fetchval("SELECT price_changes FROM installation") == 1
    number = made["id"].removeprefix("own/")
    assert (await client.delete(f"/api/prices/{number}")).status == 200
    assert (await client.delete(f"/api/prices/{number}")).status == 404
    assert (await asked(client, "/api/prices"))["own"] == []
    assert await connection.fetchval("SELECT price_changes FROM installation") == 2
    assert await connection.fetchval("SELECT deleted_by FROM prices") == "local user"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"input": -1}, 422),
        ({"input": "NaN"}, 422),
        ({"output": None}, 422),
        ({"model": ""}, 422),
        ({"model": "a\0b"}, 422),
        ({"max_prompt": 5, "min_prompt": 6}, 422),
        ({"valid_from": "2026-11-02T00:00:00Z", "valid_to": "2026-11-01T00:00:00Z"}, 422),
        ({"unconfirmed": ["reads"]}, 422),
        ({"price": 1}, 422),
    ],
)
async def test_a_price_that_cannot_be_is_refused(client, connection, change, status):
    """With the field that is wrong, and nothing is changed."""
    answer = await client.put("/api/prices", json=OWN | change)
    body = await answer.json()
    assert answer.status == status, body
    checker("/api/prices", status, "put").validate(body)
    assert await connection.fetchval("SELECT count(*) FROM prices") == 0


async def test_what_is_no_json_is_refused(client):
    """Neither a form nor a broken text changes anything."""
    for given in ({"data": {"model": "x"}}, {"data": b"{", "headers": {"Content-Type": "application/json"}}):
        assert (await client.put("/api/prices", **given)).status == 400
    for path in ("/api/prices/x", "/api/prices/99999999999", "/api/budgets/x"):
        assert (await client.delete(path)).status == 404


async def test_budgets(client, connection):
    """In USD and tokens, of a train and a key: what was used in the running period, and the warning it has reached."""
    now = datetime.now(UTC)
    await begun(connection, costing("0.96"), now)
    await begun(connection, costing(None, reason="unknown model"), now)
    await begun(connection, costing("50"), now - timedelta(days=60))
    await begun(connection, Recorded(message=message(text("x"), usage=USAGE), columns={"key_id": "ana"}), now)
    made = []
    for unit, amount, period, key, hard in (
        ("usd", "1.00", "day", None, True),
        ("tokens", 300, "week", None, True),
        ("tokens", 1000, "month", "ana", False),
    ):
        given = {"train_id": "default", "unit": unit, "amount": amount, "period": period, "key_id": key, "hard": hard}
        answer = await client.post("/api/budgets", json=given)
        assert answer.status == 200, await answer.text()
        made.append(await answer.json())
    by_unit = {(one["unit"], one["key_id"]): one for one in (await asked(client, "/api/budgets"))["budgets"]}
    assert list(by_unit.values()) == sorted(made, key=lambda one: (one["key_id"] or "", one["unit"] != "tokens"))
    usd, tokens, key = by_unit["usd", None], by_unit["tokens", None], by_unit["tokens", "ana"]
    assert (usd["used"], usd["percent"], usd["warning"], usd["unpriced_requests"]) == (0.96, 96.0, 95, 1)
    assert (tokens["used"], tokens["warning"], tokens["remaining"]) == (330, 100, 0)
    assert (key["used"], key["warning"]) == (110, None)
    answer = await client.post(
        "/api/budgets", json={"train_id": "default", "unit": "usd", "amount": 5, "period": "day"}
    )
    assert answer.status == 409
    answer = await client.put(f"/api/budgets/{usd['id']}", json={"amount": 96, "tz": "Asia/Tokyo"})
    changed = await answer.json()
    assert (changed["amount"], changed["tz"], changed["hard"]) == (96, "Asia/Tokyo", False)
    assert (await client.delete(f"/api/budgets/{usd['id']}")).status == 200
    assert len((await asked(client, "/api/budgets"))["budgets"]) == 2
    for bad in ({"amount": 0}, {"amount": 1, "tz": "Mars"}, {"amount": "1e400"}):
        assert (await client.put(f"/api/budgets/{tokens['id']}", json=bad)).status == 422


async def test_who_may_only_read_changes_nothing(client, monkeypatch):
    """Prices, names and budgets are the administrators' affair."""
    reader = Principal("reader", frozenset(Permission) - {Permission.ADMINISTER})
    monkeypatch.setattr(access, "LOCAL_USER", reader)
    for method, path in (
        ("put", "/api/prices"),
        ("delete", "/api/prices/1"),
        ("put", "/api/accounts/x"),
        ("post", "/api/budgets"),
        ("put", "/api/budgets/1"),
        ("delete", "/api/budgets/1"),
    ):
        answer = await getattr(client, method)(path, json={})
        assert answer.status == 403, path
        checker(path.replace("/1", "/{id}").replace("/x", "/{id}"), 403, method).validate(await answer.json())
