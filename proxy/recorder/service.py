"""The recorder as a process: finds tapes, takes those nobody reads, follows each; stops cleanly.

A tape that fails for any reason is let go and taken again from its position in the database: there is no state to
repair, and the other tapes go on.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from core.errors import BadSettingError
from core.settings import Settings
from proxy import log
from proxy.recorder import claim, rebuild
from proxy.recorder.backoff import Backoff
from proxy.recorder.clock import ServerClock
from proxy.recorder.derivation import Derivation
from proxy.recorder.line import Line, Services
from proxy.recorder.linker import Linker
from proxy.recorder.outage import StoppedError, pause, wait_out
from proxy.recorder.price_book import PriceBook
from proxy.recorder.schema import Schema
from proxy.recorder.writing import FenceLostError, make_partitions
from proxy.settings import failpoint
from proxy.tape_limit import DEFAULT_TAPE_BYTES, limit_of
from proxy.tape_reader import nodes
from sql.database import Database
from sql.errors import DatabaseAwayError
from sql.rows.record import TapeClaim, TrainKey

R = TypeVar("R")

CONNECTIONS = 4
SCAN_SECONDS = 0.25
PARTITIONS_SECONDS = 86_400.0
LOST_SECONDS = 5.0
"""How long a tape that another recorder took is left alone."""


async def run(settings: Settings, *, once: bool) -> None:
    """Record for ever, until SIGTERM or SIGINT; with ``once`` drain all tapes and return.

    ``once`` records everything complete, closes what dead writers left open, and passes over tapes that another
    recorder reads. Raises BadSettingError where no database is named.
    """
    if settings.database_url is None:
        raise BadSettingError("DATABASE_URL: the recorder needs the Postgres to write to")
    if not once:
        # Behind the relay: a backlog must not cost its clients anything (faults.md, 16).
        os.nice(5)
    stop = asyncio.Event()
    with _stopped_by_signals(stop):
        # Twice what the relay allows, for the sake of clocks and of a machine that sleeps.
        silence = 2 * max(settings.first_byte_timeout, settings.idle_timeout) + settings.drain_seconds
        cache = settings.statement_cache
        most = _tape_limit(settings)
        async with services(
            settings.database_url, stop, statement_cache=cache, silence_seconds=silence, tape_max_bytes=most
        ) as shared:
            recorder = Recorder(shared, settings.data_dir)
            await (recorder.drain() if once else recorder.follow())


def _tape_limit(settings: Settings) -> int:
    """For figures only: a data folder that is not there yet is the proxy's to make."""
    try:
        return limit_of(settings)
    except OSError:
        return DEFAULT_TAPE_BYTES


@asynccontextmanager
async def services(
    url: str,
    stop: asyncio.Event,
    *,
    statement_cache: bool = True,
    silence_seconds: float = 3600.0,
    tape_max_bytes: int = DEFAULT_TAPE_BYTES,
) -> AsyncIterator[Services]:
    """What a recorder works with; closed at the end of the block."""
    database = Database.create(url, application="footplate recorder", size=CONNECTIONS, statement_cache=statement_cache)
    derivation = Derivation()
    try:
        yield Services(
            database=database,
            clock=ServerClock(database, time.monotonic),
            schema=Schema(database, time.monotonic),
            derivation=derivation,
            linker=Linker(),
            book=PriceBook(),
            monotonic=time.monotonic,
            stop=stop,
            writing=asyncio.Semaphore(CONNECTIONS - 1),
            silence_us=int(silence_seconds * 1_000_000),
            tape_max_bytes=tape_max_bytes,
            failpoint=_fail_at,
        )
    finally:
        await derivation.close()
        await database.close()


