"""Opening pages of a dashboard that is a process of its own: what that takes it and its client on this machine."""

import asyncio
import gzip
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson

from tests.bench.load import cpu_s
from tests.product import ROOT

WARM = 3
"""Visits before those that are measured."""


@dataclass(frozen=True, slots=True)
class Bars:
    """What a page may take: until its last byte, in 95 of 100 visits, and in size."""

    p95_ms: int
    gz_kb: int | None
    """None: the budgets of sizes are those of pages (dashboard.md, A10), not of the API."""


LISTS, OTHER = Bars(50, 40), Bars(200, 80)
WHOLE_TREE = Bars(200, None)
Pages = Mapping[str, tuple[str, Bars]]


@dataclass(frozen=True, slots=True)
class Visits:
    """What a page took; CPU is the dashboard's, without the database's."""

    name: str
    bars: Bars
    cpu_ms: float
    p50_ms: float
    p95_ms: float
    gz_kb: float

    @property
    def missed(self) -> bool:
        """Whether a bar was."""
        return self.p95_ms > self.bars.p95_ms or (self.bars.gz_kb is not None and self.gz_kb > self.bars.gz_kb)


async def visited(
    url: str, folder: Path, pages: Pages, rounds: int, before: Callable[[], Awaitable[object]] | None = None
) -> list[Visits]:
    """Each page of a dashboard over the database at ``url``, so many times, each time after what is done ``before``.

    Raises RuntimeError where one fails.
    """
    async with _dashboard(url, folder) as (pid, base), aiohttp.ClientSession(auto_decompress=False) as session:
        return [await _visits(session, pid, base, name, *pages[name], rounds, before) for name in pages]


def table(found: list[Visits]) -> list[str]:
    """As lines of Markdown."""
    lines = ["| page | CPU ms | p50 ms | p95 ms | bar | gz KB | bar |", "|---|--:|--:|--:|--:|--:|--:|"]
    for one in found:
        times = f"{one.cpu_ms:.0f} | {one.p50_ms:.0f} | {one.p95_ms:.0f} | ≤ {one.bars.p95_ms}"
        verdict = " **missed**" if one.missed else ""
        size = "–" if one.bars.gz_kb is None else f"≤ {one.bars.gz_kb}"
        lines.append(f"| {one.name}{verdict} | {times} | {one.gz_kb:.0f} | {size} |")
    return lines


async def _visits(
    session: aiohttp.ClientSession, pid: int, base: str, name: str, path: str, bars: Bars, rounds: int,
    before: Callable[[], Awaitable[object]] | None,
) -> Visits:  # fmt: skip
    taken, size, cpu = [], 0, 0.0
    for number in range(rounds + WARM):
        cpu = cpu_s([pid]) if number == WARM else cpu
        if before is not None:
            await before()
        began = time.perf_counter()
        async with session.get(base + path, headers={"Accept": "text/html"}) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status}")
        if number >= WARM:
            taken.append((time.perf_counter() - began) * 1000)
        body = gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body
        size = len(gzip.compress(body, 6))
    spent = (cpu_s([pid]) - cpu) * 1000 / rounds
    p95 = statistics.quantiles(taken, n=20)[-1]
    return Visits(name, bars, spent, statistics.median(taken), p95, size / 1024)


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
