"""What developing tapes costs: ``python -m tests.bench.recorder [--only NAME] [--postgres FOLDER] [--no-write]``.

CPU of the recorder and its Postgres for each call, everything derived, and what a conversation takes on disk; against
the bars of performance.md. Calls are put onto a tape, no relay runs; a backlog while the recorder is stopped. Before
each row the tables are vacuumed and analysed, and some calls have the statements planned for that: the server's first
autovacuum, which comes at any moment, was half of a row it fell into. Appended to RESULTS.md.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import orjson

from deploy.postgres import EmbeddedPostgres
from deploy.settings import MALLOC
from sql.migrator import migrate
from tests.bench.cases import idle
from tests.bench.load import cpu_s
from tests.bench.report import append
from tests.conversations import Words, conversation
from tests.product import ROOT
from tests.taping import STREAM, Taping, answered, now_ms

Connection = "asyncpg.Connection[asyncpg.Record]"
SESSIONS = 8
TURN = 4200
"""Bytes a turn adds; at turn 70 a body is 300 KB."""
TOOLS = 20_000
STRANGERS, STRANGE = 48, 3
"""Conversations that another recorder had until now, and how many of their turns are put onto the tape."""
PLANNED = 30
"""Calls after a vacuum that are not counted: it makes the server plan every statement anew."""
BODIES = ("request_bodies", "pieces", "response_bodies")
STORED = """
SELECT coalesce(sum(pg_total_relation_size(relid)), 0)
FROM unnest($1::text[]) AS parent CROSS JOIN LATERAL pg_partition_tree(parent::regclass)"""


HOW = "Before each row of CPU the tables are vacuumed; a backlog is put onto the tape while the recorder is stopped."
LZ4 = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"


@dataclass(frozen=True)
class Call:
    """What is put onto the tape: a body of a session, at a rate."""

    session: int
    body: bytes


def main() -> int:
    """Measure, print, write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], choices=["cpu", "size"])
    parser.add_argument("--postgres", type=Path, help="the programs of another Postgres than the embedded one")
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footplate-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder / "pg", programs=given.postgres)
        url = server.start()
        try:
            text = asyncio.run(_measure(folder, url, server.pid or 0, given.only or ["cpu", "size"]))
        finally:
            server.stop()
    print(text)
    if not given.no_write:
        append(text, sys.argv[1:], module="tests.bench.recorder")
    return 0


async def _measure(folder: Path, url: str, postgres: int, wanted: list[str]) -> str:
    await migrate(url)
    connection = await asyncpg.connect(url)
    version = await connection.fetchval("SELECT split_part(version(), ' ', 2)")
    lz4 = await connection.fetchval(LZ4)
    lines = [
        f"Postgres {version}, bodies compressed by {'lz4' if lz4 else 'pglz'}; load {os.getloadavg()[0]:.1f}.",
        HOW,
        "",
    ]
    if "cpu" in wanted:
        bench = Bench(folder, url, postgres, connection)
        lines += ["| recorder and Postgres | calls | recorder, CPU µs a call | Postgres, CPU µs a call | together |"]
        lines += ["|---|--:|--:|--:|--:|", *[line async for line in bench.cpu()], ""]
    if "size" in wanted:
        lines += ["| on disk, against raw bytes | raw MB | requests | requests, repacked | with responses |"]
        lines += ["|---|--:|--:|--:|--:|", *[line async for line in _sizes(folder, url, connection)]]
    await connection.close()
    return "\n".join(lines)


