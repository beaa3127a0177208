"""One call, in a straight line: tape the start, send upstream, hold the head for the tape, pour, tape the end."""

import asyncio
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from core import redact, refusals
from core.ids import IdSequence
from core.models import ANSWERED_EARLY, End, Head, Outcome, Start
from core.refusals import REFUSALS, Reason
from core.settings import Settings
from core.tape import Kind
from proxy import log
from proxy.admission import Admitted
from proxy.breaks import CallBrokenError
from proxy.call_tape import CallTape, soon
from proxy.clock import Clock
from proxy.connection import CLOSED, KEPT, Incoming, Sent
from proxy.counters import Counters
from proxy.headers import HeaderKeeper, request_head, response_head
from proxy.request_body import RequestBody
from proxy.tape_writer import TapeWriter
from proxy.upstream import Upstream
from proxy.upstream_connection import ResponseHead, UpstreamConnection, now_us

HOLD_SECONDS = 0.02
"""How long a response head waits for the tape at most (tape.md)."""
SMALL = 16 * 1024
UNREACHED_SECONDS = 5.0
UNREACHED_BYTES = 32 << 20
"""What is still read of a request whose upstream cannot be reached, so that its record is whole."""


@dataclass
class Relay:
    """What all calls of a worker share."""

    settings: Settings
    tape: TapeWriter
    upstream: Upstream
    counters: Counters
    hmac_key: bytes
    boot_id: str
    keeper: HeaderKeeper = field(init=False)
    ids: IdSequence = field(default_factory=IdSequence)
    calls: "set[Call]" = field(default_factory=set)
    clear: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever the last call ends."""

    _random: bytes = field(default=b"", init=False)

    def __post_init__(self) -> None:
        self.keeper = HeaderKeeper(self.hmac_key)

    def new_id(self) -> UUID:
        """A request id of now. Randomness is fetched for a hundred ids at a time."""
        if not self._random:
            self._random = os.urandom(1000)
        random, self._random = self._random[:10], self._random[10:]
        return self.ids.next(time.time_ns() // 1_000_000, random)


class Call:
    """One relayed request. ``run`` lets nothing escape but its own cancellation."""

    __slots__ = (
        *("_admitted", "_body", "_clock", "_close_delimited", "_connection", "_head_written", "_keep", "_message"),
        *("_note", "_outcome", "_paused_us", "_relay", "_response_bytes", "_status", "_synced", "_tape", "_to_chunk"),
        *("_transport", "_unsent", "_upstream", "id", "written"),
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
        self._unsent = b""
        self.written = 0
        """Bytes written to the client, head and framing included."""
        self._paused_us = 0
        self._head_written = False
        self._to_chunk = False
        self._close_delimited = False
        self._keep = False

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
        return KEPT if self._keep else CLOSED

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
                self._send(upstream, data)
                await upstream.drain()
                if self._tape.behind:
                    await self._tape.caught_up()
            self._sent(upstream)
        except CallBrokenError as exc:
            upstream.fail(exc.reason, exc.outcome, exc.note)

    def _send(self, upstream: UpstreamConnection, data: bytes) -> None:
        if self._message.chunked:
            upstream.write(b"%x\r\n" % len(data))
            upstream.write(data)
            upstream.write(b"\r\n")
        else:
            upstream.write(data)
        self._tape.append(Kind.BODY, data, now_us())

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
        self._write_head(head, with_body=upstream.has_body)
        await upstream.pour(self._sink)
        await self._close_body()

    async def _hold(self) -> None:
        """Wait for the tape: nobody has seen an answer whose request is not on disk (tape.md, durability)."""
        synced = self._synced or self._relay.tape.synced()
        if not synced.done():
            await soon(synced, HOLD_SECONDS)
            if not synced.done():
                self._relay.counters.add("head_sync_misses")
        self._clock.released_us = now_us()

    def _write_head(self, head: ResponseHead, *, with_body: bool) -> None:
        """Write the head; where the beginning of the body is there already, together with that, as one packet."""
        message = self._message
        modern = message.version == (1, 1)
        unknown_length = head.framing in {"chunked", "eof"}
        self._to_chunk = unknown_length and modern
        self._close_delimited = unknown_length and not modern
        self._keep = (
            modern
            and not (message.should_close or message.upgrade or self._connection.ending)
            and bool(self._clock.sent_us)
        )
        chunked = self._to_chunk or (head.framing == "none" and modern and self._would_chunk(head))
        self._unsent = response_head(head.status, head.reason, head.headers, chunked=chunked, close=not self._keep)
        if self._close_delimited:
            self._connection.end_only_by_reset()
        if not with_body:
            self._write(b"")
        self._head_written = True
        self._status = head.status
        self._tape.head(Head(head.status, self._relay.keeper.keep(head.headers)))

    def _would_chunk(self, head: ResponseHead) -> bool:
        """Whether the answer to HEAD says that the body GET would get comes in chunks."""
        fields = (name.lower() for name, _ in head.headers)
        return self._admitted.method == "HEAD" and b"transfer-encoding" in fields

    def _write(self, data: bytes) -> None:
        if self._unsent:
            data, self._unsent = self._unsent + data, b""
        self.written += len(data)
        if self._transport is not None:
            self._transport.write(data)

    def _sink(self, data: bytes) -> None:
        """One piece of the response: to the client, then to the tape."""
        size = len(data)
        if not self._to_chunk:
            self._write(data)
        elif size < SMALL:
            self._write(b"%x\r\n%b\r\n" % (size, data))
        else:
            self._write(b"%x\r\n" % size)
            self._write(data)
            self._write(b"\r\n")
        self._response_bytes += size
        now = self._upstream.last_us if self._upstream is not None else now_us()
        self._clock.piece(now)
        self._tape.append(Kind.CHUNK, data, now)
        if self._tape.behind and self._upstream is not None:
            self._upstream.hold()
            self._tape.caught_up().add_done_callback(self._go_on)

    def _go_on(self, _: object) -> None:
        if self._outcome is None and self._upstream is not None:
            self._upstream.unhold()

    async def _close_body(self) -> None:
        if self._to_chunk:
            self._write(b"0\r\n\r\n")
        if self._close_delimited:
            await self._connection.all_taken()
        if not self._keep:
            self._connection.say_goodbye()
        self._decide(Outcome.OK, None if self._clock.sent_us else ANSWERED_EARLY)

    # How it ends.

    def _decide(self, outcome: Outcome, note: str | None = None) -> None:
        """The first that happened decides."""
        if self._outcome is None:
            self._outcome = outcome
            self._note = note

    def _break(self, exc: CallBrokenError) -> None:
        self._decide(exc.outcome, exc.note)
        self._keep = False
        if self._head_written:
            # Never a clean end: a truncated answer must not look complete.
            self._relay.counters.add("client_truncated")
            self._connection.reset()
            return
        self._relay.counters.add(f"refused:{exc.reason}")
        request_id = f"req_{self.id.hex}"
        content = refusals.body(exc.reason, request_id, datetime.now(UTC).isoformat(timespec="milliseconds"))
        fields = refusals.head_fields(exc.reason, request_id, len(content))
        self._status = REFUSALS[exc.reason].status
        self._head_written = True
        self._connection.answer(self._status, fields, b"" if self._admitted.method == "HEAD" else content, close=True)
        self._tape.head(Head(self._status, fields, ours=True))
        self._response_bytes += len(content)
        self._tape.append(Kind.CHUNK, content, now_us())

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
        tape.end(End(outcome, self._body.size, self._response_bytes, delivered, timings, self._note, tape.lost))
        self._connection.call_ended()
        self._relay.calls.discard(self)
        if not self._relay.calls:
            self._relay.clear.set()
        counters = self._relay.counters
        counters.count_call(outcome, self._status, self._body.size, self._response_bytes)
        for histogram, seconds in self._clock.observations():
            counters.observe(histogram, seconds)

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
