"""A scripted upstream on 127.0.0.1: keeps every request's exact bytes and answers by script.

    async with Upstream() as upstream:
        upstream.script(Answer(chunks=(b"one", gate, b"two", RESET), framing="chunked"))
        ...  # requests to upstream.url
        call = await upstream.received(0)
        assert call.body == b"..."

Answers are used up in order; when none is left, ``upstream.default`` answers. Steps of ``Answer.chunks``:
bytes are one write (one HTTP chunk under ``chunked``), an ``asyncio.Event`` is waited for, ``RESET`` breaks the
connection with a TCP reset, ``FIN`` closes it without ending the body, ``HANG`` says nothing more and keeps it open.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ssl import SSLContext
from typing import Literal, Self, cast


class Step(Enum):
    """What an answer may do besides sending bytes."""

    RESET = "reset"
    FIN = "fin"
    HANG = "hang"


RESET, FIN, HANG = Step.RESET, Step.FIN, Step.HANG

Chunk = bytes | asyncio.Event | Step
JSON = ("content-type", "application/json")
SSE = ("content-type", "text/event-stream; charset=utf-8")

MESSAGE = {
    "id": "msg_01Scripted",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "Hello there."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 11, "output_tokens": 5},
}


@dataclass(frozen=True)
class Answer:
    """One scripted answer. ``raw`` replaces everything: those bytes are sent, then ``chunks`` as raw writes."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = (JSON,)
    chunks: Sequence[Chunk] = (json.dumps(MESSAGE).encode(),)
    framing: Literal["length", "chunked", "eof"] = "length"
    reason: str = "OK"
    interim: bytes = b""
    """Bytes sent as soon as the request's head is there, e.g. ``HTTP/1.1 100 Continue\\r\\n\\r\\n``."""
    early: bool = False
    """Answer on the head, without waiting for the body."""
    close: bool = False
    """Close the connection after the answer, telling nobody."""
    before: asyncio.Event | None = None
    """Waited for before the first byte of the head."""
    raw: bytes | None = None
    read_body: bool = True
    """False: stop reading after the head (backpressure on the request)."""


