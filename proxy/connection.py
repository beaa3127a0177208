"""The client's side: aiohttp's request handler with what it does by default, and must not do here, overridden.

aiohttp echoes broken heads into the answer and the log, waits for ever for a head, leaves a call waiting whose chunked
body turned out broken, and drops a client that half-closes; each override below says which. Answers are written to the
transport directly: aiohttp's response objects cost more than the relay (performance.md).
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestPayloadError, _ErrInfo

from core import refusals
from core.refusals import PHRASES, OwnAnswer, Reason
from proxy import log, tcp
from proxy.admission import MAX_FIELDS, MAX_HEAD, MAX_TARGET, RawHeaders
from proxy.parse_errors import LongHeadError, SlowHeadError, reason_of
from proxy.trailers import Trailers

if TYPE_CHECKING:
    from proxy.admission import Message
    from proxy.server import ProxyServer

HEAD_SECONDS = 10.0
IDLE_SECONDS = 75.0
LINGER_SECONDS = 2.0
READ_BUFFER = 128 * 1024
WRITE_HIGH = 64 * 1024
HALF_CLOSE_SECONDS = 0.03

OPTIONS: dict[str, Any] = {
    "access_log": None,
    "auto_decompress": False,
    "handler_cancellation": True,
    "keepalive_timeout": IDLE_SECONDS,
    "lingering_time": LINGER_SECONDS,
    "max_field_size": MAX_HEAD,
    "max_headers": MAX_FIELDS,
    "max_line_size": MAX_TARGET,
    "read_bufsize": READ_BUFFER,
}
"""What aiohttp's server takes as options."""


class Sent:
    """Stands where aiohttp expects a response: everything is written already."""

    __slots__ = ("keep_alive",)

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive

    async def prepare(self, request: "Incoming") -> None:
        """Nothing is left to prepare."""

    async def write_eof(self) -> None:
        """Nothing is left to write."""


KEPT, CLOSED = Sent(keep_alive=True), Sent(keep_alive=False)


class Incoming:
    """A request as the parser gave it; stands where aiohttp expects its own request object, which costs more."""

    __slots__ = ("_task", "connection", "message", "payload", "writer")

    def __init__(
        self, message: "Message", payload: StreamReader, connection: "ClientConnection", writer: Any, task: Any
    ) -> None:
        self.message = message
        self.payload = payload
        self.connection = connection
        self.writer = writer
        self._task = task

    @property
    def last(self) -> bool:
        """Whether no other request can follow on its connection.

        So it is behind a chunked one: aiohttp's C parser keeps the last trailer and gives it to the next request as a
        header of that (3.14.5).
        """
        message = self.message
        return message.should_close or message.upgrade or message.chunked

    def _finish(self) -> None:
        """What aiohttp calls at the end of a request."""

    def _cancel(self, exc: BaseException) -> None:
        """What aiohttp calls when the connection is lost."""
        self.payload.set_exception(exc)


class Relayed(Protocol):
    """The call that a connection is busy with."""

    @property
    def written(self) -> int:
        """Bytes written to the client so far."""

    def check(self, now: int) -> None:
        """Look at the clock, about once a second."""

    def client_paused(self) -> None:
        """The client takes bytes more slowly than they come."""

    def client_resumed(self) -> None:
        """The client caught up."""


