"""Single commands that need the database for a while: record, migrate."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from core.errors import AlreadyRunningError, FootplateError
from core.settings import Settings
from deploy.folder import prepare
from deploy.postgres import EmbeddedPostgres
from deploy.processes import module_command, spawn
from deploy.settings import child_environment
from sql import migrator
from sql.errors import DatabaseError

SIGNALLED = 128


def record(settings: Settings, *, once: bool) -> int:
    """Run the recorder until it ends; its exit code. Raises FootplateError."""
    with _database_at_hand(settings) as url:
        told = settings.model_copy(update={"database_url": url})
        return asyncio.run(_attend(told, "record", *(["--once"] if once else [])))


def rebuild(settings: Settings, *, train: str | None, since: datetime | None) -> int:
    """Derive usage, cost and conversations again from what is stored; the exit code. Raises FootplateError."""
    arguments = [*(("--train", train) if train else ()), *(("--since", since.isoformat()) if since else ())]
    with _database_at_hand(settings) as url:
        told = settings.model_copy(update={"database_url": url})
        return asyncio.run(_attend(told, "rebuild", *arguments))


def reprice(
    settings: Settings, *, train: str | None, since: datetime | None, until: datetime | None, dry_run: bool
) -> int:
    """Price recorded requests again; the exit code. Raises FootplateError."""
    arguments = [
        *(("--train", train) if train else ()),
        *(("--since", since.isoformat()) if since else ()),
        *(("--until", until.isoformat()) if until else ()),
        *(("--dry-run",) if dry_run else ()),
    ]
    with _database_at_hand(settings) as url:
        told = settings.model_copy(update={"database_url": url})
        return asyncio.run(_attend(told, "reprice", *arguments))


def migrate(settings: Settings) -> tuple[str, ...]:
    """Migrate the database; names of the files applied. Raises FootplateError."""
    with _database_at_hand(settings, migrated=False) as url:
        return _migrated(url)


@contextmanager
def _database_at_hand(settings: Settings, *, migrated: bool = True) -> Iterator[str]:
    """The URL of DATABASE_URL, else of the server a running `up` has, else of the embedded one, started meanwhile."""
    if settings.database_url:
        yield settings.database_url
        return
    prepare(settings.data_dir)
    server = EmbeddedPostgres(settings.data_dir / "pg")
    try:
        server.start()
    except AlreadyRunningError:
        yield server.url
        return
    try:
        if migrated:
            _migrated(server.url)
        yield server.url
    finally:
        server.stop()


def _migrated(url: str) -> tuple[str, ...]:
    try:
        return asyncio.run(migrator.migrate(url))
    except DatabaseError as exc:
        raise FootplateError(f"database: {exc}") from exc


async def _attend(settings: Settings, *arguments: str) -> int:
    process = await spawn(module_command("proxy", *arguments), child_environment(settings))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.terminate)
    code = await process.wait()
    return code if code >= 0 else SIGNALLED - code
