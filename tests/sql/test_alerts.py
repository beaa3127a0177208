"""The outbox: an alert is raised once, and a switched-off or snoozed one is kept as dropped."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from core.alerts.kinds import Kind, Tone
from core.alerts.outbox import columns
from core.alerts.told import Alert, Told
from sql.database import Database
from sql.rows.alerts import AlertRaised, RunningAlert

pytestmark = pytest.mark.postgres


def made(key: str, kind: Kind = Kind.BURST, subject: str = "train 1") -> Alert:
    """An alert with this dedupe key."""
    return Alert(kind, subject, key, Tone.DANGER, Told(title="12 errors in 10 minutes"))


async def states(connection: "asyncpg.Connection[asyncpg.Record]") -> list[tuple[str, str, str | None]]:
    """Key, state and reason of every alert."""
    return [tuple(row) for row in await connection.fetch("SELECT dedupe_key, state, reason FROM alerts ORDER BY 1")]


async def test_the_same_alert_is_raised_once_by_any_number_of_writers(
    database: Database, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Writers beside one another give one row, and each learns whether it was new."""
    given = columns([made("a"), made("b")])
    told = await asyncio.gather(*(database.fetch("alerts_raise", AlertRaised, *given) for _ in range(4)))
    assert sorted(one.dedupe_key for found in told for one in found) == ["a", "b"]
    assert await states(connection) == [("a", "waiting", None), ("b", "waiting", None)]


async def test_what_is_switched_off_or_snoozed_is_kept_and_not_told(
    database: Database, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """It stands in the log with the reason. A snooze holds for its subject, or for a whole kind, until it is over."""
    await connection.execute(
        "INSERT INTO alert_rules (kind, enabled, thresholds, minimum_interval, zone, changed_by)"
        " VALUES ('lag', false, '{60}', '1 minute', 'UTC', 'ada')"
    )
    now = datetime.now(UTC)
    await connection.executemany(
        "INSERT INTO alert_snoozes VALUES ($1, $2, $3, 'ada')",
        [("burst", "train 1", now + timedelta(hours=1)), ("burst", "train 2", now - timedelta(hours=1))],
    )
    raised = [made("1"), made("2", subject="train 2"), made("3", kind=Kind.LAG)]
    assert len(await database.fetch("alerts_raise", AlertRaised, *columns(raised))) == 3
    assert await states(connection) == [
        ("1", "dropped", "snoozed by ada"),
        ("2", "waiting", None),
        ("3", "dropped", "its rule is switched off"),
    ]


async def test_what_is_over_is_over_once(database: Database) -> None:
    """A running alert is listed until it is over, and ended by one of those that saw it."""
    await database.execute("alerts_raise", *columns([made("a")]))
    [running] = await database.fetch("alerts_running", RunningAlert)
    assert (running.dedupe_key, running.told["title"]) == ("a", "12 errors in 10 minutes")
    ended = await asyncio.gather(*(database.fetch("alerts_over", RunningAlert, [running.alert]) for _ in range(3)))
    assert sum(map(len, ended)) == 1
    assert await database.fetch("alerts_running", RunningAlert) == []
