"""``python -m dashboard``: read the settings, bind, serve until SIGTERM or SIGINT.

Exit codes: 0 stopped as asked, 1 the port is in use, 78 a setting cannot work; each with one line on stderr.
"""

import asyncio
import errno
import gc
import logging
import signal
import sys
from datetime import timedelta

import uvloop
from aiohttp import web

from core.errors import BadSettingError
from core.settings import Settings
from dashboard import log
from dashboard.alerts import watcher
from dashboard.app import make_app
from dashboard.beside import beside
from dashboard.connection import Runner
from dashboard.notifier.service import Notifier
from dashboard.settings import load
from sql.database import Database

BAD_CONFIGURATION = 78
SHUTDOWN_SECONDS = 3.0


def main() -> int:
    """Run the dashboard; returns the exit code."""
    # What aiohttp would log quotes what was sent; what we want to know our own connections say (``connection``).
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
    try:
        settings = load()
        database = open_database(settings)
    except BadSettingError as exc:
        sys.stderr.write(f"footplate dashboard: {exc}\n")
        return BAD_CONFIGURATION
    try:
        uvloop.run(serve(settings, database))
    except OSError as exc:
        sys.stderr.write(f"footplate dashboard: {_cannot_listen(settings, exc)}\n")
        return 1
    return 0


def open_database(settings: Settings) -> Database:
    """The database of these settings, not yet connected. Raises BadSettingError without a usable DATABASE_URL."""
    if settings.database_url is None:
        raise BadSettingError("DATABASE_URL: is not set; `footplate up` sets it to the embedded server")
    if not settings.database_url.startswith(("postgresql://", "postgres://")):
        raise BadSettingError("DATABASE_URL: must begin with postgresql://")
    return Database.create(
        settings.database_url, application="footplate dashboard", statement_cache=settings.statement_cache
    )


async def serve(settings: Settings, database: Database) -> None:
    """Serve until told to stop. Raises OSError when the address cannot be bound."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = Runner(make_app(settings, database), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    try:
        await runner.setup()
        _look_for_garbage_seldom()
        await web.TCPSite(runner, settings.bind, settings.dashboard_port).start()
        for address in runner.addresses:
            log.write("dashboard_listens", address=str(address[0]), port=int(address[1]))
        # Links name the port that is really listened on, also where any free one was asked for.
        known = settings.model_copy(update={"dashboard_port": int(runner.addresses[0][1])})
        keep = timedelta(days=settings.alerts_days)
        works = {"watcher": lambda: watcher.run(database, keep), "notifier": lambda: Notifier(database, known).run()}
        async with beside(works):
            await stop.wait()
    finally:
        await runner.cleanup()
        await database.close()


def _look_for_garbage_seldom() -> None:
    """What is loaded by now stays, and is not searched for garbage again.

    A page makes tens of thousands of objects and few circles. At Python's own thresholds every third page of a long
    conversation waited 30 to 70 ms while all trees that are kept were searched.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _cannot_listen(settings: Settings, exc: OSError) -> str:
    where = f"{settings.bind} port {settings.dashboard_port}"
    if exc.errno == errno.EADDRINUSE:
        return f"{where} is in use: stop what listens there or set FOOTPLATE_DASHBOARD_PORT"
    return f"cannot listen on {where}: {exc.strerror or type(exc).__name__}"


if __name__ == "__main__":
    sys.exit(main())
