"""The watcher of alerts on a real Postgres: what it raises, once, and what it sees end."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.alerts.told import Told
from dashboard.alerts import budgets, watcher
from dashboard.alerts.watcher import look
from sql.database import Database
from tests import observed, usage_seeds

pytestmark = pytest.mark.postgres
Connection = "asyncpg.Connection[asyncpg.Record]"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def now() -> datetime:
    """The moment of the first look: the server's clock is near it, as it is near a dashboard's."""
    return datetime.now(UTC).replace(microsecond=0)


async def raised(connection: Connection, *kinds: str) -> list[tuple[Any, ...]]:
    """Kind, what it answers to, tone and title of alerts, in the order they were raised."""
    rows = await connection.fetch(
        "SELECT kind, recovery_of, tone, told->>'title' AS title FROM alerts WHERE kind = ANY ($1) OR $1 = '{}'"
        " ORDER BY alert",
        list(kinds),
    )
    return [tuple(row) for row in rows]


async def titles(connection: Connection, *kinds: str) -> list[str]:
    """What is said, in the order it was raised."""
    return [row[3].replace("\u202f", " ") for row in await raised(connection, *kinds)]


async def told(connection: Connection) -> Told:
    """All that is said in the newest alert."""
    return Told.model_validate_json(await connection.fetchval("SELECT told FROM alerts ORDER BY alert DESC LIMIT 1"))


async def window(connection: Connection, at: datetime, used: float, reset: datetime, name: str = "acct-1") -> int:
    """What the provider says of an account's five hours."""
    account = await observed.number(connection, name)
    await observed.say(connection, account, "5h", [(at, used)], reset=reset)
    return account


async def test_what_was_snoozed_is_told_when_it_still_lasts(
    database: Database, connection: Connection, now: datetime
) -> None:
    """Not before, not twice, and nothing of what is over by then; a rule that is on again tells it likewise."""
    for name, used in (("acct-1", 0.99), ("acct-2", 0.8)):
        await window(connection, now, used, now + 5 * HOUR, name)
    await connection.execute("INSERT INTO alert_snoozes VALUES ('window', '', $1, 'ada')", now + HOUR)
    await look(database, now)
    await window(connection, now + 59 * MINUTE, 0.2, now + 5 * HOUR, "acct-2")
    await window(connection, now + 59 * MINUTE, 0.99, now + 5 * HOUR)
    said = "SELECT state FROM alerts WHERE kind = 'window' AND subject = 'acct-1/5h'"
    for minute, state in ((59, "dropped"), (61, "waiting")):
        await look(database, now + minute * MINUTE)
        assert await connection.fetchval(said) == state
    waiting = "SELECT subject FROM alerts WHERE kind = 'window' AND state = 'waiting' AND recovery_of IS NULL"
    assert [row[0] for row in await connection.fetch(waiting)] == ["acct-1/5h"]
    await connection.execute("UPDATE alerts SET state = 'dropped', reason = 'its rule is switched off'")
    await connection.execute("UPDATE alerts SET acknowledged_at = $1, acknowledged_by = 'ada'", now)
    await look(database, now + 62 * MINUTE)
    assert await connection.fetchval(said) == "dropped"
    await connection.execute("UPDATE alerts SET acknowledged_at = NULL, acknowledged_by = NULL")
    await look(database, now + 62 * MINUTE)
    assert await connection.fetchval(said) == "waiting"


async def test_a_window_is_told_at_each_threshold_and_when_it_is_reset(
    database: Database, connection: Connection, now: datetime
) -> None:
    """Once a threshold however often it is looked at, with the account's number; one recovery for all of them."""
    reset = now + 2 * HOUR
    account = await window(connection, now, 0.76, reset)
    await look(database, now)
    await look(database, now + MINUTE)
    await window(connection, now + 2 * MINUTE, 0.97, reset)
    for minute in (2, 3):
        await look(database, now + minute * MINUTE)
    assert await titles(connection) == ["acct-1: window of 5 hours, 76 % used", "acct-1: window of 5 hours, 97 % used"]
    row = await connection.fetchrow("SELECT account, train, expires_at, subject FROM alerts LIMIT 1")
    assert tuple(row or ()) == (account, None, reset, "acct-1/5h")
    said = await told(connection)
    assert said.path == "/windows/acct-1?window=5h"
    assert dict(said.fields)["Resets"] == f"{reset:%a} {reset.day} {reset:%b %H:%M} UTC"
    await look(database, reset + MINUTE)
    await look(database, reset + 2 * MINUTE)
    assert (await raised(connection))[2:] == [("window", 2, "good", "Over: acct-1: window of 5 hours, 97\u202f% used")]
    assert (await told(connection)).cause == "The window was reset."
    still = "SELECT count(*) FROM alerts WHERE recovered_at IS NULL AND recovery_of IS NULL"
    assert await connection.fetchval(still) == 0
    # The next window is another incident.
    await window(connection, reset + HOUR, 0.8, reset + 5 * HOUR)
    await look(database, reset + HOUR)
    assert len(await raised(connection)) == 4