class ClientConnection(web.RequestHandler):
    """One connection of a client."""

    __slots__ = (
        "_carry",
        "_deaf",
        "_half_closed",
        "_head_bytes",
        "_head_since",
        "_newest",
        "_proof",
        "_server",
        "_taken",
        "_trailers",
        "_unread_since",
        "call",
        "quiet_since",
    )

    def __init__(self, manager: "ProxyServer", *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(manager, loop=loop, **options)
        self._server = manager
        self._deaf = False
        self._half_closed = False
        self._proof = 0
        self._carry = b""
        """The last bytes of a head that is not whole: what ends it may begin here."""
        self._head_bytes = 0
        self._head_since = loop.time()
        self._taken = 0
        self._trailers: Trailers | None = None
        """Of the chunked request on this connection; there is one at most, and it is the last (``Incoming.last``)."""
        self._unread_since = 0.0
        self._newest: StreamReader = EMPTY_PAYLOAD
        self.call: Relayed | None = None
        self.quiet_since = loop.time()
        """Since when nothing happens here, on the loop's clock; means something while ``quiet``."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound what we hold for a client that reads slowly."""
        super().connection_made(transport)
        cast("asyncio.Transport", transport).set_write_buffer_limits(high=WRITE_HIGH)

    def data_received(self, data: bytes) -> None:
        """Parse, and keep an eye on heads that do not end and on bodies that turn out broken."""
        if self._deaf:
            return
        seen, in_head = self._request_count, self._newest.is_eof()
        super().data_received(data)
        if self._trailers is not None:
            self._trailers.feed(data)
        if self._request_count != seen:
            if in_head:
                self._look_for_chunks(seen, data)
            self._arrived()
        elif in_head and data:
            if not self._head_since:
                self._head_since = self._loop.time()
            self._head_bytes += len(data)
            self._carry = (self._carry + data)[-3:]
            if self._head_bytes > MAX_HEAD + MAX_TARGET:
                self._reject(LongHeadError("head too large"))

    def _look_for_chunks(self, seen: int, data: bytes) -> None:
        """Follow the body of a chunked request from where its head ends in these bytes.

        One that came in one read behind another request is not followed: where it begins only the parser knows.
        """
        message, _ = self._messages[seen - self._request_count]
        if not isinstance(message, _ErrInfo) and message.chunked and self._trailers is None:
            head = self._carry + data if self._carry else data.lstrip(b"\r\n")
            _, end, body = head.partition(b"\r\n\r\n")
            if end:
                self._trailers = Trailers()
                self._trailers.feed(body)
        self._carry = b""

    @property
    def trailers(self) -> RawHeaders:
        """Those of its chunked request so far."""
        return () if self._trailers is None else tuple(self._trailers.fields)

    def _arrived(self) -> None:
        self._head_since = 0.0
        self.quiet_since = self._loop.time()
        self._head_bytes = 0
        message, payload = self._messages[-1]
        if not isinstance(message, _ErrInfo):
            self._newest = payload
            return
        self._deaf = True
        if not self._newest.is_eof():
            # aiohttp's C parser forgets the body it was reading: the call would wait for it until the client goes.
            self._newest.set_exception(RequestPayloadError("bad framing"))

    def _reject(self, exc: BadHttpMessage) -> None:
        """Answer instead of waiting for the rest of a head, behind whatever was asked before."""
        self._deaf = True
        self._head_since = 0.0
        self._request_count += 1
        self._messages.append((_ErrInfo(status=400, exc=exc, message=""), EMPTY_PAYLOAD))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def check(self, now: int, loop_now: float) -> None:
        """Look at the clock, about once a second: aiohttp has no timeout for a head."""
        if self.call is not None:
            self.call.check(now)
        elif self._head_since and loop_now - self._head_since > HEAD_SECONDS:
            if self._head_bytes:
                self._reject(SlowHeadError("head too slow"))
            elif self.transport is not None:
                self._head_since = 0.0
                self.transport.close()

    def check_unread(self, transport: asyncio.Transport, loop_now: float, limit: float) -> None:
        """Give up a client that does not take the end of its answer: closing politely would wait for ever."""
        if self.call is not None or not transport.get_write_buffer_size():
            self._unread_since = 0.0
        elif not self._unread_since or self.took_some():
            self._unread_since = loop_now
        elif loop_now - self._unread_since > limit:
            transport.abort()

    def took_some(self) -> bool:
        """Whether the client has taken a byte since this was asked last: a slow reader is no stalled one."""
        before = self._taken
        if self.transport is not None:
            self._taken = tcp.bytes_taken(self.transport)
        return self._taken != before

    @property
    def idle(self) -> bool:
        """Whether nothing was asked and nothing is being said."""
        return self.call is None and not self._messages and not self._head_bytes and self._newest.is_eof()

    @property
    def quiet(self) -> bool:
        """Whether closing it would cut nothing short: idle, and all that was said is taken."""
        transport = self.transport
        if transport is None or transport.is_closing() or self._current_request is not None:
            return False
        return self.idle and not transport.get_write_buffer_size()

    def leave(self) -> None:
        """Close an idle connection."""
        if self.transport is not None:
            self.transport.close()

    def call_ended(self) -> None:
        """The call it was busy with is over."""
        self.call = None
        self.quiet_since = self._loop.time()

    def handle_error(  # type: ignore[override]  # ours is already written
        self, request: Any, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> Sent:
        """A constant answer; aiohttp's echoes the bytes it could not read, into the answer and into the log."""
        del request, status, message
        return self.refuse(reason_of(exc))

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """By class only; aiohttp logs the text, which holds input."""
        del args
        exc = kw.get("exc_info")
        if isinstance(exc, Exception) and not isinstance(exc, RequestPayloadError | ConnectionError):
            log.write_failure("connection failed", exc)

    def refuse(self, reason: Reason, request_id: str | None = None, *, body: bool = True) -> Sent:
        """Answer with an error of ours and close the connection; to HEAD without the ``body``."""
        self.say_refused(reason, request_id or self._server.new_request_id(), body=body)
        return CLOSED

    def say_refused(self, reason: Reason, request_id: str, *, body: bool) -> OwnAnswer:
        """Write an error of ours, count it, close the connection. Returns what was said, the body in any case."""
        self._server.counters.add(f"refused:{reason}")
        said = refusals.answer(reason, request_id, datetime.now(UTC).isoformat(timespec="milliseconds"))
        self.answer(said.status, said.fields, said.body if body else b"", close=True)
        return said

    def answer(self, status: int, fields: tuple[tuple[str, str], ...], content: bytes, *, close: bool) -> None:
        """Write a whole answer of ours."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        lines = [f"HTTP/1.1 {status} {PHRASES.get(status, 'OK')}", *(f"{name}: {value}" for name, value in fields)]
        if close:
            lines.append("connection: close")
        transport.write("\r\n".join([*lines, "\r\n"]).encode() + content)
        if close:
            self.say_goodbye()

    def say_goodbye(self) -> None:
        """End our side now, read what the client still sends for a moment: closing at once could reset the answer."""
        if self.transport is not None and self.transport.can_write_eof():
            self.transport.write_eof()

    def end_only_by_reset(self) -> None:
        """From here on only the connection's end ends the answer: a broken one, even by our own death, must be told."""
        if self.transport is not None:
            tcp.end_hard(self.transport, hard=True)

    async def all_taken(self) -> None:
        """Wait until the kernel has the whole answer, then let the connection end cleanly again."""
        transport = self.transport
        if transport is None:
            return
        transport.set_write_buffer_limits(high=0)
        with suppress(ConnectionError):
            await self._drain_helper()
        if not transport.is_closing():
            tcp.end_hard(transport, hard=False)

    def reset(self) -> None:
        """Break the connection so that nobody takes what was written for whole."""
        if self.transport is not None:
            self._force_close = True
            self.transport.abort()

    def pause_writing(self) -> None:
        """Tell the call that its client is behind."""
        super().pause_writing()
        if self.call is not None:
            self.call.client_paused()

    def resume_writing(self) -> None:
        """Tell the call that its client caught up."""
        super().resume_writing()
        if self.call is not None:
            self.call.client_resumed()

    @property
    def ending(self) -> bool:
        """Whether this connection ends with the call it is busy with."""
        return self._half_closed or self._deaf or self._server.draining

    # A client that closes and a client that only half-closes send the same FIN. The first must free the upstream within
    # 50 ms, the second must be served to the end (faults.md, rows 31 to 33). What tells them apart is what they do with
    # bytes: a closed one answers them with a reset. So: whoever is sent nothing for 30 ms is taken for gone.

    def eof_received(self) -> bool:  # type: ignore[override]  # aiohttp returns None, which closes
        """The client sends no more. True keeps the connection open for the answer."""
        waiting = self._waiter is not None and not self._waiter.done()
        if waiting or not self._newest.is_eof():
            return False
        self._half_closed = True
        self._proof = 0 if self.call is None else self.call.written
        self._loop.call_later(HALF_CLOSE_SECONDS, self._look)
        return True

    def _look(self) -> None:
        if self.transport is None or self.call is None:
            return
        state, unacknowledged = tcp.state(self.transport)
        silent = self._proof >= 0 and self.call.written == self._proof
        if state != tcp.PEER_CLOSED or silent:
            self.transport.abort()
            return
        if not unacknowledged:
            self._proof = -1
        self._loop.call_later(HALF_CLOSE_SECONDS, self._look)
