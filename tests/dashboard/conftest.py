"""The real dashboard on a real Postgres, and clients of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from core.settings import Settings
from dashboard.app import make_app
from sql.database import Database
from tests import recordings
from tests.notified import Stage, staged

AppClient = TestClient[Any, Any]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a dashboard without configuration: loopback, no key."""
    return Settings(data_dir=tmp_path)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Settings, Database], Awaitable[AppClient]]]:
    """Starts a dashboard and gives a client of it; all are stopped after the test."""
    clients: list[AppClient] = []

    async def start(settings: Settings, database: Database) -> AppClient:
        client: AppClient = TestClient(TestServer(make_app(settings, database)))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
async def client(
    settings: Settings, database: Database, serve: Callable[[Settings, Database], Awaitable[AppClient]]
) -> AppClient:
    """A client of a dashboard on this test's database."""
    return await serve(settings, database)


@pytest.fixture
async def seeded(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, UUID]:
    """One recorded call of each kind in this test's database; ids by name (``tests.recordings.SEEDS``)."""
    return await recordings.seed(connection)


@pytest.fixture
async def stage(
    database: Database, connection: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> AsyncIterator[Stage]:
    """Notifiers, channels and a Slack of this test's own."""
    async with staged(database, connection, tmp_path) as made:
        yield made