async def test_a_window_that_wavers_around_a_threshold_is_told_once(
    database: Database, connection: Connection, now: datetime
) -> None:
    """It is over five points below; then it may be told again."""
    reset = now + 2 * HOUR
    for minute, used in enumerate((0.76, 0.74, 0.75, 0.71)):
        await window(connection, now + minute * MINUTE, used, reset)
        await look(database, now + minute * MINUTE)
    assert len(await raised(connection)) == 1
    await window(connection, now + 5 * MINUTE, 0.69, reset)
    await look(database, now + 5 * MINUTE)
    assert (await told(connection)).cause == "Now: 69\u202f%."
    await window(connection, now + 6 * MINUTE, 0.75, reset)
    await look(database, now + 6 * MINUTE)
    assert [row[1] for row in await raised(connection, "window")] == [None, 1, None]


async def test_a_window_without_an_end_and_one_that_is_not_heard_of_are_over_too(
    database: Database, connection: Connection, now: datetime
) -> None:
    """Five hours after the last word, or when an account is forgotten."""
    account = await observed.number(connection, "acct-1")
    await observed.say(connection, account, "5h", [(now, 0.8)])
    await observed.say(connection, account, "odd", [(now, 0.8)])
    await look(database, now)
    await look(database, now + 4 * HOUR)
    assert len(await raised(connection)) == 2
    await look(database, now + 6 * HOUR)
    assert (await told(connection)).cause == "The window was reset."
    await connection.execute("DELETE FROM account_windows")
    await look(database, now + 7 * HOUR)
    assert (await told(connection)).cause == "Nothing was said of it for days."
    assert len(await raised(connection)) == 4


async def test_only_what_is_reported_and_still_true_is_told(
    database: Database, connection: Connection, now: datetime
) -> None:
    """Nothing of a window that is over, of what was said long ago, or of what the usage endpoint says."""
    await window(connection, now - HOUR, 0.99, now - MINUTE, "over")
    await window(connection, now - 11 * MINUTE, 0.99, now + HOUR, "stale")
    polled = await observed.number(connection, "polled")
    await observed.say(connection, polled, "5h", [(now, 0.99)], reset=now + HOUR, source="polled")
    await look(database, now)
    assert await raised(connection) == []


async def test_a_window_that_runs_dry_is_told_once_for_its_end(
    database: Database, connection: Connection, now: datetime
) -> None:
    """However the forecast and the end waver, and with another number of the incident for the next window."""
    reset = now.replace(minute=0, second=0) + 4 * HOUR
    account = await observed.number(connection, "acct-1")
    samples: list[tuple[datetime, float | None]] = [(now - n * 5 * MINUTE, 0.7 - 0.05 * n) for n in range(10, -1, -1)]
    await observed.say(connection, account, "5h", samples, reset=reset)
    await look(database, now)
    [(_, _, tone, title)] = await raised(connection, "dry")
    assert (tone, title.startswith("acct-1: window of 5 hours runs dry about ")) == ("warning", True)
    await connection.execute("UPDATE alerts SET recovered_at = now()")
    await observed.say(connection, account, "5h", [(now + MINUTE, 0.72)], reset=reset + timedelta(seconds=40))
    await look(database, now + MINUTE)
    assert len(await raised(connection, "dry")) == 1


