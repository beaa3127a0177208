"""The worker as a process: start, drain, abort, die; what the client sees, what the tape has, how it exits."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest

from core import frames
from core.models import Outcome
from core.tape import Decoder, Frame, Kind
from proxy.tape_folder import segment_path
from proxy.tape_limit import default_tape_bytes
from tests.relay import Wire, get, post
from tests.upstream import HANG, SSE, Answer, Upstream, stream

ROOT = Path(__file__).parents[2]


@dataclass
class Process:
    """A running worker."""

    process: asyncio.subprocess.Process
    port: int
    data: Path

    async def exit(self) -> tuple[int, str]:
        """Exit code and what else it said."""
        async with asyncio.timeout(20):
            _, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, err.decode()

    async def said(self, event: str) -> None:
        """Wait for a log line."""
        assert self.process.stderr is not None
        async with asyncio.timeout(20):
            while json.loads(await self.process.stderr.readline())["event"] != event:
                pass

    def frames(self) -> list[Frame]:
        """What is on its tape."""
        found: list[Frame] = []
        for path in sorted(self.data.glob("tape/*/*.seg")):
            decoded = Decoder(UUID(path.stem)).feed(path.read_bytes())
            found += [frame for frame in decoded if isinstance(frame, Frame)]
        return found

    def outcomes(self) -> list[Outcome]:
        """The outcomes on its tape."""
        return [frames.decode_end(frame.payload).outcome for frame in self.frames() if frame.kind is Kind.END]


Start = Callable[..., Awaitable[Process]]


async def spawn(
    data: Path, upstream: Upstream, *arguments: str, limit: str = "4096", **environment: str
) -> asyncio.subprocess.Process:
    """``python -m proxy`` with these settings and no others, and so many file descriptors."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = {
        "FOOTPLATE_DATA_DIR": str(data),
        "FOOTPLATE_PROXY_PORT": "0",
        "FOOTPLATE_UPSTREAM_URL": upstream.url,
    }
    return await asyncio.create_subprocess_exec(
        *("sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", sys.executable, "-m", "proxy", *arguments),
        cwd=ROOT,
        env=inherited | settings | environment,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.fixture
async def start(upstream: Upstream, tmp_path: Path) -> AsyncIterator[Start]:
    """Start workers; what still runs at the end is killed."""
    running: list[asyncio.subprocess.Process] = []

    async def begin(*arguments: str, **environment: str) -> Process:
        process = await spawn(tmp_path, upstream, *arguments, **environment)
        running.append(process)
        assert process.stderr is not None
        async with asyncio.timeout(20):
            line = json.loads(await process.stderr.readline())
        assert line["event"] == "listening"
        return Process(process, line["port"], tmp_path)

    yield begin
    for process in running:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _streams(upstream: Upstream, worker: Process, count: int, gate: asyncio.Event) -> list[Wire]:
    """So many streams in the middle."""
    upstream.default = Answer(headers=(SSE,), chunks=(b"begin", gate, *stream("Hi")), framing="chunked")
    wires = []
    for _ in range(count):
        wire = await Wire(worker.port).__aenter__()
        await wire.send(post())
        assert await wire.chunk_of_head() == b"begin"
        wires.append(wire)
    return wires


async def _rest(wire: Wire) -> bytes:
    body = b""
    while chunk := await wire.chunk():
        body += chunk
    return body


async def test_drain(start: Start, upstream: Upstream) -> None:
    """On SIGTERM the port is closed at once, idle connections too, streams finish, exit 0, everything on the tape."""
    gate = asyncio.Event()
    worker = await start()
    async with Wire(worker.port) as idle:
        assert (await idle.ask(get(b"/health", host=b"Host: localhost\r\n"))).status == 200
        wires = await _streams(upstream, worker, 20, gate)
        worker.process.send_signal(signal.SIGTERM)
        await worker.said("draining")
        assert await idle.closed() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", worker.port)
        gate.set()
        for wire in wires:
            assert await _rest(wire) == b"".join(stream("Hi"))
            assert await wire.closed() == b""
            wire.writer.close()
    assert (await worker.exit())[0] == 0
    assert worker.outcomes() == [Outcome.OK] * 20


async def test_drain_lets_an_upload_finish(start: Start, upstream: Upstream) -> None:
    """A request whose body is still coming when SIGTERM comes is served to its end (bare aiohttp stops reading)."""
    worker = await start()
    async with Wire(worker.port) as wire:
        await wire.send(post(b"x" * 100_000)[:-50_000])
        await upstream.received(0, whole=False)
        worker.process.send_signal(signal.SIGTERM)
        await worker.said("draining")
        answer = await wire.ask(b"x" * 50_000)
        assert answer.status == 200
        assert answer.header("connection") == "close"
    assert upstream.requests[0].body == b"x" * 100_000
    assert (await worker.exit())[0] == 0


async def test_drain_waits_for_a_slow_reader(start: Start, upstream: Upstream) -> None:
    """An answer that is written and not yet read when SIGTERM comes is read to its end."""
    body = bytes(3_000_000)
    upstream.default = Answer(chunks=(body,))
    worker = await start()
    async with Wire(worker.port) as wire:
        wire.writer.transport.pause_reading()
        await wire.send(post())
        await upstream.received(0)
        worker.process.send_signal(signal.SIGTERM)
        await worker.said("draining")
        wire.writer.transport.resume_reading()
        answer = await wire.answer()
    assert (answer.body, answer.whole) == (body, True)
    assert (await worker.exit())[0] == 0


async def test_drain_has_an_end(start: Start, upstream: Upstream) -> None:
    """What is not done in time is cut, never ended cleanly, and recorded as such; still exit 0."""
    worker = await start(FOOTPLATE_DRAIN_SECONDS="0.2")
    (wire,) = await _streams(upstream, worker, 1, asyncio.Event())
    worker.process.send_signal(signal.SIGTERM)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await wire.chunk()
    assert (await worker.exit())[0] == 0
    assert worker.outcomes() == [Outcome.PROXY_SHUTDOWN]
    wire.writer.close()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal(second: signal.Signals, start: Start, upstream: Upstream) -> None:
    """A second signal aborts at once; the tape is closed well all the same."""
    worker = await start()
    wires = await _streams(upstream, worker, 5, asyncio.Event())
    worker.process.send_signal(signal.SIGTERM)
    await worker.said("draining")
    worker.process.send_signal(second)
    assert (await worker.exit())[0] == 0
    assert worker.outcomes() == [Outcome.PROXY_SHUTDOWN] * 5
    for wire in wires:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await wire.chunk()
        wire.writer.close()


async def test_killed(start: Start, upstream: Upstream) -> None:
    """Kill -9 in the middle: the client sees an error, the tape has the start and what was synced, no end."""
    worker = await start()
    (wire,) = await _streams(upstream, worker, 1, asyncio.Event())
    worker.process.kill()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await wire.chunk()
    await worker.exit()
    kinds = [frame.kind for frame in worker.frames()]
    assert kinds[:2] == [Kind.START, Kind.BODY]
    assert Kind.END not in kinds
    wire.writer.close()


async def test_killed_in_an_answer_without_length(start: Start, upstream: Upstream) -> None:
    """SIGKILL under an answer that only the connection's end would end: the client gets a reset, no clean end."""
    worker = await start()
    upstream.default = Answer(headers=(SSE,), chunks=(b"half", HANG), framing="chunked")
    async with Wire(worker.port) as wire:
        await wire.send(b"GET /v1/models HTTP/1.0\r\nHost: proxy.test\r\n\r\n")
        await wire.head()
        assert await wire.reader.readexactly(4) == b"half"
        worker.process.kill()
        with pytest.raises(ConnectionResetError):
            await wire.closed()


async def test_a_successor_takes_the_port_over(start: Start, upstream: Upstream) -> None:
    """While one worker drains, the next one listens on the same port: nobody is refused."""
    gate = asyncio.Event()
    old = await start()
    (wire,) = await _streams(upstream, old, 1, gate)
    new = await start("--slot", "1", FOOTPLATE_PROXY_PORT=str(old.port))
    assert new.port == old.port
    old.process.send_signal(signal.SIGTERM)
    await old.said("draining")
    upstream.default = Answer()
    for _ in range(20):
        async with Wire(old.port) as other:
            assert (await other.ask(post())).status == 200
    gate.set()
    assert await _rest(wire) == b"".join(stream("Hi"))
    wire.writer.close()
    assert (await old.exit())[0] == 0


async def test_the_port_is_in_use(upstream: Upstream, tmp_path: Path) -> None:
    """One line, exit 1."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        process = await spawn(tmp_path, upstream, FOOTPLATE_PROXY_PORT=str(port))
        _, err = await process.communicate()
    assert process.returncode == 1
    assert err.decode() == f"port {port} on 127.0.0.1 is in use\n"


async def test_a_bad_setting(upstream: Upstream, tmp_path: Path) -> None:
    """One line that names the setting, exit 78."""
    for name, value in (("FOOTPLATE_IDLE_TIMEOUT", "soon"), ("FOOTPLATE_SECRET_KEY", "a" * 64)):
        process = await spawn(tmp_path, upstream, **{name: value})
        _, err = await process.communicate()
        assert process.returncode == 78
        assert len(err.decode().splitlines()) == 1
        assert name in err.decode()
        assert value not in err.decode().removeprefix(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FOOTPLATE_DATA_DIR", "/dev/null"),
        ("FOOTPLATE_DATA_DIR", "/dev/null/below"),
        ("FOOTPLATE_DATA_DIR", "/tmp/" + 300 * "a"),
        ("FOOTPLATE_DATA_DIR", "~nobody-of-that-name/data"),
        ("FOOTPLATE_BIND", "192.0.2.1"),
        ("FOOTPLATE_BIND", "nowhere.invalid"),
    ],
)
async def test_what_the_system_refuses(name: str, value: str, upstream: Upstream, tmp_path: Path) -> None:
    """A folder nobody can make or an address this machine does not have is a bad setting too: one line, exit 78."""
    asked_for = {"FOOTPLATE_PROXY_MODE": "open", "DASHBOARD_API_KEY": "k" * 16}
    process = await spawn(tmp_path, upstream, **asked_for, **{name: value})
    _, err = await process.communicate()
    assert (process.returncode, err.count(b"\n")) == (78, 1)
    assert f"{name}={value}" in err.decode()


async def test_a_run_folder_that_is_a_file(upstream: Upstream, tmp_path: Path) -> None:
    """What lies in the way inside the data folder is one line as well."""
    (tmp_path / "run").touch()
    process = await spawn(tmp_path, upstream)
    _, err = await process.communicate()
    assert (process.returncode, err.count(b"\n")) == (78, 1)


def test_a_backlog_does_not_make_the_tape_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the free disk is the default: what tapes hold when a worker starts again counts as free."""
    usage = SimpleNamespace(free=30 << 20)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert default_tape_bytes(tmp_path) == 15 << 20
    for node in ("one", "two"):
        (tmp_path / "tape" / node).mkdir(parents=True)
        with segment_path(tmp_path / "tape" / node, uuid4()).open("wb") as segment:
            segment.truncate(6 << 20)
    usage.free = 18 << 20
    assert default_tape_bytes(tmp_path) == 15 << 20
    usage.free = 1 << 40
    assert default_tape_bytes(tmp_path) == 20 * 10**9


async def test_already_running(start: Start, upstream: Upstream, tmp_path: Path) -> None:
    """A second worker of the same slot finds the tape taken: one line, exit 75."""
    await start()
    process = await spawn(tmp_path, upstream)
    _, err = await process.communicate()
    assert process.returncode == 75
    assert len(err.decode().splitlines()) == 1


async def test_noise_costs_one_line(start: Start) -> None:
    """A hundred connections of noise leave at most one line, and none of their bytes."""
    worker = await start()
    for _ in range(100):
        async with Wire(worker.port) as wire:
            await wire.send(b"\x16\x03\x01canary\x00\xff\r\n\r\n")
            assert b"400" in await wire.closed()
    worker.process.send_signal(signal.SIGTERM)
    code, err = await worker.exit()
    assert code == 0
    assert "canary" not in err
    assert [json.loads(line)["event"] for line in err.splitlines()][-2:] == ["draining", "stopped"]
    assert len(err.splitlines()) <= 3


async def test_few_file_descriptors(start: Start, upstream: Upstream) -> None:
    """With few descriptors the calls above nine tenths are shed with 529; the listener survives."""
    worker = await start(limit="128")
    upstream.default = Answer(raw=b"", chunks=(HANG,))
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(Wire(worker.port)) for _ in range(60)]
        for wire in wires:
            await wire.send(post())
        async with asyncio.TaskGroup() as group:
            heads = [group.create_task(wire.head()) for wire in wires]
            await asyncio.wait(heads, return_when=asyncio.FIRST_COMPLETED)
            shed = [head.result()[0] for head in heads if head.done()]
            for head in heads:
                head.cancel()
    assert shed
    assert set(shed) == {529}
    upstream.default = Answer()
    statuses: list[int] = []
    async with asyncio.timeout(30):
        while 200 not in statuses:
            async with Wire(worker.port) as wire:
                statuses.append((await wire.ask(post())).status)
    assert set(statuses) <= {200, 529}