class Bench:
    """One tape, one recorder process at a time."""

    def __init__(self, folder: Path, url: str, postgres: int, connection: "Connection") -> None:
        self._data, self._url, self._postgres, self._connection = folder / "data", url, postgres, connection
        self._rows = 0

    async def cpu(self) -> AsyncIterator[str]:
        """Rows of the table."""
        # The turn numbered 66 is the first of 300 KB.
        sessions = [list(conversation(90, TURN, start=n * 400_000, tools=TOOLS)) for n in range(SESSIONS)]
        others = [list(conversation(78, TURN, start=n * 400_000 + 5000, tools=TOOLS)) for n in range(SESSIONS // 2)]
        async with self._recorder() as pid:
            await self._take(pid, _interleaved([*sessions, *others], 0, 66), rate=0)
            yield await self._row("300 KB, turn after turn, 25/s", pid, _interleaved(sessions, 66, 78), rate=25)
            yield await self._row("300 KB, turn after turn, backlog", pid, _interleaved(sessions, 78, 90), rate=0)
            # As turns come that another recorder had until now: of lanes not seen here, nearly all pieces there.
            strange = [Call(10_000 + n, call.body) for n, call in enumerate(_interleaved(others, 66, 78))]
            yield await self._row("300 KB, nothing remembered, 25/s", pid, strange[:24], rate=25)
            yield await self._row("300 KB, nothing remembered, backlog", pid, strange[24:], rate=0)
            yield await self._row("2 KB JSON, 200/s", pid, _small(1200, 1), rate=200)
            yield await self._row("2 KB JSON, backlog", pid, _small(5000, 2), rate=0)
            # Of one session, every word the same: what is looked up by its words is found a thousandfold.
            same = _small(1, 3) * 1000
            yield await self._row("2 KB JSON, the same words, backlog: the first 1,000", pid, same, rate=0)
            await self._take(pid, same * 18, rate=0)
            yield await self._row("2 KB JSON, the same words, backlog: after 19,000", pid, same, rate=0)
            # Of each conversation the turn before is recorded, the rest of it only in the lane's memory that ends here.
            strangers = [
                list(conversation(68, TURN, start=n * 50_021 + 9000, tools=TOOLS))[-STRANGE:] for n in range(STRANGERS)
            ]
            await self._take(pid, _interleaved(strangers, 0, 1, first=200), rate=0)
        for turn, (name, rate) in enumerate((("25/s", 25.0), ("backlog", 0.0)), start=1):
            async with self._recorder() as pid:
                # What a recorder does once is not counted: it has prepared its statements and run its code.
                used = [Call(20_000 + 100 * turn + n, bodies[77]) for n, bodies in enumerate([*sessions, *others])]
                await self._take(pid, [*used, *_small(100, 2 + turn)], rate=0)
                calls = _interleaved(strangers, turn, turn + 1, first=200)
                yield await self._row(f"300 KB, lanes of another recorder, {name}", pid, calls, rate)

    @asynccontextmanager
    async def _recorder(self) -> AsyncIterator[int]:
        environment = {**os.environ, **MALLOC, "DATABASE_URL": self._url, "FOOTPLATE_DATA_DIR": str(self._data)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", "record"), env=environment, cwd=ROOT, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await self._take(process.pid, [Call(99, b"{}")], rate=0)
            yield process.pid
        finally:
            process.terminate()
            await process.wait()

    async def _row(self, name: str, pid: int, calls: list[Call], rate: float) -> str:
        await self._connection.execute("VACUUM (ANALYZE)")
        self._rows += 1
        await self._take(pid, _small(PLANNED, 100 + self._rows), rate=0)
        return _line(name, len(calls), await self._cost(pid, calls, rate))

    async def _cost(self, pid: int, calls: list[Call], rate: float) -> list[float]:
        before = [cpu_s([part]) for part in (pid, self._postgres)]
        await self._take(pid, calls, rate)
        return [
            (cpu_s([part]) - was) / len(calls) * 1e6 for part, was in zip((pid, self._postgres), before, strict=True)
        ]

    async def _take(self, pid: int, calls: list[Call], rate: float) -> None:
        """Put calls onto the tape, without a rate as a backlog, and wait until the recorder is idle."""
        before = await self._complete()
        if not rate:
            os.kill(pid, signal.SIGSTOP)
        try:
            with Taping(self._data / "tape" / "bench-0", now_ms()) as tape:
                for call in calls:
                    _put(tape, call)
                    await (asyncio.sleep(1 / rate) if rate else tape.synced())
        finally:
            os.kill(pid, signal.SIGCONT)
        while await self._complete() < before + len(calls):
            await asyncio.sleep(0.2)
        await idle((pid,))

    async def _complete(self) -> int:
        # Not by counting rows: that would cost the server more than recording.
        return int(await self._connection.fetchval("SELECT coalesce(sum(requests), 0) FROM usage_hourly"))


def _line(name: str, calls: int, costs: Iterable[float]) -> str:
    recorder, postgres = costs
    return f"| {name} | {calls:,} | {recorder:,.0f} | {postgres:,.0f} | {recorder + postgres:,.0f} |"


def _interleaved(sessions: list[list[bytes]], begin: int, end: int, *, first: int = 0) -> list[Call]:
    """These turns of all sessions, numbered from ``first`` on, each session's next after all others'."""
    return [Call(n, bodies[turn]) for turn in range(begin, end) for n, bodies in enumerate(sessions, start=first)]


def _small(count: int, seed: int) -> list[Call]:
    """Bodies of 2 KB that repeat nothing of each other but how they are built."""
    chance = random.Random(seed)
    texts = [Words(chance.randrange(4_500_000)).take(1600) for _ in range(count)]
    fields = {"model": "claude-opus-5-5", "max_tokens": 1024, "system": "You are brief. " * 12}
    return [
        Call(1000 + n, orjson.dumps(fields | {"messages": [{"role": "user", "content": words}]}))
        for n, words in enumerate(texts)
    ]


def _put(tape: Taping, call: Call) -> None:
    session = f"{call.session:08}-0000-4000-8000-000000000000"
    headers = (("content-type", "application/json"), ("user-agent", "claude-cli/2.1.328 (external, cli)"))
    headers = (*headers, ("x-claude-code-session-id", session))
    begun = tape.begin(headers=headers, credential_kind="api_key", credential_hmac="ab" * 16)
    tape.ask(begun, call.body)
    if len(call.body) > 10_000:
        tape.head(begun, headers=STREAM)
        for event in _answer(len(call.body)):
            tape.chunk(begun, event)
    else:
        tape.head(begun)
        tape.chunk(begun, answered("Yes. " * 60))
    tape.end(begun)


def _answer(seed: int, size: int = 900) -> Iterator[bytes]:
    """A streamed answer of so many characters, as the API sends it."""
    at = random.Random(seed).randrange(3_000_000)
    text = Words(at).take(size)
    message = {"id": f"msg_{seed}", "type": "message", "role": "assistant", "model": "claude-opus-5-5", "content": []}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 70_000, "output_tokens": 1}}
    yield _event("message_start", message=message)
    yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for begin in range(0, size, 45):
        yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text[begin : begin + 45]})
    yield _event("content_block_stop", index=0)
    yield _event(
        "message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 220}
    )
    yield _event("message_stop")