async def budget(connection: Connection, amount: int) -> None:
    """A budget of so many dollars a day, in UTC."""
    await connection.execute(
        "INSERT INTO budgets (train, unit, amount, period, zone, created_by) SELECT train, 'usd', $1, 'day', 'UTC', 'a'"
        " FROM trains ON CONFLICT (train, coalesce(key_id, ''), unit, period) DO UPDATE SET amount = excluded.amount",
        amount,
    )


async def test_a_budget_is_told_and_is_over_with_its_period_or_its_amount(
    database: Database, connection: Connection, now: datetime
) -> None:
    """Raised to the train; more money, a new day, or its deletion end it."""
    noon = now.replace(hour=12, minute=0, second=0)
    await usage_seeds.used(connection, noon - HOUR, cost=Decimal(96), requests=2)
    await budget(connection, 100)
    await look(database, noon)
    assert await titles(connection) == ["Budget of atlas: 96 % of $100.00 a day used"]
    await budget(connection, 200)
    await look(database, noon + MINUTE)
    assert (await told(connection)).cause == "Now: 48\u202f%."
    await budget(connection, 90)
    await look(database, noon + 2 * MINUTE)
    assert (await raised(connection))[2][2:] == ("danger", "Budget of atlas: 107\u202f% of $90.00 a day used")
    await look(database, noon + 24 * HOUR)
    assert (await told(connection)).cause == "Its period is over; a new one has begun."
    await usage_seeds.used(connection, noon + 24 * HOUR, cost=Decimal(96), requests=2)
    await look(database, noon + 24 * HOUR)
    await connection.execute("DELETE FROM budgets")
    await look(database, noon + 24 * HOUR)
    assert [row[1] for row in await raised(connection)] == [None, 1, None, 3, None, 5]
    assert (await told(connection)).cause == "The budget was taken back."


async def test_recorders_that_are_behind_or_silent_and_full_tapes(
    database: Database, connection: Connection, now: datetime
) -> None:
    """By the server's clock; each tape by itself, and no recorder at all said once instead."""
    await connection.execute(
        "INSERT INTO tape_positions (node, segment, segment_offset, lag_bytes, oldest_unrecorded_at, tape_bytes,"
        " tape_max_bytes) SELECT n, gen_random_uuid(), 0, 5000, now() - interval '3 minutes', 95, 100"
        " FROM unnest(ARRAY['host-0', 'host-1']) AS n"
    )
    await connection.execute(
        "UPDATE tape_positions SET oldest_unrecorded_at = NULL, tape_bytes = 7 WHERE node = 'host-1'"
    )
    await look(database, now)
    await look(database, now)
    assert await titles(connection) == ["The recorder of host-0 is 3 m behind", "The tape of host-0 is 95 % full"]
    await connection.execute("UPDATE tape_positions SET oldest_unrecorded_at = NULL, tape_bytes = 7, lag_bytes = 0")
    await look(database, now)
    assert [row[1:3] for row in await raised(connection)][2:] == [(1, "good"), (2, "good")]
    await connection.execute(
        "UPDATE tape_positions SET heartbeat_at = now() - interval '5 minutes' WHERE node = 'host-1'"
    )
    await look(database, now)
    assert len(await raised(connection)) == 4, "a node that had nothing left is not missed while others are heard"
    await connection.execute("UPDATE tape_positions SET heartbeat_at = now() - interval '5 minutes'")
    await look(database, now, watched=3 * SECOND)
    assert len(await raised(connection)) == 4, "whoever has just started does not know whether the recorder has too"
    await look(database, now, watched=MINUTE)
    await look(database, now, watched=3 * SECOND)
    assert (await titles(connection))[4:] == ["No recorder was heard of for 5 m"]
    await connection.execute("UPDATE tape_positions SET heartbeat_at = now()")
    await look(database, now)
    assert [row[1] for row in await raised(connection)][5:] == [5]


