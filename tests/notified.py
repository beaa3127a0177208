"""A notifier between a real database and a local Slack, in a time that only the test moves."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from core.alerts.kinds import Kind
from core.settings import Settings
from dashboard.notifier.service import Notifier
from dashboard.sealing import seal
from dashboard.secret import sealing_key
from sql.database import Database
from tests.slack import CHANNEL, TOKEN, Slack

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
KEY = "0123456789abcdef" * 4
Connection = asyncpg.Connection


@dataclass
class Clock:
    """The time."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Now."""
        return self.now

    def on(self, **by: float) -> None:
        """Move it on."""
        self.now += timedelta(**by)


@dataclass
class Stage:
    """Everything a dialogue with the notifier needs."""

    database: Database
    rows: Connection
    slack: Slack
    clock: Clock
    settings: Settings
    waits: list[float] = field(default_factory=list)

    def notifier(self, **other: Any) -> Notifier:
        """One more notifier; its pauses move the clock."""
        given = {"clock": self.clock, "pause": self.pause} | other
        return Notifier(self.database, self.settings, **given)

    async def pause(self, seconds: float) -> None:
        """Time goes by at once."""
        self.waits.append(seconds)
        self.clock.on(seconds=seconds)

    async def raised(self, kind: Kind = Kind.WINDOW, title: str = "x", **columns: Any) -> int:
        """An alert that was raised now."""
        count = await self.rows.fetchval("SELECT count(*) FROM alerts")
        given: dict[str, Any] = {
            "kind": str(kind), "subject": title, "dedupe_key": f"{kind}:{count}", "tone": "warning",
            "told": json.dumps({"title": title}), "raised_at": self.clock.now, "due_at": self.clock.now,
        } | columns  # fmt: skip
        names = ", ".join(given)
        places = ", ".join(f"${place}" for place in range(1, len(given) + 1))
        row: int = await self.rows.fetchval(
            f"INSERT INTO alerts ({names}) VALUES ({places}) RETURNING alert",  # noqa: S608
            *given.values(),
        )
        return row

    async def webhook(self, **columns: Any) -> int:
        """A webhook of the page."""
        return await self._channel("webhook", self.slack.webhook, None, columns)

    async def bot(self, **columns: Any) -> int:
        """A bot of the page."""
        return await self._channel("bot", TOKEN, CHANNEL, columns)

    async def _channel(self, kind: str, secret: str, destination: str | None, columns: dict[str, Any]) -> int:
        number = await self.rows.fetchval("SELECT nextval('channels_channel_seq')::integer")
        key = sealing_key(self.settings)
        assert key is not None
        given = {
            "channel": number, "name": f"channel {number}", "kind": kind, "origin": "page", "masked": "…",
            "destination": destination, "created_by": "ada",
            "sealed": seal(secret, f"channels|{number}|sealed", key),
        } | columns  # fmt: skip
        names = ", ".join(given)
        places = ", ".join(f"${place}" for place in range(1, len(given) + 1))
        await self.rows.execute(
            f"INSERT INTO channels ({names}) OVERRIDING SYSTEM VALUE VALUES ({places})",  # noqa: S608
            *given.values(),
        )
        return int(number)

    async def states(self) -> list[tuple[int, str, str | None]]:
        """Number, state and reason of every alert."""
        return [tuple(row) for row in await self.rows.fetch("SELECT alert, state, reason FROM alerts ORDER BY alert")]

    async def column(self, name: str, table: str = "alerts") -> list[Any]:
        """One column, in the order of the rows."""
        order = {"alerts": "alert", "channels": "channel", "alert_deliveries": "delivery"}[table]
        statement = f"SELECT {name} FROM {table} ORDER BY {order}"  # noqa: S608
        return [row[0] for row in await self.rows.fetch(statement)]

    async def text(self) -> str:
        """Everything the database holds about alerts, as text."""
        tables = ("alerts", "channels", "alert_deliveries")
        return "\n".join([str(row) for table in tables for row in await self.rows.fetch(f"TABLE {table}")])


@asynccontextmanager
async def staged(database: Database, rows: Connection, folder: Path) -> AsyncIterator[Stage]:
    """A stage whose environment lists the local Slack."""
    clock = Clock()
    async with Slack(clock) as slack:
        settings = Settings(
            data_dir=folder,
            secret_key=KEY,
            webhook_hosts=f"hooks.slack.com,127.0.0.1:{slack.port}",
            slack_api_url=slack.api,
        )
        yield Stage(database, rows, slack, clock, settings)