def _event(kind: str, **fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **fields}))


async def _sizes(folder: Path, url: str, connection: "Connection") -> AsyncIterator[str]:
    for turns, size, count in ((50, 4096, 1), (50, 4096, 10), (200, 10_240, 1)):
        name = f"size_{turns}_{count}"
        await connection.execute(f"CREATE DATABASE {name}")
        fresh = url.replace("/footplate?", f"/{name}?")
        await migrate(fresh)
        yield await _size(folder / name, fresh, turns, size, count)


async def _size(data: Path, url: str, turns: int, size: int, count: int) -> str:
    connection = await asyncpg.connect(url)
    empty = [await connection.fetchval(STORED, tables) for tables in (BODIES[:2], BODIES)]
    asked = answered = 0
    with Taping(data / "tape" / "bench-0", now_ms()) as tape:
        for number in range(count):
            for body in conversation(turns, size, start=number * turns * size):
                _put(tape, Call(number, body))
                asked += len(body)
                answered += sum(map(len, _answer(len(body))))
                await tape.synced()
    await _once(url, data)
    stored = await connection.fetchval(STORED, BODIES[:2]) - empty[0]
    for table in BODIES:
        await connection.execute(f"VACUUM FULL {table}")
    packed, with_responses = [await connection.fetchval(STORED, tables) for tables in (BODIES[:2], BODIES)]
    await connection.close()
    shares = (stored / asked, (packed - empty[0]) / asked, (with_responses - empty[1]) / (asked + answered))
    name = f"{count} × {turns} turns × {size / 1024:.0f} KB"
    return f"| {name} | {asked / 1e6:,.0f} | {' | '.join(f'{share:.2%}' for share in shares)} |"


async def _once(url: str, data: Path) -> None:
    environment = {**os.environ, **MALLOC, "DATABASE_URL": url, "FOOTPLATE_DATA_DIR": str(data)}
    command = (sys.executable, "-m", "proxy", "record", "--once")
    process = await asyncio.create_subprocess_exec(*command, env=environment, cwd=ROOT)
    if await process.wait():
        raise RuntimeError("the recorder failed")


if __name__ == "__main__":
    sys.exit(main())
