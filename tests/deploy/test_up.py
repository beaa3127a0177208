"""`footplate up`: the real processes, started, killed, stopped."""

import asyncio
import os
import signal
import sys
import sysconfig
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from deploy.supervisor import ONE_WISH_SECONDS
from tests.chaos.killer import children
from tests.product import ROOT, NotStartedError, Product, clean_environment, running, start, stop
from tests.upstream import SSE, Answer, Upstream

BODY = b'{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}'
SOMEBODY = 65534
NOBODY = "postgresql://footplate@127.0.0.1:1/footplate"
SOON = 60.0


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """The scripted API."""
    async with Upstream() as server:
        yield server


@pytest.fixture
def data(short_folder: Path, request: pytest.FixtureRequest) -> Path:
    """A data folder that an unprivileged Postgres can reach."""
    return short_folder / f"up-{abs(hash(request.node.nodeid))}"


async def call(product: Product, session: aiohttp.ClientSession | None = None) -> bytes:
    """One call through the proxy."""
    async with (session or product.session).post(product.proxy_url + "/v1/messages", data=BODY) as response:
        assert response.status == 200
        return await response.read()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something another process does."""
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0.02)


async def succeeds(product: Product) -> None:
    """Call until the proxy is there again."""
    async with asyncio.timeout(SOON), aiohttp.ClientSession() as session:
        while True:
            try:
                await call(product, session)
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.product
async def test_a_data_folder_is_continued(data: Path, upstream: Upstream) -> None:
    """What one run recorded the next one shows, from its ready line on; each ends with 0 on SIGTERM."""
    async with running(data, upstream_url=upstream.url) as product:
        answer = await call(product)
        [first] = await product.recorded(1)
    async with running(data, upstream_url=upstream.url) as product:
        status, shown = await product.get("/api/requests")
        assert (status, [row["id"] for row in shown["requests"]]) == (200, [first["id"]])
        await call(product)
        rows = await product.recorded(2)
        assert [row["outcome"] for row in rows] == ["ok", "ok"]
        assert rows[0]["id"] == first["id"]
        assert await product.raw(first["id"], "request") == BODY
        assert await product.raw(first["id"], "response") == answer
        for proxy in (True, False):
            status, said = await product.get("/health", proxy=proxy)
            assert (status, said["status"], said["database"]) == (200, "ok", "connected")


@pytest.mark.product
async def test_the_folder_is_closed_to_others(data: Path, upstream: Upstream) -> None:
    """Nobody else can list the data folder or look into tape, run, cluster and secret."""
    async with running(data, upstream_url=upstream.url) as product:
        await call(product)
    modes = {path.relative_to(data).as_posix(): path.stat().st_mode & 0o777 for path in data.rglob("*")}
    assert data.stat().st_mode & 0o066 == 0
    assert {name: modes[name] for name in ("tape", "run", "secret.key")} == {
        "tape": 0o700, "run": 0o700, "secret.key": 0o600,
    }  # fmt: skip
    assert modes["pg/cluster"] == 0o700


@pytest.mark.product
async def test_a_second_up_on_the_folder_is_refused_with_75(data: Path, upstream: Upstream) -> None:
    """One line; the first is not disturbed."""
    async with running(data, upstream_url=upstream.url) as product:
        second = await up(data)
        assert second == (75, "", f"footplate: already running on {data}: stop it, or choose another --data-dir\n")
        await call(product)
        await product.recorded(1)


@pytest.mark.product
async def test_a_childs_refusal_is_passed_on(data: Path, upstream: Upstream) -> None:
    """A proxy that runs by itself holds the tape: `up` ends with that proxy's own line and 75."""
    environment = {"FOOTPLATE_UPSTREAM_URL": upstream.url, "FOOTPLATE_DATA_DIR": str(data)}
    alone = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy"),
        env=clean_environment() | environment | {"FOOTPLATE_PROXY_PORT": "0"},
        cwd=ROOT,
        stderr=PIPE,
    )
    try:
        await until(lambda: any((data / "tape").glob("*/*.seg")))
        code, out, said = await up(data, DATABASE_URL=NOBODY)
        assert (code, out) == (75, "")
        assert "another proxy writes the tape" in said
    finally:
        alone.terminate()
        await alone.communicate()


