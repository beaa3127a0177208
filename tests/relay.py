"""A relay worker inside the test's own event loop, a client on a raw socket, and what was taped.

async with Worker(settings) as worker:
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post(b'{"a":1}'))
    (call,) = await worker.taped()
    assert call.request == b'{"a":1}'
"""

import asyncio
import socket
import struct
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from core import frames
from core.models import End, Head, Start
from core.settings import Settings, read
from core.tape import Decoder, Frame, Kind
from proxy.server import listen
from proxy.worker import put_together, watch
from sql.database import Database

HOST = b"Host: proxy.test\r\n"


def settings_for(data_dir: Path, upstream_url: str, **overrides: Any) -> Settings:
    """Settings for a worker on an ephemeral port."""
    return read({}, data_dir, {"upstream_url": upstream_url, "proxy_port": 0} | overrides)


def post(body: bytes = b"{}", *headers: bytes, target: bytes = b"/v1/messages", host: bytes = HOST) -> bytes:
    """A POST with a Content-Length."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"POST %b HTTP/1.1\r\n%b%bContent-Length: %d\r\n\r\n%b" % (target, host, lines, len(body), body)


def get(target: bytes = b"/v1/models", *headers: bytes, method: bytes = b"GET", host: bytes = HOST) -> bytes:
    """A request without a body."""
    return b"%b %b HTTP/1.1\r\n%b%b\r\n" % (method, target, host, b"".join(header + b"\r\n" for header in headers))


@dataclass
class Answer:
    """What a client on a raw socket got."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    whole: bool
    """Whether the body ended as its framing says."""
    raw_head: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Wire:
    """A client that sends exactly the bytes it is told to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.writer.close()

    async def send(self, data: bytes) -> None:
        """Write bytes; a peer that is gone does not matter."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            return

    async def ask(self, data: bytes, *, method: str = "POST") -> Answer:
        """Send bytes and read one answer."""
        await self.send(data)
        return await self.answer(method=method)

    async def head(self) -> tuple[int, str, list[tuple[str, str]], bytes]:
        """Read one response head."""
        async with asyncio.timeout(20):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw[:-4].decode("latin-1").split("\r\n")
        _, status, reason = first.split(" ", 2)
        return int(status), reason, [(k, v.strip()) for k, _, v in (line.partition(":") for line in lines)], raw

    async def answer(self, *, method: str = "POST") -> Answer:
        """Read one whole answer, or as much of it as comes."""
        status, reason, headers, raw = await self.head()
        answer = Answer(status, reason, headers, b"", whole=True, raw_head=raw)
        if method == "HEAD" or status in {204, 304}:
            return answer
        async with asyncio.timeout(20):
            try:
                answer.body = await self._body(answer)
            except (asyncio.IncompleteReadError, ConnectionError) as exc:
                answer.body += getattr(exc, "partial", b"")
                answer.whole = False
        return answer

    async def _body(self, answer: Answer) -> bytes:
        if answer.header("transfer-encoding") == "chunked":
            while chunk := await self.chunk():
                answer.body += chunk
            return answer.body
        if (length := answer.header("content-length")) is not None:
            return await self.reader.readexactly(int(length))
        return await self.reader.read()

    async def chunk(self) -> bytes:
        """Read one HTTP chunk; empty at the end."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def chunk_of_head(self) -> bytes:
        """Read a response head and the first chunk behind it."""
        await self.head()
        return await self.chunk()

    async def closed(self) -> bytes:
        """Everything until the proxy closes."""
        async with asyncio.timeout(20):
            return await self.reader.read()

    def reset(self) -> None:
        """Go away with a TCP reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass
class Taped:
    """One call as it stands on the tape."""

    start: Start
    request: bytearray = field(default_factory=bytearray)
    head: Head | None = None
    response: bytearray = field(default_factory=bytearray)
    chunks: list[int] = field(default_factory=list)
    end: End | None = None
    sequence: list[int] = field(default_factory=list)


class Worker:
    """A relay worker in this event loop."""

    def __init__(self, settings: Settings, *, database: Database | None = None, slot: int = 0) -> None:
        self.settings = settings
        self.database = database
        self.slot = slot
        self.port = 0
        self._stack = ExitStack()
        self._watching: asyncio.Task[None] | None = None
        self._listeners: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self.server, self.health = put_together(self.settings, self.slot, self.database, self._stack)
        self.relay = self.server.relay
        for sock in listen(self.settings):
            self._listeners.append(await loop.create_server(self.server, sock=sock))
        self.port = self._listeners[0].sockets[0].getsockname()[1]
        self._watching = loop.create_task(watch(self.server, self.settings))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for listener in self._listeners:
            listener.close()
        hurry = asyncio.Event()
        hurry.set()
        await self.server.drain(5, hurry)
        assert self._watching is not None
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        self._stack.close()

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self.port}"

    def count(self, name: str) -> int:
        """A counter of this worker."""
        return int(self.relay.counters.get(name))

    async def idle(self) -> None:
        """Wait until no call is running."""
        async with asyncio.timeout(20):
            while self.relay.calls:
                self.relay.clear.clear()
                await self.relay.clear.wait()

    async def taped(self, *, idle: bool = True) -> list[Taped]:
        """Everything on the tape, in order of start; waits until no call is running."""
        if idle:
            await self.idle()
        async with asyncio.timeout(20):
            await self.relay.tape.synced()
        calls: dict[bytes, Taped] = {}
        for path in sorted(self.settings.data_dir.glob("tape/*/*.seg")):
            for frame in Decoder(UUID(path.stem)).feed(path.read_bytes()):
                assert isinstance(frame, Frame)
                _file(calls, frame)
        return list(calls.values())


def _file(calls: dict[bytes, Taped], frame: Frame) -> None:
    if frame.kind is Kind.START:
        calls[frame.request_id] = Taped(frames.decode_start(frame.payload))
    call = calls[frame.request_id]
    call.sequence.append(frame.sequence)
    if frame.kind is Kind.BODY:
        call.request += frame.payload
    elif frame.kind is Kind.HEAD:
        call.head = frames.decode_head(frame.payload)
    elif frame.kind is Kind.CHUNK:
        call.response += frame.payload
        call.chunks.append(len(frame.payload))
    elif frame.kind is Kind.END:
        call.end = frames.decode_end(frame.payload)
