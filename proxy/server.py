"""One worker: listens, dispatches, watches the clock for all calls at once, drains and stops."""

import asyncio
import resource
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from core.access import LOCAL_USER, Permission, Principal, may
from core.models import Outcome
from core.refusals import Reason
from core.settings import Settings
from proxy import log
from proxy.admission import Admitted, RefusedError, admit
from proxy.connection import OPTIONS, ClientConnection, Incoming, Sent
from proxy.counters import Counters
from proxy.forward import Call
from proxy.health import Health
from proxy.own_routes import OwnRoutes
from proxy.relay import Relay
from proxy.upstream_connection import SOCKET_BUFFER, now_us

BACKLOG = 2048
FD_SHARE = 0.9
"""Calls are refused when this part of the file descriptors is in use, so that accepting never fails (row 50)."""
IDLE_SHARE = 16
"""When descriptors run out, this part of the idle connections is closed at a time."""
QUIET_SECONDS = 1.0
"""But none that was used just now: its next request may be on its way. Who comes meanwhile may retry in a second."""
ABORT_SECONDS = 0.5
DRAIN_LOOK_SECONDS = 0.05


class ProxyServer(web.Server):
    """aiohttp's low-level server with our connections, and what calls and connections share."""

    def __init__(self, relay: Relay, routes: OwnRoutes, health: Health) -> None:
        super().__init__(cast("Any", self.dispatch), request_factory=cast("Any", _incoming), **OPTIONS)
        self.relay = relay
        self.counters: Counters = relay.counters
        self._routes = routes
        self._health = health
        self._descriptors = int(raise_descriptor_limit() * FD_SHARE) - own_descriptors()

    def __call__(self) -> ClientConnection:
        """A connection, as the event loop asks for one."""
        options = {name: value for name, value in OPTIONS.items() if name != "handler_cancellation"}
        return ClientConnection(self, loop=self._loop, **options)

    @property
    def draining(self) -> bool:
        """Whether this worker is about to stop."""
        return self._health.draining

    def new_request_id(self) -> str:
        """The id of a call that is refused before it gets a record."""
        return f"req_{self.relay.new_id().hex}"

    async def dispatch(self, incoming: Incoming) -> Sent:
        """Check a request, then answer it ourselves or relay it. Lets nothing escape but cancellation."""
        connection, message = incoming.connection, incoming.message
        try:
            admitted = admit(message, self._routes.paths)
            if admitted.own:
                return await self._answer(incoming, admitted)
            self._check_page(admitted)
            self._check_access(admitted)
            self._check_room()
        except RefusedError as exc:
            return connection.refuse(exc.reason, body=message.method != "HEAD")
        except Exception as exc:  # noqa: BLE001 - aiohttp would answer with a page of its own
            log.write_failure("request failed", exc)
            return connection.refuse(Reason.INTERNAL)
        return await Call(self.relay, incoming, admitted).run()

    def _check_page(self, admitted: Admitted) -> None:
        """Open on loopback: who reaches the port may use it, but not whatever page his browser happens to show."""
        if admitted.foreign and self.relay.settings.loopback:
            raise RefusedError(Reason.FOREIGN_PAGE)

    def _check_access(self, admitted: Admitted) -> None:
        if not may(self._principal(admitted), Permission.FORWARD, admitted.train):
            raise RefusedError(Reason.UNAUTHORIZED)

    def _principal(self, admitted: Admitted) -> Principal:
        """Who calls. In open mode everybody who reaches the port is the local user; client keys will be told here."""
        del admitted
        return LOCAL_USER

    def _check_room(self) -> None:
        if not self.relay.tape.accepting:
            raise RefusedError(Reason.TAPE_FULL)
        if self._excess() > 0 and not self._send_idle_away():
            raise RefusedError(Reason.OVERLOADED)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Another connection: near the limit somebody who does not use his makes room."""
        super().connection_made(handler, transport)
        if self._excess() >= 0:
            self._send_idle_away()

    def _excess(self) -> int:
        """How many file descriptors more than allowed the next call would take."""
        # A call that is still connecting has no connection yet, and will.
        ways_out = max(len(self.relay.upstream.connections), len(self.relay.calls) + 1)
        return len(self._connections) + ways_out - self._descriptors

    def _send_idle_away(self) -> int:
        """Close some of the connections nothing was asked on for longest; their number."""
        before = self._loop.time() - QUIET_SECONDS
        connections = cast("dict[ClientConnection, Any]", self._connections)
        idle = [connection for connection in connections if connection.quiet_since < before and connection.quiet]
        idle.sort(key=lambda connection: connection.quiet_since)
        # Several at a time, so that a crowd does not cost a look each.
        leaving = idle[: max(1, len(idle) // IDLE_SHARE)]
        for connection in leaving:
            connection.leave()
        return len(leaving)

    async def _answer(self, incoming: Incoming, admitted: Admitted) -> Sent:
        message, connection = incoming.message, incoming.connection
        answer = await self._routes.answer(admitted, message.raw_headers)
        fields = (
            ("content-type", answer.kind),
            ("content-length", str(len(answer.body))),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        )
        body = b"" if admitted.method == "HEAD" else answer.body
        close = incoming.last or not incoming.payload.is_eof() or connection.ending
        connection.answer(answer.status, fields, body, close=close)
        return Sent(keep_alive=not close)

    def sweep(self) -> None:
        """Look at every connection and every call; every timeout but connecting is kept here."""
        now, loop_now = now_us(), self._loop.time()
        for handler, transport in list(self._connections.items()):
            connection = cast("ClientConnection", handler)
            connection.check(now, loop_now)
            connection.check_unread(transport, loop_now, self.relay.settings.idle_timeout)
        self.relay.upstream.sweep(loop_now)
        self._health.count()
        self.counters.set("open_calls", len(self.relay.calls))
        self.counters.set("open_connections", len(self._connections))

    async def drain(self, seconds: float, hurry: asyncio.Event) -> None:
        """Let running calls finish, for so long or until ``hurry``; cut the rest. Idle connections close at once."""
        self._health.draining = True
        for connection in list(self._connections):
            if cast("ClientConnection", connection).idle and connection.transport is not None:
                connection.transport.close()
        end = self._loop.time() + seconds
        for _ in range(3):
            # What was read before the port closed becomes a call first.
            await asyncio.sleep(0)
        while (self.relay.calls or self._unread()) and self._loop.time() < end and not hurry.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_LOOK_SECONDS):
                    await hurry.wait()
        await self._cut()

    def _unread(self) -> bool:
        """Whether a client has yet to take the end of its answer."""
        return any(transport.get_write_buffer_size() for transport in self._connections.values())

    async def _cut(self) -> None:
        relay = self.relay
        relay.clear.clear()
        for call in list(relay.calls):
            call.cut(Outcome.PROXY_SHUTDOWN, "proxy stopped")
        if relay.calls:
            with suppress(TimeoutError):
                await asyncio.wait_for(relay.clear.wait(), ABORT_SECONDS)
        for connection in list(self._connections):
            if connection.transport is not None:
                connection.transport.abort()
        relay.upstream.close()


def _incoming(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> Incoming:
    return Incoming(message, payload, protocol, writer, task)


def listen(settings: Settings) -> list[socket.socket]:
    """Listening sockets that share their port with other workers. Raises OSError."""
    sockets: list[socket.socket] = []
    port = settings.proxy_port
    try:
        for family, *_, address in _addresses(settings.bind, port):
            sock = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            # Inherited by what is accepted: what the kernel holds for one slow reader is bounded (row 35).
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address[0], port, *address[2:]))
            port = port or sock.getsockname()[1]
            sock.setblocking(False)
            sock.listen(BACKLOG)
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _addresses(bind: str, port: int) -> Iterable[tuple[Any, ...]]:
    return socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)


def raise_descriptor_limit() -> int:
    """As many file descriptors as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def own_descriptors() -> int:
    """File descriptors that are no connections: what is open at start, and as many again to come."""
    try:
        return 2 * len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        return 64
