"""The database of one machine, made ready: started when it is ours, migrated in any case."""

import asyncio
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from core.errors import FootplateError
from core.settings import Settings
from deploy.keeper import Backoff, cause, say
from deploy.postgres import EmbeddedPostgres
from deploy.postgres_binaries import find
from deploy.postgres_process import PostgresFailedError
from sql.errors import DatabaseError
from sql.migrator import migrate

POLL_SECONDS = 1.0


class Database(Protocol):
    """What the supervisor needs of a database."""

    url: str
    title: str
    migrated: asyncio.Event
    tried: asyncio.Event
    """Set when it is migrated, or the first attempt failed."""

    async def run(self) -> None:
        """Keep it running, if it is ours. Raises FootplateError when it can never start like this."""

    async def migrate(self) -> None:
        """Bring its schema up to date, as soon as it can be reached."""

    async def close(self) -> None:
        """Leave it in good order."""


def database(settings: Settings) -> Database:
    """The server that DATABASE_URL names, or the embedded one in the data folder. Raises BadSettingError."""
    if settings.database_url:
        return ExternalDatabase(settings.database_url)
    return EmbeddedDatabase(settings.data_dir / "pg")


class ExternalDatabase:
    """Somebody else's server: only migrated."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.migrated, self.tried = asyncio.Event(), asyncio.Event()
        parts = urlsplit(url)
        self.title = f"{parts.hostname or 'local socket'}{parts.path}"  # never the password

    async def run(self) -> None:
        """It is not ours."""

    async def migrate(self) -> None:
        """Bring its schema up to date, as soon as it can be reached."""
        await migrate_patiently(self.url, self.tried)
        self.migrated.set()

    async def close(self) -> None:
        """Nothing to do."""


class EmbeddedDatabase:
    """Our own server: started, started again when it dies, stopped last."""

    def __init__(self, folder: Path) -> None:
        self.title = f"embedded PostgreSQL {find().version} · {folder}"
        self.migrated, self.tried = asyncio.Event(), asyncio.Event()
        self._server = EmbeddedPostgres(folder)
        self.url = self._server.url
        self._turn = asyncio.Lock()
        self._closing = False
        self._started = asyncio.Event()

    async def run(self) -> None:
        """Keep the server running until closed. Raises FootplateError when its first start is refused."""
        backoff = Backoff()
        clock = asyncio.get_running_loop().time
        while not self._closing:
            began = clock()
            end = await self._run_once()
            if not self._closing:
                delay = backoff.after(clock() - began)
                say(f"{end}; starting Postgres again in {delay:.1f} s")
                await asyncio.sleep(delay)

    async def migrate(self) -> None:
        """Bring its schema up to date, once it has started."""
        await self._started.wait()
        await migrate_patiently(self.url, self.tried)
        self.migrated.set()

    async def close(self) -> None:
        """Stop the server; a start under way is waited for."""
        self._closing = True
        async with self._turn:
            await asyncio.to_thread(self._server.stop)

    async def _run_once(self) -> str:
        """One life of the server; how it ended."""
        try:
            async with self._turn:
                await asyncio.to_thread(self._server.start)
        except FootplateError as exc:
            if self._started.is_set() or isinstance(exc, PostgresFailedError):
                return str(exc)
            raise
        self._started.set()
        while (code := await asyncio.to_thread(self._server.wait, POLL_SECONDS)) is None:
            pass
        return f"Postgres ended ({cause(code)})"


async def migrate_patiently(url: str, tried: asyncio.Event) -> None:
    """Migrate, however long the server is away; each new reason is said once. ``tried`` is set after one attempt."""
    backoff, said = Backoff(), ""
    while True:
        try:
            await migrate(url)
        except DatabaseError as exc:
            if str(exc) != said:
                said = str(exc)
                say(f"database: {said}; trying again until it works")
            tried.set()
            await asyncio.sleep(backoff.after(0))
        else:
            tried.set()
            return
