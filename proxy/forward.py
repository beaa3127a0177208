"""One call, in a straight line: tape the start, send upstream, hold the head for the tape, pour, tape the end."""

import asyncio

from core import redact
from core.models import ANSWERED_EARLY, End, Head, Headers, Outcome, Start
from core.refusals import Reason
from core.tape import Kind
from proxy import log
from proxy.admission import Admitted
from proxy.breaks import CallBrokenError
from proxy.call_tape import CallTape, soon
from proxy.clock import Clock
from proxy.connection import CLOSED, KEPT, Incoming, Sent
from proxy.headers import request_head
from proxy.relay import Relay
from proxy.request_body import RequestBody
from proxy.response_parser import ResponseHead
from proxy.response_writer import ResponseWriter
from proxy.upstream_connection import UpstreamConnection, now_us

HOLD_SECONDS = 0.02
"""How long a response head waits for the tape at most (tape.md)."""
_CHUNK = Kind.CHUNK
"""By a name of ours: Python 3.11 runs a function for each look at an enum's member."""
UNREACHED_SECONDS = 5.0
UNREACHED_BYTES = 32 << 20
"""What is still read of a request whose upstream cannot be reached, so that its record is whole."""


class Call:
    """One relayed request. ``run`` lets nothing escape but its own cancellation."""

    __slots__ = (
        *("_admitted", "_body", "_clock", "_connection", "_head_written", "_message", "_note", "_outcome"),
        *("_paused_us", "_relay", "_response_bytes", "_status", "_synced", "_tape", "_transport", "_upstream"),
        *("_writer", "id"),
    )

    def __init__(self, relay: Relay, incoming: Incoming, admitted: Admitted) -> None:
        self._relay = relay
        self._connection = incoming.connection
        self._transport = incoming.connection.transport
        self._message = incoming.message
        self._admitted = admitted
        self._body = RequestBody(incoming.payload, admitted.limit)
        self.id = relay.new_id()
        self._tape = CallTape(relay.tape, self.id.bytes)
        self._clock = Clock()
        self._upstream: UpstreamConnection | None = None
        self._synced: asyncio.Future[None] | None = None
        self._outcome: Outcome | None = None
        self._note: str | None = None
        self._status = 0
        self._response_bytes = 0
        self._writer = ResponseWriter(incoming)
        self._paused_us = 0
        self._head_written = False

    async def run(self) -> Sent:
        """Relay the call to its end, whatever happens; the end is taped without an await."""
        self._relay.calls.add(self)
        self._connection.call = self
        try:
            await self._line()
        except CallBrokenError as exc:
            self._break(exc)
        except asyncio.CancelledError:
            self._decide(Outcome.CLIENT_CANCELLED, "client gone")
            raise
        except Exception as exc:  # noqa: BLE001 - a mistake of ours: aiohttp would write a 500 into a running stream
            log.write_failure("call failed", exc)
            self._break(CallBrokenError(Reason.INTERNAL, Outcome.REJECTED, "internal error"))
        finally:
            self._end()
        return KEPT if self._writer.keep else CLOSED

    @property
    def written(self) -> int:
        """Bytes written to the client, head and framing included."""
        return self._writer.written

    async def _line(self) -> None:
        self._tape_start()
        upstream = self._upstream = await self._connect()
        admitted = self._admitted
        upstream.begin(
            request_head(
                admitted.method,
                admitted.target,
                self._relay.upstream.host,
                admitted.headers,
                chunked=self._message.chunked,
            ),
            bodyless_answer=admitted.method == "HEAD",
            announce=self._writer.announce,
        )
        if self._connection.writing_paused:
            # The answer to a pipelined request before this one is still on its way.
            self.client_paused()
        await self._exchange(upstream)

    async def _connect(self) -> UpstreamConnection:
        if self._admitted.expects and not self._body.whole and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        upstream = self._relay.upstream.take()
        self._clock.reused = upstream is not None
        if upstream is None:
            try:
                upstream = await self._relay.upstream.connect()
            except CallBrokenError:
                await self._tape_unsent()
                raise
        self._clock.connected_us = now_us()
        return upstream

    # The request.

    async def _exchange(self, upstream: UpstreamConnection) -> None:
        """Send the body and pass the answer on, both at once: an answer may begin, and end, before the body does."""
        if self._body.whole:
            data = self._body.rest()
            if data:
                self._send(upstream, data)
            self._sent(upstream)
            await self._answer(upstream)
            return
        failure: CallBrokenError | None = None
        upstream.flush()
        async with asyncio.TaskGroup() as group:
            pump = group.create_task(self._pump(upstream))
            try:
                await self._answer(upstream)
            except CallBrokenError as exc:
                # Told outside of the group, which would wrap it.
                failure = exc
            pump.cancel()
        if failure is not None:
            raise failure

    async def _pump(self, upstream: UpstreamConnection) -> None:
        try:
            async for data in self._body.pieces():
                behind = self._send(upstream, data)
                await upstream.drain()
                if behind:
                    await self._tape.caught_up()
            self._sent(upstream)
        except CallBrokenError as exc:
            upstream.fail(exc.reason, exc.outcome, exc.note)

    def _send(self, upstream: UpstreamConnection, data: bytes) -> bool:
        """One piece of the request: to the upstream, then to the tape. True: the tape may be behind."""
        if self._message.chunked:
            upstream.write(b"%x\r\n" % len(data))
            upstream.write(data)
            upstream.write(b"\r\n")
        else:
            upstream.write(data)
        return self._tape.append(Kind.BODY, data, now_us())

    def _sent(self, upstream: UpstreamConnection) -> None:
        if self._message.chunked:
            upstream.write(b"0\r\n\r\n")
        upstream.sent()
        self._clock.sent_us = upstream.sent_us
        self._synced = self._relay.tape.synced()

    async def _tape_unsent(self) -> None:
        """Nobody takes the body: read it for the record."""
        try:
            async with asyncio.timeout(UNREACHED_SECONDS):
                async for data in self._body.pieces():
                    self._tape.append(Kind.BODY, data, now_us())
                    if self._body.size > UNREACHED_BYTES:
                        return
        except (TimeoutError, CallBrokenError):
            # That the upstream is away came first, and decides.
            return

    # The response.

    async def _answer(self, upstream: UpstreamConnection) -> None:
        head = await upstream.head()
        self._clock.head_us = now_us()
        await self._hold()
        self._begin(head, with_body=upstream.has_body)
        await upstream.pour(self._sink)
        await self._writer.end()
        self._decide(Outcome.OK, None if self._clock.sent_us else ANSWERED_EARLY)

    async def _hold(self) -> None:
        """Wait for the tape: nobody has seen an answer whose request is not on disk (tape.md, durability)."""
        synced = self._synced or self._relay.tape.synced()
        if not synced.done():
            await soon(synced, HOLD_SECONDS)
            if not synced.done():
                self._relay.counters.add("head_sync_misses")
        self._clock.released_us = now_us()

    def _begin(self, head: ResponseHead, *, with_body: bool) -> None:
        self._writer.begin(
            head,
            to_head=self._admitted.method == "HEAD",
            request_is_through=bool(self._clock.sent_us),
            with_body=with_body,
        )
        self._head_written = True
        self._status = head.status
        self._tape.head(Head(head.status, self._relay.keeper.keep(head.headers)))

    def _sink(self, now: int, data: bytes, chunk: bytes) -> None:
        """One piece of the response: to the client, then to the tape."""
        self._writer.piece(data, chunk)
        self._response_bytes += len(data)
        clock = self._clock
        clock.last_us = now
        if not clock.first_us:
            clock.first_us = now
        if self._tape.append(_CHUNK, data, now) and self._upstream is not None:
            self._upstream.hold()
            self._tape.caught_up().add_done_callback(self._go_on)

    def _go_on(self, _: object) -> None:
        if self._outcome is None and self._upstream is not None:
            self._upstream.unhold()

    # How it ends.

    def _decide(self, outcome: Outcome, note: str | None = None) -> None:
        """The first that happened decides."""
        if self._outcome is None:
            self._outcome = outcome
            self._note = note

    def _break(self, exc: CallBrokenError) -> None:
        self._decide(exc.outcome, exc.note)
        self._writer.keep = False
        if self._head_written:
            # Never a clean end: a truncated answer must not look complete.
            self._relay.counters.add("client_truncated")
            self._connection.reset()
            return
        said = self._connection.say_refused(exc.reason, f"req_{self.id.hex}", body=self._admitted.method != "HEAD")
        self._status = said.status
        self._head_written = True
        self._tape.head(Head(said.status, said.fields, ours=True))
        self._response_bytes += len(said.body)
        self._tape.append(Kind.CHUNK, said.body, now_us())

    def cut(self, outcome: Outcome, note: str) -> None:
        """End the call from outside: the client's connection is broken, which cancels ``run``."""
        self._decide(outcome, note)
        self._connection.reset()

    def _end(self) -> None:
        upstream = self._upstream
        if upstream is not None:
            upstream.release()
        outcome = self._outcome or Outcome.PROXY_SHUTDOWN
        timings = self._clock.timings()
        tape = self._tape
        delivered = self._delivered()
        sizes = self._body.size, self._response_bytes, delivered
        tape.end(End(outcome, *sizes, timings, self._note, tape.lost, self._trailers()))
        self._connection.call_ended()
        self._relay.calls.discard(self)
        if not self._relay.calls:
            self._relay.clear.set()
        counters = self._relay.counters
        counters.count_call(outcome, self._status, self._body.size, self._response_bytes)
        for histogram, seconds in self._clock.observations():
            counters.observe(histogram, seconds)

    def _trailers(self) -> Headers:
        return self._relay.keeper.keep(self._connection.trailers) if self._message.chunked else ()

    def _delivered(self) -> int:
        unsent = self._transport.get_write_buffer_size() if self._transport is not None else 0
        return max(0, self._response_bytes - unsent)

    # Watching.

    def check(self, now: int) -> None:
        """Look at the clock, about once a second."""
        settings = self._relay.settings
        idle_us = int(settings.idle_timeout * 1e6)
        if self._paused_us and self._connection.took_some():
            self._paused_us = now
        elif self._paused_us and now - self._paused_us > idle_us:
            self.cut(Outcome.CLIENT_TIMEOUT, "client stopped reading")
        self._body.check(now)
        if self._upstream is not None:
            self._upstream.check(now, int(settings.first_byte_timeout * 1e6), idle_us)

    def client_paused(self) -> None:
        """The client is behind: the upstream must wait, not our memory grow."""
        if self._upstream is not None and not self._paused_us:
            self._paused_us = now_us()
            self._upstream.hold()

    def client_resumed(self) -> None:
        """The client caught up."""
        if self._upstream is not None and self._paused_us:
            self._paused_us = 0
            self._upstream.unhold()

    # The tape.

    def _tape_start(self) -> None:
        key = self._relay.hmac_key
        admitted = self._admitted
        kind, digest = self._relay.keeper.credential(self._message.raw_headers) or (None, None)
        start = Start(
            self.id,
            self._clock.wall_us,
            self._relay.boot_id,
            admitted.method,
            redact.keep_target(admitted.target, key),
            self._relay.keeper.keep(self._message.raw_headers),
            admitted.train,
            None,
            kind,
            digest,
        )
        self._tape.start(start, self._clock.start_us)
