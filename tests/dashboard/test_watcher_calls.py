"""What the watcher says of calls: bursts of errors as they come and go, and the day before."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.alerts.told import Told
from core.alerts.watch_words import moment
from dashboard.alerts.digests import due
from dashboard.alerts.watcher import look
from sql.database import Database
from tests import usage_seeds
from tests.recordings import Recorded, insert

pytestmark = pytest.mark.postgres
Connection = "asyncpg.Connection[asyncpg.Record]"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOW = datetime.now(UTC).replace(hour=14, minute=2, second=0, microsecond=0)
"""Of today: there are partitions for it."""
FRIDAY = datetime(2026, 11, 20, 14, 2, tzinfo=UTC)


async def calls(connection: Connection, at: datetime, number: int, **fields: Any) -> None:
    """So many calls that ended at a moment."""
    for n in range(number):
        await insert(connection, Recorded(**fields), at=at - timedelta(milliseconds=n), number=n)


async def broken(connection: Connection, at: datetime, number: int, **fields: Any) -> None:
    """So many that the API refused as overloaded, unless said otherwise."""
    await calls(connection, at, number, **{"outcome": "upstream_error", "status_code": 529, **fields})


async def said(connection: Connection) -> list[tuple[Any, ...]]:
    """What was raised: subject, what it answers to, tone, words."""
    rows = await connection.fetch("SELECT subject, recovery_of, tone, told FROM alerts ORDER BY alert")
    return [(*list(row)[:3], Told.model_validate_json(row["told"])) for row in rows]


async def test_a_burst_is_told_once_until_it_is_over(database: Database, connection: Connection) -> None:
    """To the train, with the account that all of them were of; after ten minutes without it is over."""
    await broken(connection, NOW - 2 * MINUTE, 4)
    await look(database, NOW)
    assert await said(connection) == []
    await broken(connection, NOW - MINUTE, 2, outcome="upstream_timeout", status_code=504)
    await calls(connection, NOW - MINUTE - timedelta(seconds=1), 3)
    for minute in (0, 1):
        await look(database, NOW + minute * MINUTE)
    [(subject, _, tone, told)] = await said(connection)
    assert (subject, tone, told.title) == ("train default", "danger", "default: 6 calls broke within 10 minutes")
    first = await connection.fetchval("SELECT min(ended_at) FROM requests")
    assert told.cause == f"That is 67\u202f% of the calls. The first broke at {moment(first)}."
    assert dict(told.fields)["What broke"] == "4 × 529, 2 × stalled"
    assert dict(told.fields)["Account"] == "key-0123456789ab"
    assert told.path == f"/requests?outcome=failed&trainId=default&since={first - 10 * MINUTE:%Y-%m-%dT%H%%3A%M%%3A%S}Z"
    assert await connection.fetchval("SELECT account FROM alerts") is not None
    await look(database, NOW + 8 * MINUTE)
    assert len(await said(connection)) == 1
    await look(database, NOW + 10 * MINUTE)
    assert [row[:3] for row in await said(connection)][1:] == [("train default", 1, "good")]
    await broken(connection, NOW + 20 * MINUTE, 5)
    await look(database, NOW + 21 * MINUTE)
    assert len(await said(connection)) == 3


async def test_an_account_is_not_told_of_what_its_train_was_told_of(database: Database, connection: Connection) -> None:
    """Its train's burst is over when others call so often that few of all calls broke; it is when new ones break."""
    await broken(connection, NOW - MINUTE, 6)
    await look(database, NOW)
    await usage_seeds.numbered(connection, "default", "else")
    await usage_seeds.used(connection, NOW, train="default", account="else", requests=30)
    await look(database, NOW + MINUTE)
    await usage_seeds.used(connection, NOW, train="default", account="else", requests=300)
    for minute in (2, 3):
        await look(database, NOW + minute * MINUTE)
        await connection.execute("UPDATE alerts SET recovered_at = $1 WHERE recovered_at IS NOT NULL", NOW + 2 * MINUTE)
    assert [row[:3] for row in await said(connection)] == [
        ("train default", None, "danger"),
        ("train default", 1, "good"),
    ]
    await broken(connection, NOW + 9.5 * MINUTE, 6)
    await look(database, NOW + 10 * MINUTE)
    assert [row[0] for row in await said(connection)][2:] == ["account key-0123456789ab"]