@pytest.mark.product
@pytest.mark.parametrize("role", ["postgres", "proxy", "recorder", "dashboard"])
async def test_what_dies_comes_back(role: str, data: Path, upstream: Upstream) -> None:
    """Kill -9 of any part: it is started again, and every call is recorded once."""
    async with running(data, upstream_url=upstream.url) as product:
        await call(product)
        await product.recorded(1)
        [victim] = children(product.pid)[role]
        victim.send_signal(signal.SIGKILL)
        await until(lambda: [found for found in children(product.pid).get(role, []) if found.pid != victim.pid] != [])
        await succeeds(product)
        await recorded_in_the_end(product, 2)


async def recorded_in_the_end(product: Product, count: int) -> None:
    """So many rows, as soon as database and dashboard are back."""
    async with asyncio.timeout(SOON):
        while True:
            try:
                if len([row for row in await product.rows() if row["outcome"] == "ok"]) == count:
                    return
            except (aiohttp.ClientError, AssertionError):
                pass
            await asyncio.sleep(0.1)


@pytest.mark.product
async def test_nothing_outlives_a_killed_supervisor(data: Path, upstream: Upstream) -> None:
    """Kill -9 of `up` itself: its children end, and the next start has what was on the tape."""
    async with running(data, upstream_url=upstream.url) as product:
        await call(product)
        parts = psutil.Process(product.pid).children(recursive=True)
        product.process.kill()
        _, alive = await asyncio.to_thread(psutil.wait_procs, parts, timeout=SOON)
        assert alive == []
    async with running(data, upstream_url=upstream.url) as product:
        [row] = await product.recorded(1)
        # A killed process may lose the last 5 ms of its buffer: then the end is missing, never the call.
        assert row["outcome"] in {"ok", "proxy_crash"}
        assert await product.raw(row["id"], "request") == BODY


@pytest.mark.product
async def test_without_a_database_it_serves_and_keeps(data: Path, upstream: Upstream) -> None:
    """Postgres away at the start: calls pass, the dashboard says 503; `record --once` brings the tape in later."""
    process = await start(data, FOOTPLATE_UPSTREAM_URL=upstream.url, DATABASE_URL=NOBODY)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(SOON):
            words = (await process.stdout.readline()).decode().split()
        proxy_url, dashboard_url = (word.split("=", 1)[1] for word in words[1:])
        async with aiohttp.ClientSession() as session:
            async with session.post(proxy_url + "/v1/messages", data=BODY) as response:
                assert response.status == 200
            async with session.get(dashboard_url + "/health") as response:
                assert response.status == 503
    finally:
        code = await stop(process)
    assert code == 0
    async with asyncio.timeout(SOON):
        once = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy", "record", "--once", "--data-dir", str(data)),
            env=clean_environment(),
            cwd=ROOT,
        )
        assert await once.wait() == 0
    async with running(data, upstream_url=upstream.url) as product:
        [row] = await product.recorded(1)
        assert row["outcome"] == "ok"


@pytest.fixture
def half() -> Iterator[tuple[Answer, asyncio.Event]]:
    """A stream that goes on only when the event is set."""
    gate = asyncio.Event()
    yield Answer(headers=(SSE,), chunks=(b"event: ping\ndata: {}\n\n", gate, b"data: end\n\n"), framing="chunked"), gate
    gate.set()


@pytest.mark.product
async def test_a_stop_lets_running_streams_finish(
    data: Path, upstream: Upstream, half: tuple[Answer, asyncio.Event]
) -> None:
    """SIGTERM in the middle of a stream: no new calls, but this one ends whole and is recorded; exit code 0."""
    answer, gate = half
    upstream.script(answer)
    async with running(data, upstream_url=upstream.url) as product:
        async with product.session.post(product.proxy_url + "/v1/messages", data=BODY) as response:
            assert await response.content.readany() == answer.chunks[0]
            product.process.terminate()
            await refused(product.proxy_url)
            gate.set()
            assert await response.content.read() == answer.chunks[2]
        assert await product.process.wait() == 0
    async with running(data, upstream_url=upstream.url) as product:
        [row] = await product.recorded(1)
        assert await product.raw(row["id"], "response") == b"".join(
            part for part in answer.chunks if isinstance(part, bytes)
        )


async def refused(url: str) -> None:
    """Wait until nobody listens there."""
    async with asyncio.timeout(SOON):
        while True:
            try:
                async with aiohttp.ClientSession() as session, session.get(url + "/health"):
                    await asyncio.sleep(0.05)
            except aiohttp.ClientConnectionError:
                return


