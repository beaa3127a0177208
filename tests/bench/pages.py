"""What pages cost: ``python -m tests.bench.pages [--rounds N] [--requests N] [--no-write]``.

Time and size of each page of conversations, with one of 2,000 requests, against the bars of dashboard.md (A10) and
performance.md. The dashboard is a process of its own; times are those of a client on this machine.
"""

import argparse
import asyncio
import gzip
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import orjson

from deploy.postgres import EmbeddedPostgres
from sql.migrator import migrate
from tests import conversation_scenes as scenes
from tests.bench.load import cpu_s
from tests.bench.report import append
from tests.product import ROOT

SMALL_TALKS = 60
LISTS = {"HTML gz KB": 40, "p95 ms": 50}
THREAD = {"HTML gz KB": 80, "p95 ms": 200}
OTHER = {"HTML gz KB": 80, "p95 ms": 200}


def main() -> int:
    """Measure, print, write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footplate-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder / "pg")
        url = server.start()
        try:
            text = asyncio.run(_measure(url, folder, given.requests, given.rounds))
        finally:
            server.stop()
    print(text)
    if not given.no_write:
        append(text, sys.argv[1:], module="tests.bench.pages")
    return 0


async def _measure(url: str, folder: Path, requests: int, rounds: int) -> str:
    await migrate(url)
    connection = await asyncpg.connect(url)
    talk = await scenes.long_talk(connection, requests)
    for number in range(SMALL_TALKS):
        await scenes.small_talk(connection, number=number)
    await scenes.seed_scenes(connection)
    await connection.execute("ANALYZE")
    await connection.close()
    middle = talk.asked[len(talk.asked) // 2].id
    at = f"/conversations/{talk.conversation}"
    pages = {
        "list of conversations": ("/conversations", LISTS),
        "list, filtered by words": ("/conversations?q=long", LISTS),
        "list of sessions": ("/sessions", LISTS),
        "thread, its end": (at, THREAD),
        "thread, from the middle": (f"{at}?at={middle}", THREAD),
        "graph, folded": (f"{at}?view=graph", OTHER),
        "graph, unfolded": (f"{at}?view=graph&open=all", OTHER),
        "raw": (f"{at}?view=raw", OTHER),
        "API: list": ("/api/conversations", LISTS),
        "API: conversation": (f"/api{at}", OTHER),
    }
    lines = [
        f"A conversation of {len(talk.asked):,} requests; {rounds} rounds; load {os.getloadavg()[0]:.1f}.",
        "",
        "| page | CPU ms | p50 ms | p95 ms | bar | gz KB | bar |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    async with _dashboard(url, folder) as (pid, base), aiohttp.ClientSession(auto_decompress=False) as session:
        for name, (path, bars) in pages.items():
            lines.append(await _line(session, pid, base, name, path, bars, rounds))
    return "\n".join(lines)


async def _line(
    session: aiohttp.ClientSession, pid: int, base: str, name: str, path: str, bars: Mapping[str, int], rounds: int
) -> str:
    taken, size, cpu = [], 0, 0.0
    for number in range(rounds + 3):
        cpu = cpu_s([pid]) if number == 3 else cpu
        began = time.perf_counter()
        async with session.get(base + path, headers={"Accept": "text/html"}) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status}")
            body = gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body
        if number >= 3:  # the first warm the caches
            taken.append((time.perf_counter() - began) * 1000)
        size = len(gzip.compress(body, 6))
    p95 = statistics.quantiles(taken, n=20)[-1]
    spent = (cpu_s([pid]) - cpu) * 1000 / rounds
    cells = [
        f"{spent:.0f}",
        f"{statistics.median(taken):.0f}",
        f"{p95:.0f}",
        f"≤ {bars['p95 ms']}",
        f"{size / 1024:.0f}",
    ]
    return f"| {name} | {' | '.join(cells)} | ≤ {bars['HTML gz KB']} |"


@asynccontextmanager
async def _dashboard(url: str, folder: Path) -> AsyncIterator[tuple[int, str]]:
    environment = {**os.environ, "DATABASE_URL": url, "FOOTPLATE_DATA_DIR": str(folder / "data")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dashboard"), env=environment | {"FOOTPLATE_DASHBOARD_PORT": "0"}, cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process.pid, await _address(process)
    finally:
        process.terminate()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    """Where it listens, as its log says."""
    while process.stderr is not None and (line := await process.stderr.readline()):
        said = orjson.loads(line)
        if said["event"] == "dashboard_listens":
            return f"http://127.0.0.1:{said['port']}"
    raise RuntimeError("the dashboard did not start")


if __name__ == "__main__":
    sys.exit(main())
