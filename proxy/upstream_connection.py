"""One connection to the upstream: an own ``asyncio.Protocol``, one exchange at a time."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from core.models import Outcome
from core.refusals import Reason
from proxy import tcp
from proxy.breaks import CallBrokenError
from proxy.response_parser import Announce, ResponseHead, ResponseParser, one_chunk

if TYPE_CHECKING:
    from proxy.upstream import Upstream

Sink = Callable[[int, bytes, bytes], None]
"""Takes when a piece of the body came (µs), the piece, and the read it came in where that is the piece as a chunk."""

SOCKET_BUFFER = 256 * 1024
WRITE_HIGH = 64 * 1024
PENDING_HIGH = 64 * 1024
SMALL = 16 * 1024
"""Below this, copying bytes together is cheaper than a second write."""
MAX_RESPONSE_HEAD = 256 * 1024
_monotonic_ns = time.monotonic_ns


def now_us() -> int:
    """CLOCK_MONOTONIC in microseconds."""
    return _monotonic_ns() // 1000


class UpstreamConnection(asyncio.Protocol):
    """``begin``, ``write``, ``drain``, ``sent``, ``head``, ``pour``, ``release``: see ``proxy.upstream``."""

    __slots__ = (
        *("_answer", "_drain", "_end", "_failure", "_head_waiter", "_held", "_loop", "_owner", "_paused_us"),
        *("_pending", "_pending_size", "_reading_paused", "_sink", "_taken", "_unsent", "busy", "idle_since"),
        *("last_us", "reused", "sent_us", "transport"),
    )

    def __init__(self, owner: "Upstream", loop: asyncio.AbstractEventLoop) -> None:
        self._owner = owner
        self._loop = loop
        self._answer = ResponseParser()
        self.transport: asyncio.Transport | None = None
        self.busy = False
        self.reused = False
        self.idle_since = 0.0
        self._paused_us = 0
        self._taken = 0
        self._clear()

    def _clear(self) -> None:
        self._head_waiter: asyncio.Future[None] | None = None
        self._end: asyncio.Future[None] | None = None
        self._drain: asyncio.Future[None] | None = None
        self._failure: CallBrokenError | None = None
        self._unsent = b""
        self._pending: list[tuple[int, bytes]] = []
        self._pending_size = 0
        self._sink: Sink | None = None
        self._reading_paused = False
        self._held = 0
        self.sent_us = 0
        self.last_us = 0

    # What a call does, in this order.

    def begin(self, head: bytes, *, bodyless_answer: bool, announce: Announce) -> None:
        """Start a request with its head. ``bodyless_answer``: the answer to HEAD has no body, whatever it says.

        ``announce`` is given each interim head before the final one.
        """
        self._clear()
        self.busy = True
        self._answer.begin(bodyless=bodyless_answer, announce=announce)
        self._unsent = head

    def write(self, data: bytes) -> None:
        """Send bytes of the request, framed by the caller; the first go out together with the head, as one packet."""
        if self._unsent:
            data, self._unsent = self._unsent + data if len(data) < SMALL else self._send_head(data), b""
        if self.transport is not None:
            self.transport.write(data)

    def _send_head(self, data: bytes) -> bytes:
        if self.transport is not None:
            self.transport.write(self._unsent)
        return data

    def flush(self) -> None:
        """Send the head now if nothing else has taken it along."""
        if self._unsent:
            self.write(b"")

    @property
    def has_body(self) -> bool:
        """Whether a piece of the response body is there already."""
        return bool(self._pending)

    async def drain(self) -> None:
        """Wait until the upstream has taken enough of what was written. Raises CallBrokenError."""
        while self._paused_us and self._failure is None:
            self._drain = self._loop.create_future()
            await self._drain
        if self._failure is not None:
            raise self._failure

    def sent(self) -> None:
        """The whole request is written: from now on the upstream's silence counts."""
        self.flush()
        self.sent_us = self.last_us = now_us()

    async def head(self) -> ResponseHead:
        """The response head. Raises CallBrokenError."""
        if self._answer.head is None and self._failure is None:
            self._head_waiter = self._loop.create_future()
            await self._head_waiter
        if self._answer.head is not None:
            return self._answer.head
        raise self._failure or CallBrokenError(Reason.BROKE_OFF, Outcome.UPSTREAM_RESET, "no answer")

    async def pour(self, sink: Sink) -> None:
        """Give each piece of the body to ``sink`` as it comes, until it ends. Raises CallBrokenError."""
        pending, self._pending = self._pending, []
        self._sink = sink
        for now, piece in pending:
            sink(now, piece, b"")
        if not self._answer.complete and self._failure is None:
            self._end = self._loop.create_future()
            self._resume_reading()
            await self._end
        if not self._answer.complete and self._failure is not None:
            raise self._failure

    def release(self) -> None:
        """The call is over: back into the pool if everything was said on both sides, else the connection is cut."""
        if not self.busy:
            return
        self.busy = False
        self._sink = None
        self._held = 0
        transport = self.transport
        if transport is None:
            return
        if (
            self._answer.complete
            and self._answer.keep
            and self.sent_us
            and not self._paused_us
            and not transport.is_closing()
        ):
            self._resume_reading()
            self.idle_since = self._loop.time()
            self._owner.keep(self)
        else:
            transport.abort()

    def fail(self, reason: Reason, outcome: Outcome, note: str) -> None:
        """End the exchange: whoever waits gets the error, the connection is cut. The first failure counts."""
        if self._failure is None and not self._answer.complete:
            self._failure = CallBrokenError(reason, outcome, note)
        for waiter in (self._head_waiter, self._end, self._drain):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
        if self.transport is not None:
            self.transport.abort()

    def hold(self) -> None:
        """The client, or the tape, is behind: take no bytes of the response until as many ``unhold``."""
        self._held += 1
        self._pause_reading()

    def unhold(self) -> None:
        """Who was behind caught up."""
        self._held -= 1
        if self._sink is not None and not self._held:
            self._resume_reading()

    def _pause_reading(self) -> None:
        if not self._reading_paused and self.transport is not None:
            self._reading_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._reading_paused and not self._held and self.transport is not None:
            self._reading_paused = False
            self.last_us = now_us()
            self.transport.resume_reading()

    def check(self, now: int, first_byte_us: int, idle_us: int) -> None:
        """Fail where the upstream has been silent for too long; called about once a second."""
        if self._answer.complete or self._failure is not None:
            return
        if self._paused_us and self._took_some():
            self._paused_us = now
        elif self._paused_us and now - self._paused_us > idle_us:
            self.fail(Reason.TIMED_OUT, Outcome.UPSTREAM_TIMEOUT, "upstream took no request bytes")
        elif self._answer.head is None:
            if self.sent_us and now - self.sent_us > first_byte_us:
                self.fail(Reason.TIMED_OUT, Outcome.UPSTREAM_TIMEOUT, "no response head in time")
        elif self.sent_us and not self._reading_paused and now - self.last_us > idle_us:
            # Before the request is through, the upstream may well wait for the rest of it.
            self.fail(Reason.TIMED_OUT, Outcome.UPSTREAM_TIMEOUT, "silent in the middle of the response")

    def _took_some(self) -> bool:
        before = self._taken
        if self.transport is not None:
            self._taken = tcp.bytes_taken(self.transport)
        return self._taken != before

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound what the kernel and we hold for one stream (faults.md, row 35)."""
        self.transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the body where nothing else ends it; a failure everywhere else."""
        self.transport = None
        self._owner.lost(self)
        head = self._answer.head
        if not self.busy or self._answer.complete:
            return
        if exc is None and head is not None and head.framing == "eof" and self._failure is None:
            self._finish()
        elif head is None:
            self.fail(Reason.BROKE_OFF, Outcome.UPSTREAM_RESET, "closed before the response head")
        else:
            self.fail(Reason.BROKE_OFF, Outcome.UPSTREAM_RESET, "broke off in the response body")

    def pause_writing(self) -> None:
        """The upstream takes the request more slowly than it comes."""
        self._paused_us = now_us()

    def resume_writing(self) -> None:
        """The upstream caught up."""
        self._paused_us = 0
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)

    def data_received(self, data: bytes) -> None:
        """One read of the socket is one piece for the sink, however many HTTP chunks it holds."""
        if not self.busy:
            if self.transport is not None:
                self.transport.abort()
            return
        now = self.last_us = _monotonic_ns() // 1000
        answer = self._answer
        if answer.between and self._sink is not None:
            # An event of a stream: nothing else can have happened.
            piece = one_chunk(data)
            if piece:
                self._sink(now, piece, data)
                return
        piece = answer.feed(data)
        if answer.head is not None and self._head_waiter is not None and not self._head_waiter.done():
            self._head_waiter.set_result(None)
        # What came before a broken byte still belongs to the client; the failure is told behind it.
        if piece:
            self._deliver(piece)
        if answer.broken:
            self.fail(Reason.BAD_ANSWER, Outcome.UPSTREAM_RESET, "not HTTP/1.1")
        elif answer.complete:
            self._finish()
        elif answer.head_size > MAX_RESPONSE_HEAD:
            self.fail(Reason.BAD_ANSWER, Outcome.UPSTREAM_RESET, "response head too large")

    def _deliver(self, piece: bytes) -> None:
        if self._sink is not None:
            self._sink(self.last_us, piece, b"")
            return
        self._pending.append((self.last_us, piece))
        self._pending_size += len(piece)
        if self._pending_size > PENDING_HIGH:
            self._pause_reading()

    def _finish(self) -> None:
        self._answer.complete = True
        if self._end is not None and not self._end.done():
            self._end.set_result(None)