@pytest.mark.product
async def test_a_second_signal_ends_it_at_once(
    data: Path, upstream: Upstream, half: tuple[Answer, asyncio.Event]
) -> None:
    """The stream is broken off, visibly, and the exit code is 130; the next start closes the record."""
    upstream.script(half[0])
    process = await start(data, FOOTPLATE_UPSTREAM_URL=upstream.url, FOOTPLATE_DRAIN_SECONDS="300")
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[1].removeprefix("proxy=")
    async with aiohttp.ClientSession() as session, session.post(url + "/v1/messages", data=BODY) as response:
        await response.content.readany()
        process.send_signal(signal.SIGINT)
        await refused(url)
        await asyncio.sleep(ONE_WISH_SECONDS)
        process.send_signal(signal.SIGINT)
        with pytest.raises(aiohttp.ClientError):
            await response.content.read()
        async with asyncio.timeout(SOON):
            assert await process.wait() == 130
    async with running(data, upstream_url=upstream.url) as product:
        [row] = await product.recorded(1)
        assert row["outcome"] in {"proxy_shutdown", "proxy_crash"}


@pytest.mark.product
@pytest.mark.parametrize("lines", [0, 1, 2])
async def test_a_stop_before_it_is_ready_is_clean_too(lines: int, data: Path) -> None:
    """SIGTERM at any point of the start, here after so many lines of its log: exit code 0 and nobody left."""
    process = await start(data, stderr=PIPE)
    assert process.stderr is not None
    await until((data / "run/up.lock").exists)
    for _ in range(lines):
        await process.stderr.readline()
    parts = psutil.Process(process.pid).children(recursive=True)
    assert await stop(process) == 0
    assert [part for part in parts if part.is_running()] == []


@pytest.mark.product
async def test_several_workers_share_the_port(data: Path, upstream: Upstream) -> None:
    """Each worker has a tape of its own, and calls over many connections are all recorded."""
    async with running(data, upstream_url=upstream.url, FOOTPLATE_PROXY_WORKERS="2") as product:
        assert len(children(product.pid)["proxy"]) == 2
        await until(lambda: len(list((data / "tape").iterdir())) == 2)
        for _ in range(20):
            async with aiohttp.ClientSession() as session:
                await call(product, session)
        rows: list[dict[str, Any]] = await product.recorded(20)
        assert {row["outcome"] for row in rows} == {"ok"}


@pytest.mark.product
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_an_ordinary_user_runs_it_in_his_home(short_folder: Path, upstream: Upstream) -> None:
    """Without a data folder named: one below his home, closed to everybody else, Postgres his own process."""
    home = short_folder / "somebody"
    home.mkdir(mode=0o700)
    os.chown(home, SOMEBODY, SOMEBODY)
    process = await start_as(SOMEBODY, home, upstream)
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert line.startswith("ready "), line
    assert {part.uids().effective for part in psutil.Process(process.pid).children(recursive=True)} == {SOMEBODY}
    assert await stop(process) == 0
    assert (home / ".local/share/footplate").stat().st_mode & 0o777 == 0o700


async def start_as(uid: int, home: Path, upstream: Upstream) -> Process:
    """Run `up` as another user, with an interpreter open to him."""
    paths = {"HOME": str(home), "PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}"}
    ports = {"FOOTPLATE_PROXY_PORT": "0", "FOOTPLATE_DASHBOARD_PORT": "0", "FOOTPLATE_UPSTREAM_URL": upstream.url}
    environment = clean_environment() | paths | ports
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        try:
            trial = await asyncio.create_subprocess_exec(
                *(python, "-c", "import aiohttp, core.settings"),
                env=environment,
                user=uid,
                extra_groups=[],
                cwd="/",
                stderr=PIPE,
            )
            if await trial.wait() == 0:
                return await asyncio.create_subprocess_exec(
                    *(python, "-m", "deploy", "up"),
                    env=environment,
                    user=uid,
                    group=uid,
                    extra_groups=[],
                    cwd="/",
                    stdout=PIPE,
                )
        except OSError:
            continue
    pytest.skip("every Python here, or this checkout, is closed to other users")


async def test_up_that_can_not_start_says_so_to_its_tests(tmp_path: Path) -> None:
    """The fixture itself: a refusal is an error with its exit code, not a wait without end."""
    (tmp_path / "data").write_text("a file")
    with pytest.raises(NotStartedError, match="exit code 78"):
        async with running(tmp_path / "data", upstream_url="http://127.0.0.1:1"):
            pass


async def up(data: Path, **environment: str) -> tuple[int, str, str]:
    """Run `up` to its end: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy", "up", "--data-dir", str(data)),
        cwd=ROOT,
        env=clean_environment() | {"FOOTPLATE_PROXY_PORT": "0", "FOOTPLATE_DASHBOARD_PORT": "0"} | environment,
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(SOON):
        out, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), said.decode()