@dataclass
class Received:
    """One request as it crossed the wire."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    raw_head: bytes
    connection: int
    """Number of the connection it came on, from 0."""
    body: bytearray = field(default_factory=bytearray)
    """Decoded from its framing (a bytearray: compares equal to bytes)."""
    raw_body: bytearray = field(default_factory=bytearray)
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the connection was lost."""
    gone_at: float | None = None

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def all(self, name: str) -> list[str]:
        """Every value of a header in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


Chooser = Callable[[Received], Answer]


class Upstream:
    """The server; see the module."""

    def __init__(self, *, default: Answer | None = None, ssl: SSLContext | None = None) -> None:
        self.default = default or Answer()
        self.choose: Chooser | None = None
        """Given a request (its head; its body too, unless the answer is early), picks the answer."""
        self.requests: list[Received] = []
        self.connections = 0
        self.open: set[_Connection] = set()
        self.answers: list[Answer] = []
        self._ssl = ssl
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Condition()
        self.port = 0

    @property
    def url(self) -> str:
        """The origin to configure."""
        return f"http{'s' if self._ssl else ''}://127.0.0.1:{self.port}"

    def script(self, *answers: Answer) -> None:
        """Append answers to the queue."""
        self.answers.extend(answers)

    async def received(self, index: int, *, whole: bool = True) -> Received:
        """The index-th request, waited for; with ``whole`` until its body is complete."""
        async with asyncio.timeout(20):
            async with self._news:
                await self._news.wait_for(lambda: len(self.requests) > index)
            if whole:
                await self.requests[index].complete.wait()
        return self.requests[index]

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), "127.0.0.1", self.port, ssl=self._ssl, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.open):
            connection.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def pick(self, request: Received) -> Answer:
        """The answer for a request."""
        if self.choose is not None:
            return self.choose(request)
        return self.answers.pop(0) if self.answers else self.default

    def run(self, coroutine: Awaitable[None]) -> None:
        """Run one answer beside the others."""
        task = asyncio.get_running_loop().create_task(_awaited(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def tell(self) -> None:
        """Wake whoever waits for a request."""
        async with self._news:
            self._news.notify_all()


async def _awaited(coroutine: Awaitable[None]) -> None:
    await coroutine


class _Connection(asyncio.Protocol):
    """One connection: cuts requests out of the bytes, one at a time."""

    transport: asyncio.Transport

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.number = upstream.connections
        upstream.connections += 1
        self.buffer = b""
        self.request: Received | None = None
        self.answer: Answer | None = None
        self.left = 0
        self.chunked = False
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.upstream.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.upstream.open.discard(self)
        self.writable.set()
        for request in self.upstream.requests:
            if request.connection == self.number:
                request.gone_at = request.gone_at or asyncio.get_running_loop().time()
                request.gone.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while self.buffer:
            if self.request is None and not self._head():
                return
            if self.request is not None and not self._body():
                return

    def _head(self) -> bool:
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        raw, self.buffer = self.buffer[: end + 4], self.buffer[end + 4 :]
        first, *lines = raw[:-4].decode("latin-1").split("\r\n")
        method, target, version = first.split(" ", 2)
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        self.request = Received(method, target, version, headers, raw, self.number)
        self.upstream.requests.append(self.request)
        self.upstream.run(self.upstream.tell())
        self.chunked = (self.request.header("transfer-encoding") or "").lower() == "chunked"
        self.left = int(self.request.header("content-length") or 0)
        self._maybe_early()
        if not self.chunked and not self.left:
            self._done()
        return True

    def _maybe_early(self) -> None:
        assert self.request is not None
        following = self.upstream.answers[0] if self.upstream.answers else self.upstream.default
        if following.interim:
            self.transport.write(following.interim)
        if not following.read_body:
            self.transport.pause_reading()
        if following.early and self.upstream.choose is None:
            self.answer = self.upstream.pick(self.request)
            self.upstream.run(self._reply(self.answer, self.request))

    def _body(self) -> bool:
        assert self.request is not None
        if self.chunked:
            return self._chunk()
        piece, self.buffer = self.buffer[: self.left], self.buffer[self.left :]
        self.request.body += piece
        self.request.raw_body += piece
        self.left -= len(piece)
        if self.left:
            return False
        self._done()
        return True

    def _chunk(self) -> bool:
        assert self.request is not None
        line_end = self.buffer.find(b"\r\n")
        if line_end < 0:
            return False
        size = int(self.buffer[:line_end].split(b";")[0], 16)
        whole = line_end + 2 + size + 2
        if len(self.buffer) < whole:
            return False
        self.request.body += self.buffer[line_end + 2 : whole - 2]
        self.request.raw_body += self.buffer[:whole]
        self.buffer = self.buffer[whole:]
        if size:
            return True
        self._done()
        return True

    def _done(self) -> None:
        request, self.request = self.request, None
        assert request is not None
        request.complete.set()
        self.upstream.run(self.upstream.tell())
        if self.answer is None:
            self.upstream.run(self._reply(self.upstream.pick(request), request))
        self.answer = None

    async def _reply(self, answer: Answer, request: Received) -> None:
        if answer.before is not None:
            await answer.before.wait()
        if answer.raw is not None:
            self.transport.write(answer.raw)
        else:
            self.transport.write(render_head(answer))
        for chunk in answer.chunks if request.method != "HEAD" else ():
            if not await self._step(answer, chunk):
                return
        if answer.raw is None and answer.framing == "chunked" and request.method != "HEAD":
            self.transport.write(b"0\r\n\r\n")
        if answer.close or (answer.framing == "eof" and answer.raw is None):
            self.transport.close()

    async def _step(self, answer: Answer, chunk: Chunk) -> bool:
        if isinstance(chunk, asyncio.Event):
            await chunk.wait()
        elif chunk is Step.RESET:
            reset(self.transport)
            return False
        elif chunk is Step.FIN:
            self.transport.close()
            return False
        elif chunk is Step.HANG:
            return False
        elif isinstance(chunk, bytes):
            await self.writable.wait()
            framed = b"%x\r\n%b\r\n" % (len(chunk), chunk)
            self.transport.write(framed if answer.framing == "chunked" and answer.raw is None else chunk)
            await asyncio.sleep(0)
        return not self.transport.is_closing()


def render_head(answer: Answer) -> bytes:
    """The bytes of an answer's head."""
    headers = list(answer.headers)
    if answer.framing == "chunked":
        headers.append(("transfer-encoding", "chunked"))
    elif answer.framing == "length" and not any(name.lower() == "content-length" for name, _ in headers):
        size = sum(len(chunk) for chunk in answer.chunks if isinstance(chunk, bytes))
        headers.append(("content-length", str(size)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {answer.status} {answer.reason}\r\n{lines}\r\n".encode("latin-1")


def reset(transport: asyncio.Transport) -> None:
    """Break a connection with a TCP reset: SO_LINGER with zero seconds."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def event(name: str, **data: object) -> bytes:
    """One SSE event as the API writes it."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def stream(*texts: str, model: str = "claude-sonnet-4-5-20250929") -> tuple[bytes, ...]:
    """A whole message stream, one chunk an event, with these text deltas."""
    start = MESSAGE | {"content": [], "stop_reason": None, "model": model}
    deltas = (
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": text}) for text in texts or ("Hi",)
    )
    return (
        event("message_start", message=start),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("ping"),
        *deltas,
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 5}),
        event("message_stop"),
    )


def stream_answer(*texts: str) -> Answer:
    """A streamed answer with these text deltas."""
    return Answer(headers=(SSE, ("request-id", "req_scripted")), chunks=stream(*texts), framing="chunked")