async def test_calls_put_aside_are_over_after_a_quiet_hour_and_models_when_they_have_a_price(
    database: Database, connection: Connection, now: datetime
) -> None:
    """What recorders raise ends here: all hours of dead letters with one word."""
    for kind, subject, key in (
        ("dead_letters", "recorder", "dead_letters:recorder:0:1"),
        ("dead_letters", "recorder", "dead_letters:recorder:0:2"),
        ("unknown_model", "atlas/nova-1", "unknown_model:atlas/nova-1:0:1"),
    ):
        await connection.execute(
            "INSERT INTO alerts (kind, subject, dedupe_key, tone, told) VALUES ($1, $2, $3, 'danger', $4)",
            kind, subject, key, Told(title=subject).model_dump_json(),
        )  # fmt: skip
    letter = "INSERT INTO dead_letters (request_id, node, train_name, error, raw, created_at)"
    await connection.execute(f"{letter} VALUES (gen_random_uuid(), 'n', 't', 'e', '', now() - interval '59 minutes')")
    await look(database, now)
    assert len(await raised(connection)) == 3
    await connection.execute("UPDATE dead_letters SET created_at = now() - interval '61 minutes'")
    price = (
        "INSERT INTO prices (model, input, output, cache_write_5m, cache_write_1h, cache_read, created_by, valid_from)"
    )
    await connection.execute(f"{price} VALUES ('nova-1', 1, 1, 1, 1, 1, 'ada', now() + interval '1 day')")
    await look(database, now)
    assert [row[:2] for row in await raised(connection)][3:] == [("dead_letters", 2)]
    await look(database, now + timedelta(days=2))
    assert [row[:2] for row in await raised(connection)][4:] == [("unknown_model", 3)]


async def test_watchers_beside_one_another_tell_each_thing_once(
    database_url: str, connection: Connection, now: datetime
) -> None:
    """Also its end, and the next incident."""
    many = [Database.create(database_url, application="test") for _ in range(3)]
    reset = now + HOUR
    try:
        for at, used, expected in ((now, 0.8, 1), (now + MINUTE, 0.5, 2), (now + 2 * MINUTE, 0.97, 3)):
            await window(connection, at, used, reset)
            await asyncio.gather(*(look(one, at) for one in many * 2))
            assert len(await raised(connection)) == expected
    finally:
        for one in many:
            await one.close()


async def test_the_rules_decide(database: Database, connection: Connection, now: datetime) -> None:
    """Other thresholds, and a zone for the times; what is switched off is not raised, and what was still ends."""
    await connection.execute(
        "INSERT INTO alert_rules (kind, enabled, thresholds, minimum_interval, zone, changed_by)"
        " VALUES ('window', true, '{40}', '0', 'Europe/Zurich', 'ada')"
    )
    await window(connection, now, 0.5, now + HOUR)
    await look(database, now)
    assert ("Threshold", "40 %") in (await told(connection)).fields
    assert dict((await told(connection)).fields)["Resets"].endswith((" CET", " CEST"))
    await connection.execute("UPDATE alert_rules SET enabled = false, thresholds = '{10}'")
    await window(connection, now + MINUTE, 0.2, now + HOUR)
    await look(database, now + MINUTE)
    assert [row[1] for row in await raised(connection)] == [None, 1]


async def test_one_parts_trouble_is_not_the_others(
    database: Database, connection: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    """It stands in the log, without a word of what it was about."""

    async def fail(*_: object) -> None:
        raise ValueError("hush")

    monkeypatch.setattr(budgets, "look", fail)
    monkeypatch.setattr("dashboard.alerts.windows.look", fail)
    await connection.execute(
        "INSERT INTO tape_positions (node, segment, segment_offset, heartbeat_at)"
        " VALUES ('n', gen_random_uuid(), 0, now() - interval '2 hours')"
    )
    await look(database, now)
    assert await titles(connection) == ["No recorder was heard of for 2 h 00 m"]
    logged = capfd.readouterr().err
    assert "alerts budgets" in logged
    assert "alerts windows" in logged
    assert "hush" not in logged


async def test_it_looks_soon_and_then_every_minute_whatever_happens(
    database: Database, connection: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that fails is followed by the next one."""
    waits: list[timedelta] = []
    await window(connection, now, 0.8, now + HOUR)

    async def wait(span: timedelta) -> None:
        waits.append(span)
        if len(waits) == 2:
            monkeypatch.undo()
        if len(waits) == 3:
            raise asyncio.CancelledError

    async def fail(*_: object, **__: object) -> None:
        raise ValueError

    monkeypatch.setattr(watcher, "look", fail)
    with pytest.raises(asyncio.CancelledError):
        await watcher.run(database, 90 * 24 * HOUR, clock=lambda: now, wait=wait)
    assert waits == [watcher.FIRST, watcher.EVERY, watcher.EVERY]
    assert len(await raised(connection)) == 1
