"""The life of one relay worker: put together, listen, watch, drain, close the tape."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from core.errors import BadSettingError
from core.settings import Settings
from proxy import log, secret
from proxy.counters import Counters
from proxy.health import Health
from proxy.loop_lag import LoopLag
from proxy.own_routes import Asked, OwnRoutes
from proxy.relay import Relay
from proxy.server import ProxyServer, listen
from proxy.tape_limit import limit_of
from proxy.tape_writer import TapeWriter
from proxy.upstream import Upstream
from sql.database import Database

LONGEST_SWEEP_SECONDS = 1.0
SHORTEST_SWEEP_SECONDS = 0.02
LAG_SECONDS = 0.05
"""A stall of the event loop is seen but for this much of it."""


async def serve(settings: Settings, slot: int) -> None:
    """Relay calls until SIGTERM or SIGINT. Raises BadSettingError, AlreadyRunningError, OSError (the port)."""
    loop = asyncio.get_running_loop()
    log.mute_libraries()
    loop.set_exception_handler(log.write_loop_failure)
    stop, hurry = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: hurry.set() if stop.is_set() else stop.set())
    database = _database(settings)
    with ExitStack() as stack:
        with _usable(f"FOOTPLATE_DATA_DIR={settings.data_dir} can not be used"):
            server, health = put_together(settings, slot, database, stack)
        listeners = [await loop.create_server(server, sock=sock, backlog=2048) for sock in _listening(settings, stack)]
        port = listeners[0].sockets[0].getsockname()[1]
        log.write("listening", address=settings.bind, port=port, slot=slot)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch(server, settings))
            await stop.wait()
            health.draining = True
            for listener in listeners:
                listener.close()
            log.write("draining", count=len(server.relay.calls), slot=slot)
            await server.drain(settings.drain_seconds, hurry)
            watching.cancel()
        if database is not None:
            await database.close()
    log.write("stopped", slot=slot)


def put_together(
    settings: Settings, slot: int, database: Database | None, stack: ExitStack
) -> tuple[ProxyServer, Health]:
    """Everything a worker is made of; ``stack`` takes what must be closed. Raises what ``serve`` raises."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = secret.hmac_key(settings)
    run_folder = settings.data_dir / "run"
    tape = TapeWriter(
        settings.data_dir / "tape" / f"{socket.gethostname()}-{slot}",
        policy=settings.on_tape_full,
        # The setting is for all tapes of the machine; each worker has one.
        max_bytes=limit_of(settings),
        loop=asyncio.get_running_loop(),
    )
    tape.open()
    stack.callback(tape.close)
    counters = Counters(run_folder, slot)
    stack.callback(counters.close)
    upstream = Upstream(settings.upstream_url, connect_timeout=settings.connect_timeout)
    health = Health(tape, counters, database)
    relay = Relay(settings, tape, upstream, counters, key, boot_id())
    routes = OwnRoutes(settings, Asked(health, run_folder, database))
    return ProxyServer(relay, routes, health), health


@contextmanager
def _usable(otherwise: str) -> Iterator[None]:
    """What the system refuses of a setting is a bad one; only a port in use may be free the next time."""
    try:
        yield
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise
        raise BadSettingError(f"{otherwise}: {exc.strerror}") from exc


def _listening(settings: Settings, stack: ExitStack) -> list[socket.socket]:
    with _usable(f"FOOTPLATE_BIND={settings.bind}, port {settings.proxy_port}: can not listen there"):
        sockets = listen(settings)
    for sock in sockets:
        stack.callback(sock.close)
    return sockets


def _database(settings: Settings) -> Database | None:
    if settings.database_url is None:
        return None
    return Database.create(
        settings.database_url, application="footplate proxy", size=1, statement_cache=settings.statement_cache
    )


def boot_id() -> str:
    """This boot of this machine: a tape of another boot has no writer (tape.md)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return f"pid-{os.getpid()}"


async def watch(server: ProxyServer, settings: Settings) -> None:
    """Sweep once a second, or faster where a timeout is shorter; how late we wake in between is how late all are."""
    shortest = min(settings.connect_timeout, settings.first_byte_timeout, settings.idle_timeout)
    interval = max(SHORTEST_SWEEP_SECONDS, min(LONGEST_SWEEP_SECONDS, shortest / 4))
    pause = min(interval, LAG_SECONDS)
    clock = asyncio.get_running_loop().time
    lag = LoopLag(clock(), interval)
    while True:
        due = clock() + pause
        await asyncio.sleep(pause)
        longest = lag.woke(due, clock())
        if longest is not None:
            server.counters.set("loop_lag_seconds", longest)
            server.sweep()
