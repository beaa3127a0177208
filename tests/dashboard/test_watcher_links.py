"""Every alert leads to a page that is there."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from core.alerts.kinds import RULED
from dashboard.alerts.watcher import look
from sql.database import Database
from tests import observed, usage_seeds
from tests.dashboard.conftest import AppClient
from tests.proxy.test_recorder_faults import refuse
from tests.recordings import Recorded, insert
from tests.taping import Taping, answered, drained, now_ms

pytestmark = pytest.mark.postgres
Connection = "asyncpg.Connection[asyncpg.Record]"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def recorded(database_url: str, connection: Connection, folder: Path) -> None:
    """What recorders raise: a turn, a model without a price, a call put aside."""
    await connection.execute("INSERT INTO trains (name) VALUES ('default')")
    await connection.execute(
        "INSERT INTO train_feeds (train, feed, digest, digest_at, zone, changed_by)"
        " SELECT train, true, true, (now() AT TIME ZONE 'UTC' - interval '1 minute')::time, 'UTC', 'ada' FROM trains"
    )
    await refuse(connection, "requests", "NEW.answered_model = 'poison'")
    with Taping(folder / "tape" / "host-0", now_ms()) as tape:
        tape.whole()
        tape.whole(says=answered(model="claude-nova-1"))
        tape.whole(says=answered(model="poison"))
    await drained(database_url, folder)


async def test_every_kind_is_raised_and_leads_somewhere(
    database: Database, database_url: str, connection: Connection, client: AppClient, tmp_path: Path
) -> None:
    """With the names of accounts and trains that an address must escape."""
    now = datetime.now(UTC)
    await recorded(database_url, connection, tmp_path)
    account = await observed.number(connection, "team+a/b@example.com")
    await observed.say(
        connection, account, "5h", [(now - n * 5 * MINUTE, 0.8 - 0.05 * n) for n in range(11, -1, -1)],
        reset=now + 2 * HOUR,
    )  # fmt: skip
    await usage_seeds.used(connection, now, train="default", cost=Decimal(96))
    await connection.execute(
        "INSERT INTO budgets (train, unit, amount, period, zone, created_by)"
        " SELECT train, 'usd', 100, 'day', 'UTC', 'a' FROM trains"
    )
    for n in range(9):
        await insert(connection, Recorded(outcome="upstream_error", status_code=529), at=now - MINUTE, number=n)
    await connection.execute(
        "UPDATE tape_positions SET oldest_unrecorded_at = now() - interval '3 minutes', tape_bytes = 9,"
        " tape_max_bytes = 9"
    )
    await look(database, now)
    rows = await connection.fetch("SELECT kind, told->>'path' AS path FROM alerts")
    assert {row["kind"] for row in rows} == {str(kind) for kind in RULED}
    for row in rows:
        answer = await client.get(row["path"], allow_redirects=False)
        assert answer.status == 200, row["path"]
        assert urlsplit(row["path"]).netloc == ""