class Recorder:
    """All tapes of one data folder."""

    def __init__(self, services: Services, data_dir: Path) -> None:
        self._services = services
        self._data_dir = data_dir
        self._tended: set[str] = set()

    async def drain(self) -> None:
        """Every tape once, one after another. Returns early when asked to stop."""
        try:
            await self._prepare()
            for node in nodes(self._data_dir):
                with claim.courtesy(self._folder(node)) as free:
                    if not free:
                        log.write("tape_busy", node=node)
                        continue
                    with suppress(FenceLostError):
                        await Line(self._services, self._folder(node), await self._claimed(node)).drain()
        except StoppedError:
            return

    async def follow(self) -> None:
        """All tapes, and those that appear later, until asked to stop."""
        log.write("recorder_started")
        stop = self._services.stop
        try:
            await self._prepare()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_house())
                while not stop.is_set():
                    for node in set(nodes(self._data_dir)) - self._tended:
                        self._tended.add(node)
                        group.create_task(self._tend(node))
                    await _rest(stop, SCAN_SECONDS)
        except StoppedError:
            pass
        log.write("recorder_stopped")

    def _folder(self, node: str) -> Path:
        return self._data_dir / "tape" / node

    async def _prepare(self) -> None:
        """Wait for a database of our schema and make the partitions that are missing. Raises StoppedError."""

        async def prepare() -> None:
            await self._services.schema.require()
            await make_partitions(self._services.database)
            await rebuild.mark_due(self._services.database)

        await _insist(self._services, prepare)

    async def _claimed(self, node: str) -> TapeClaim:
        return await _insist(self._services, lambda: claim.take(self._services.database, node))

    async def _tend(self, node: str) -> None:
        """Follow a tape until asked to stop, or until it is another recorder's; then it may be taken again."""
        backoff = Backoff()
        stop = self._services.stop
        while not stop.is_set():
            try:
                with claim.courtesy(self._folder(node)) as free:
                    if free:
                        await Line(self._services, self._folder(node), await self._claimed(node)).follow()
                        return
                await _rest(stop, SCAN_SECONDS)
            except StoppedError:
                return
            except FenceLostError:
                log.write("tape_taken_over", node=node)
                await _rest(stop, LOST_SECONDS)
            except FileNotFoundError:
                # The folder is gone: an operator removed the tape.
                self._tended.discard(node)
                return
            except Exception as exc:  # noqa: BLE001 - one tape's trouble must not stop the others; nothing is lost
                log.write_failure("tape_failed", exc)
                await _rest(stop, backoff.next())

    async def _keep_house(self) -> None:
        """Months ahead, and what nobody will look for any more, once a day."""
        stop = self._services.stop
        while not stop.is_set():
            await _rest(stop, PARTITIONS_SECONDS)
            if not stop.is_set():
                try:
                    await _insist(self._services, lambda: make_partitions(self._services.database))
                    await _insist(self._services, lambda: forget_wants(self._services.database))
                    await _insist(self._services, lambda: self._services.database.execute("forget_window_observations"))
                except StoppedError:
                    return


async def forget_wants(database: Database) -> None:
    """Drop what requests of more than 30 days ago waited for. Raises DatabaseAwayError."""
    for one in await database.fetch("trains_all", TrainKey):
        await database.execute("linking_forget_wants", one.train)


async def _insist(services: Services, work: Callable[[], Awaitable[R]]) -> R:
    """Try until the database has done it. Raises StoppedError."""
    backoff = Backoff()
    said: type[DatabaseAwayError] | None = None
    while True:
        try:
            return await work()
        except DatabaseAwayError as exc:
            if said is not type(exc):
                log.write("waiting_for_database", error=type(exc).__name__)
            said = type(exc)
        await wait_out(services.database, services.stop, backoff.next())


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not longer than until the recorder is asked to stop."""
    with suppress(StoppedError):
        await pause(stop, seconds)


@contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _fail_at(place: str) -> None:
    """Die where a crash test asked for it."""
    if failpoint() == f"{place}:kill":
        os.kill(os.getpid(), signal.SIGKILL)
