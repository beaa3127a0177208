"""``python -m dashboard`` tells Slack by itself, and ends soon whatever Slack does."""

import signal
from pathlib import Path

import asyncpg
import pytest

from core.alerts.outbox import columns
from sql.database import Database
from sql.rows.alerts import AlertRaised
from tests.dashboard.test_process import ended, running
from tests.slack import HANG, SECRET, Slack
from tests.sql.test_alerts import made

pytestmark = pytest.mark.product


async def raise_one(database: Database) -> None:
    """Put an alert into the outbox."""
    assert len(await database.fetch("alerts_raise", AlertRaised, *columns([made("a")]))) == 1


async def told(slack: Slack, stop: int, database_url: str, tmp_path: Path, database: Database) -> list[str]:
    """What the dashboard logged between its start and its end by a signal, once Slack had heard a message."""
    variables = {"FOOTPLATE_DATA_DIR": str(tmp_path), "SLACK_WEBHOOK_URL": slack.webhook}
    async with running(DATABASE_URL=database_url, **variables) as (process, url):
        await raise_one(database)
        await slack.arrived.wait()
        assert slack.got[0].payload["attachments"][0]["title_link"] == f"{url}/"
        process.send_signal(stop)
        code, lines = await ended(process)
    assert code == 0
    return lines


async def test_an_alert_is_told_with_nothing_but_the_webhooks_address(
    database_url: str, database: Database, connection: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    """One variable is all it takes; the message links to the page; a stop ends it at once, without a word."""
    async with Slack() as slack:
        assert await told(slack, signal.SIGTERM, database_url, tmp_path, database) == []
        assert slack.texts == ["12 errors in 10 minutes"]
    assert await connection.fetchval("SELECT state FROM alerts") == "sent"
    assert SECRET not in str(await connection.fetch("TABLE channels")) + str(await connection.fetch("TABLE alerts"))


async def test_a_stop_gives_back_what_slack_does_not_answer(
    database_url: str, database: Database, connection: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    """It does not wait for a Slack that hangs: the alert waits for the next dashboard."""
    async with Slack(always=HANG) as slack:
        assert await told(slack, signal.SIGTERM, database_url, tmp_path, database) == []
        assert [tuple(row) for row in await connection.fetch("SELECT state, lost_marks FROM alerts")] == [
            ("waiting", 1)
        ]
        slack.always = 200
        slack.arrived.clear()
        async with running(
            DATABASE_URL=database_url, FOOTPLATE_DATA_DIR=str(tmp_path), SLACK_WEBHOOK_URL=slack.webhook
        ):
            await slack.arrived.wait()
        assert slack.texts == ["12 errors in 10 minutes"]