@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": "client_cancelled", "status_code": 200},
        {"outcome": "client_timeout", "status_code": 200},
        {"outcome": "rejected", "status_code": 401},
        {"outcome": "upstream_error", "status_code": 400},
        {"outcome": "proxy_shutdown", "status_code": 200},
    ],
)
async def test_what_clients_do_is_no_burst(database: Database, connection: Connection, fields: dict[str, Any]) -> None:
    """They went away, or asked for what there is not."""
    await broken(connection, NOW - MINUTE, 9, **fields)
    await look(database, NOW)
    assert await said(connection) == []


async def test_a_few_among_many_are_no_burst(database: Database, connection: Connection) -> None:
    """Less than a fifth of the calls."""
    await broken(connection, NOW - MINUTE, 6)
    await usage_seeds.used(connection, NOW - MINUTE, train="default", requests=30)
    await look(database, NOW)
    assert await said(connection) == []


async def test_it_is_over_when_they_are_few_among_many(database: Database, connection: Connection) -> None:
    """The same failures, and so many good calls since that they are less than a tenth: both figures are said."""
    await broken(connection, NOW - MINUTE, 6)
    await look(database, NOW)
    await usage_seeds.used(connection, NOW, train="default", requests=94)
    await look(database, NOW + MINUTE)
    *_, (subject, recovery_of, tone, told) = await said(connection)
    assert (subject, recovery_of, tone) == ("train default", 1, "good")
    assert told.cause == "Now: 6 of 100 calls within 10 minutes."


async def test_an_account_that_breaks_in_several_trains_is_told_itself(
    database: Database, connection: Connection
) -> None:
    """Too few in each train, enough together; and a stream that began long ago and stalled now is among them."""
    await broken(connection, NOW - MINUTE, 3, train="atlas")
    await broken(connection, NOW - 2 * MINUTE, 2, train="borealis")
    long_ago = {"started_at": NOW - 25 * MINUTE, "ended_at": NOW - MINUTE}
    await broken(connection, NOW - 25 * MINUTE, 1, train="borealis", outcome="upstream_timeout", columns=long_ago)
    await look(database, NOW)
    [(subject, _, _, told)] = await said(connection)
    assert (subject, told.title) == ("account key-0123456789ab", "key-0123456789ab: 6 calls broke within 10 minutes")
    assert dict(told.fields)["Trains"] == "atlas, borealis"
    assert "accountId=key-0123456789ab" in told.path


