"""Calls put onto a real tape, frame by frame, for tests of what reads them.

with Taping(folder) as tape:
call = tape.begin(train="atlas")
tape.ask(call, b"{…}"); tape.head(call); tape.chunk(call, b"…"); tape.end(call)
await tape.synced()
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import asyncpg
import orjson

from core.frames import encode_end, encode_head, encode_start
from core.ids import uuid7
from core.models import End, Head, Headers, Outcome, Start, Timings
from core.tape import MAX_PAYLOAD, Kind
from proxy.recorder.line import Services
from proxy.recorder.service import Recorder, services
from proxy.tape_writer import TapeWriter

JSON = (("content-type", "application/json"), ("request-id", "req_1"))
STREAM = (("content-type", "text/event-stream"), ("request-id", "req_2"))
HMAC = "ab" * 16


def asked(model: str = "claude-opus-5-5", **fields: Any) -> bytes:
    """The body of a message request."""
    messages = [{"role": "user", "content": "hi"}]
    return orjson.dumps({"model": model, "max_tokens": 10, "messages": messages, **fields})


def answered(text: str = "hello", *, model: str = "claude-opus-5-5", tokens: tuple[int, int] = (10, 5)) -> bytes:
    """The body of a message as the API answers it."""
    usage = {"input_tokens": tokens[0], "output_tokens": tokens[1]}
    content = [{"type": "text", "text": text}]
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content}
    return orjson.dumps(message | {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage})


@dataclass(slots=True)
class Call:
    """One call as far as it was taped."""

    start: Start
    sequence: int = 0
    at_us: int = 0
    asked: int = 0
    received: int = 0


class Taping:
    """A tape that a test writes call by call. ``now_ms`` is the clock of its ids."""

    def __init__(self, folder: Path, now_ms: int, boot_id: str = "boot") -> None:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        self.writer = TapeWriter(folder, policy="serve", max_bytes=1 << 30, loop=loop)
        self.now_ms = now_ms
        self._boot_id = boot_id

    def __enter__(self) -> Self:
        self.writer.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()

    def new_id(self) -> UUID:
        """The next id, a millisecond after the last."""
        self.now_ms += 1
        return uuid7(self.now_ms, os.urandom(10))

    def begin(self, *, train: str = "default", request_id: UUID | None = None, **fields: Any) -> Call:
        """The start of a call."""
        request_id = request_id or self.new_id()
        start = Start(
            request_id=request_id,
            at_us=self.now_ms * 1000,
            boot_id=self._boot_id,
            method="POST",
            target="/v1/messages?beta=true",
            headers=(("content-type", "application/json"),),
            train=train,
        )
        start = replace(start, **fields)
        call = Call(start)
        self._put(call, Kind.START, encode_start(start))
        return call

    def ask(self, call: Call, body: bytes) -> None:
        """The request's body."""
        for at in range(0, len(body), MAX_PAYLOAD):
            self._put(call, Kind.BODY, body[at : at + MAX_PAYLOAD])
        call.asked += len(body)

    def head(self, call: Call, status: int = 200, headers: Sequence[tuple[str, str]] = JSON) -> None:
        """The response's head."""
        self._put(call, Kind.HEAD, encode_head(Head(status, tuple(headers))))

    def chunk(self, call: Call, body: bytes) -> None:
        """A piece of the response."""
        for at in range(0, len(body), MAX_PAYLOAD):
            self._put(call, Kind.CHUNK, body[at : at + MAX_PAYLOAD])
        call.received += len(body)

    def end(self, call: Call, outcome: Outcome = Outcome.OK, trailers: Headers = ()) -> None:
        """The end of the call."""
        timings = Timings(head_us=1000, first_byte_us=2000, last_byte_us=3000, end_us=4000)
        end = End(outcome, call.asked, call.received, call.received, timings, trailers=trailers)
        self._put(call, Kind.END, encode_end(end))

    def whole(self, *, asks: bytes | None = None, says: bytes | None = None, **fields: Any) -> Call:
        """A whole call that went well."""
        call = self.begin(**fields)
        self.ask(call, asked() if asks is None else asks)
        self.head(call)
        self.chunk(call, answered() if says is None else says)
        self.end(call)
        return call

    async def synced(self) -> None:
        """Until everything is on disk."""
        await self.writer.synced()

    def _put(self, call: Call, kind: Kind, payload: bytes) -> None:
        call.at_us += 1000
        self.writer.append(kind, call.start.request_id.bytes, call.sequence, call.at_us, payload)
        call.sequence += 1


def now_ms() -> int:
    """The clock of ids that are filed as they are."""
    return time.time_ns() // 1_000_000


async def drained(url: str, data_dir: Path, stop: asyncio.Event | None = None) -> None:
    """What ``python -m proxy record --once`` does, here."""
    async with services(url, stop or asyncio.Event()) as shared:
        await Recorder(shared, data_dir).drain()


@asynccontextmanager
async def recording(url: str, data_dir: Path, **changes: Any) -> AsyncIterator[Services]:
    """A recorder that follows all tapes until the end of the block; ``changes`` replace its services."""
    stop = asyncio.Event()
    async with services(url, stop) as given, asyncio.TaskGroup() as group:
        shared = replace(given, **changes)
        group.create_task(Recorder(shared, data_dir).follow())
        try:
            yield shared
        finally:
            stop.set()


class Eventually:
    """Asks the database until it says what a test waits for."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def says(self, expected: Any, query: str, *args: Any, seconds: float = 20.0) -> None:
        """Return when the query's value is the expected one; fail with the last value after ``seconds``."""
        value = None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (value := await self._connection.fetchval(query, *args)) != expected:
                    await asyncio.sleep(0.02)
        assert value == expected
