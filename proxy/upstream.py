"""The way to the upstream: a pool of keep-alive connections to one configured origin.

A call takes one connection and walks through ``begin, write, drain, sent, head, pour(sink), release``. A request that
was written is never written again: only *connecting* is tried a second time.
"""

import asyncio
import socket
import ssl
from urllib.parse import urlsplit

from aiohappyeyeballs import start_connection

from core.models import Outcome
from core.refusals import Reason
from proxy.breaks import CallBrokenError
from proxy.upstream_connection import UpstreamConnection

IDLE_SECONDS = 15.0
"""Below the idle timeout of any upstream, so that a request rarely meets a connection that is just being closed."""

EYEBALLS_SECONDS = 0.25
"""Head start of each address over the next one (RFC 8305)."""


class Upstream:
    """Connections to one origin; lives in one event loop."""

    def __init__(self, url: str, *, connect_timeout: float, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = (tls or _tls()) if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._connect_timeout = connect_timeout
        self._idle: list[UpstreamConnection] = []
        self.connections: set[UpstreamConnection] = set()
        self.host = parts.netloc.encode("ascii")
        """The value of the ``host`` field."""

    def take(self) -> UpstreamConnection | None:
        """An idle connection that is still good, the freshest first."""
        loop = asyncio.get_running_loop()
        while self._idle:
            connection = self._idle.pop()
            transport = connection.transport
            if transport is None or transport.is_closing():
                continue
            if loop.time() - connection.idle_since > IDLE_SECONDS:
                transport.abort()
                continue
            connection.reused = True
            return connection
        return None

    async def connect(self) -> UpstreamConnection:
        """A new connection; one fresh attempt where connecting failed. Raises CallBrokenError."""
        try:
            async with asyncio.timeout(self._connect_timeout):
                try:
                    return await self._connect()
                except OSError:
                    return await self._connect()
        except TimeoutError as exc:
            raise CallBrokenError(Reason.TIMED_OUT, Outcome.UPSTREAM_TIMEOUT, "connect timed out") from exc
        except OSError as exc:
            raise CallBrokenError(Reason.UNREACHABLE, Outcome.UPSTREAM_UNREACHABLE, _note(exc)) from exc

    async def _connect(self) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        # uvloop would try one address after the other: an IPv6 that leads nowhere would eat the whole timeout.
        addresses = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        sock = await start_connection(addresses, happy_eyeballs_delay=EYEBALLS_SECONDS)
        _, connection = await loop.create_connection(
            lambda: UpstreamConnection(self, loop),
            sock=sock,
            ssl=self._tls,
            server_hostname=self._host if self._tls else None,
            ssl_handshake_timeout=self._connect_timeout if self._tls else None,
        )
        self.connections.add(connection)
        return connection

    def keep(self, connection: UpstreamConnection) -> None:
        """Put an idle connection back."""
        self._idle.append(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def sweep(self, now: float) -> None:
        """Close what has been idle for too long."""
        for connection in list(self._idle):
            if now - connection.idle_since > IDLE_SECONDS and connection.transport is not None:
                connection.transport.abort()

    def close(self) -> None:
        """Cut everything."""
        for connection in list(self.connections):
            if connection.transport is not None:
                connection.transport.abort()


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _note(exc: OSError) -> str:
    if isinstance(exc, ssl.SSLError):
        return "tls"
    if isinstance(exc, ConnectionRefusedError):
        return "connect refused"
    return "name not resolved" if type(exc).__name__ == "gaierror" else "connect failed"