@pytest.mark.parametrize(
    ("at", "zone", "now", "day"),
    [
        ("08:00", "UTC", "2026-11-20 07:59", None),
        ("08:00", "UTC", "2026-11-20 08:00", "2026-11-20"),
        ("08:00", "UTC", "2026-11-20 19:59", "2026-11-20"),
        ("08:00", "UTC", "2026-11-20 20:00", None),  # too late
        ("20:00", "UTC", "2026-11-21 02:00", "2026-11-20"),
        ("08:00", "Europe/Zurich", "2026-11-20 07:00", "2026-11-20"),
        ("02:30", "Europe/Zurich", "2026-03-29 01:30", "2026-03-29"),  # an hour that there is not
        ("00:00", "Asia/Kathmandu", "2026-11-20 18:15", "2026-11-21"),
    ],
)
def test_a_digest_is_due_at_its_hour_and_not_half_a_day_later(at: str, zone: str, now: str, day: str | None) -> None:
    """By the clock of its zone."""
    found = due(time.fromisoformat(at), ZoneInfo(zone), datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (None if day is None else date.fromisoformat(day))


async def digest(connection: Connection, train: str, zone: str = "UTC") -> None:
    """From now on the train wants one at eight."""
    await connection.execute("INSERT INTO trains (name) VALUES ($1) ON CONFLICT DO NOTHING", train)
    await connection.execute(
        "INSERT INTO train_feeds (train, digest, zone, changed_by) SELECT train, true, $2, 'a' FROM trains"
        " WHERE name = $1",
        train,
        zone,
    )


async def test_the_day_before_is_told_once(database: Database, connection: Connection) -> None:
    """What was used in it, what it cost as far as that is known, and its dearest conversation."""
    eight = FRIDAY.replace(hour=8, minute=0)
    for at, model, number in (
        (eight - 32 * HOUR, "claude-opus-5-5", 7),  # midnight: of the day
        (eight - 10 * HOUR, "claude-nova-1", 2),
        (eight - 8 * HOUR, "claude-haiku-5-5", 4),  # midnight: of the next
        (eight - 33 * HOUR, "claude-haiku-5-5", 5),
    ):
        cost = None if "nova" in model else Decimal(number)
        await usage_seeds.used(connection, at, model=model, requests=number, errors=1, cost=cost)
    await usage_seeds.talk(connection, eight - 20 * HOUR, "Cheap", Decimal(1), number=1)
    dear = await usage_seeds.talk(connection, eight - 20 * HOUR, "Port the parser", Decimal(5), number=2)
    await digest(connection, "atlas")
    await look(database, eight - MINUTE)
    assert await said(connection) == []
    for minute in (0, 1, 600):
        await look(database, eight + minute * MINUTE)
    [(subject, _, tone, told)] = await said(connection)
    assert (subject, tone, told.title) == ("train atlas", "info", "atlas: Thursday, 19 November")
    fields = {name: value.replace("\u202f", " ") for name, value in told.fields}
    assert (fields["Train"], fields["Calls"], fields["Failed"]) == ("atlas", "9", "2")
    assert fields["Tokens"] == "672.0 k in, 10.5 k out"
    assert fields["Cost"] == "$7.00 and 1 call without a price"
    assert told.lines == (
        "claude-opus-5-5: 7 calls, $7.00",
        "claude-nova-1: 2 calls, unknown: 1 call without a price",
        "Dearest conversation: $5.00 in all",
    )
    assert told.path == f"/conversations/{dear}"
    assert await connection.fetchval("SELECT expires_at FROM alerts") == eight + 12 * HOUR
    await look(database, eight + 24 * HOUR)
    assert len(await said(connection)) == 2


async def test_a_digest_quotes_users_only_where_the_feed_is_wanted(database: Database, connection: Connection) -> None:
    """The title of a conversation is what its user wrote first."""
    eight = FRIDAY.replace(hour=8, minute=0)
    await usage_seeds.used(connection, eight - 20 * HOUR, model="claude-opus-5-5", requests=1, cost=Decimal(1))
    await usage_seeds.talk(connection, eight - 20 * HOUR, "Port the parser", Decimal(5), number=1)
    await digest(connection, "atlas")
    await look(database, eight)
    await connection.execute("DELETE FROM alerts")
    await connection.execute("UPDATE train_feeds SET feed = true")
    await look(database, eight)
    [(_, _, _, told)] = await said(connection)
    assert told.lines[-1] == "Dearest conversation: Port the parser, $5.00 in all"


async def test_a_day_without_calls_and_one_that_is_too_late(database: Database, connection: Connection) -> None:
    """The first is said as such; who was away all day does not tell it at night."""
    await digest(connection, "idle", "Europe/Zurich")
    await look(database, FRIDAY.replace(hour=19, minute=1))
    assert await said(connection) == []
    await look(database, FRIDAY.replace(hour=7, minute=1))
    [(_, _, _, told)] = await said(connection)
    assert told.title == "idle: Thursday, 19 November: no calls"
    assert told.path == "/overview?trainId=idle"
