"""The log of alerts is kept for as many days as the setting says, and what still matters for longer."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.alerts import watcher
from sql.database import Database

pytestmark = pytest.mark.postgres
Connection = "asyncpg.Connection[asyncpg.Record]"
DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    """The moment of the look."""
    return datetime.now(UTC).replace(microsecond=0)


async def logged(connection: Connection, at: datetime, key: str, kind: str = "feed", **columns: Any) -> int:
    """An alert that was raised at a moment, sent unless said otherwise."""
    given = {"kind": kind, "subject": key, "dedupe_key": key, "tone": "info", "told": "{}", "raised_at": at} | columns
    if given.setdefault("state", "sent") == "sent":
        given["sent_at"] = at
    names, places = ", ".join(given), ", ".join(f"${place}" for place in range(1, len(given) + 1))
    row = await connection.fetchval(
        f"INSERT INTO alerts ({names}) VALUES ({places}) RETURNING alert",  # noqa: S608
        *given.values(),
    )
    await connection.execute("INSERT INTO alert_deliveries (alert, outcome, detail) VALUES ($1, 'sent', 'x')", row)
    return int(row)


async def test_what_is_old_and_matters_to_nobody_is_forgotten(
    database: Database, connection: Connection, now: datetime
) -> None:
    """With its tries. What is open, still to be told or referred to by such stays; what is younger, too."""
    old, due = now - 91 * DAY, {"state": "waiting"}
    for name in ("sent", "dropped", "failed", "unsure"):
        await logged(connection, old, name, state=name)
    over = await logged(connection, old, "over", "window", recovered_at=old)
    await logged(connection, old, "its recovery", "window", recovery_of=over)
    summary = await logged(connection, old, "summary", "summary")
    await logged(connection, old, "summed", state="summed", summed_in=summary)
    await logged(connection, now - 89 * DAY, "young")
    await logged(connection, old, "open", "window")
    await logged(connection, old, "snoozed", "unknown_model", state="dropped", reason="snoozed by ada")
    await logged(connection, old, "waiting", **due)
    told = await logged(connection, old, "over, its end not told", "window", recovered_at=old)
    await logged(connection, old, "end to be told", "window", recovery_of=told, **due)
    held = await logged(connection, old, "summary to be told", "summary", **due)
    await logged(connection, old, "in it", state="summed", summed_in=held)
    kept = [
        "young",
        "open",
        "snoozed",
        "waiting",
        "over, its end not told",
        "end to be told",
        "summary to be told",
        "in it",
    ]
    for _ in range(3):
        await watcher.forget(database, now - 90 * DAY)
    assert [row["dedupe_key"] for row in await connection.fetch("SELECT dedupe_key FROM alerts ORDER BY alert")] == kept
    assert await connection.fetchval("SELECT count(*) FROM alert_deliveries") == len(kept)


async def test_a_watcher_forgets_a_part_at_a_time(
    database: Database, connection: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest first, with every look, as long as the setting says."""
    monkeypatch.setattr(watcher, "MOST_FORGOTTEN", 2)
    for days in (99, 95, 97, 93, 89):
        await logged(connection, now - days * DAY, f"{days}")
    left = []

    async def wait(span: timedelta) -> None:
        del span
        left.append(
            [row["dedupe_key"] for row in await connection.fetch("SELECT dedupe_key FROM alerts ORDER BY alert")]
        )
        if len(left) == 4:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await watcher.run(database, 90 * DAY, clock=lambda: now, wait=wait)
    assert left[1:] == [["95", "93", "89"], ["89"], ["89"]]
