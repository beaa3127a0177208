"""One chaotic run: clients stream, things are killed, everything drains, and three logs are compared."""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.chaos.check import Verdict, check, seen_upstream
from tests.chaos.clients import crowd
from tests.chaos.killer import rampage
from tests.chaos.stalls import read_stalls
from tests.product import Product, running
from tests.usage_recount import check_usage

CHAOS_ID = re.compile(r"(?:^|&)chaos=([0-9a-z-]+)")
QUERY = """
    SELECT r.query, r.outcome, r.status_code, b.raw FROM requests AS r
    LEFT JOIN response_bodies AS b ON b.train = r.train AND b.id = r.id WHERE r.query LIKE '%chaos=%'
"""


@dataclass(frozen=True)
class Plan:
    """How long and how hard."""

    clients: int = 50
    kills: int = 6
    seed: int = 1
    pause: tuple[float, float] = (0.5, 1.5)


@asynccontextmanager
async def upstream_process(log: Path, seed: int) -> AsyncIterator[str]:
    """The breaking upstream as its own process; its URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.upstream", "0", str(log), str(seed), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def stalls_noted(folder: Path) -> AsyncIterator[Path]:
    """A process that notes what holds writers up on this disk; where it does."""
    log = folder / "stalls.log"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.stalls", str(folder / "stalls.file"), str(log)
    )
    try:
        yield log
    finally:
        process.kill()
        await process.wait()


async def chaos(plan: Plan, folder: Path) -> tuple[Verdict, Counter[str]]:
    """Run the plan; the verdict and what was killed."""
    log = folder / "upstream.log"
    until = asyncio.Event()
    async with upstream_process(log, plan.seed) as url, running(folder / "data", upstream_url=url) as product:
        crowding = asyncio.gather(crowd(product.proxy_url, clients=plan.clients, seed=plan.seed, until=until))
        async with stalls_noted(folder) as stalls:
            killed = await rampage(product.pid, kills=plan.kills, seed=plan.seed, pause=plan.pause)
            until.set()
            [witnesses] = await crowding
        rows = await settled(product, log)
        await recounted(product)
    return check(log, witnesses, rows, read_stalls(stalls)), killed


async def settled(product: Product, log: Path, patience: float = 90) -> list[dict[str, Any]]:
    """The recorded rows, once all that the upstream saw are there and none is in flight, or patience is over."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        rows = await _rows(product.database_url)
        missing = set(seen_upstream(log)) - {row["chaos_id"] for row in rows}
        whole = rows and not missing and all(row["outcome"] for row in rows)
        if whole or asyncio.get_running_loop().time() > deadline:
            return rows
        await asyncio.sleep(1)


async def recounted(product: Product) -> None:
    """Every roll-up equals what the rows say, after all that was killed. Raises AssertionError."""
    connection = await asyncpg.connect(product.database_url, timeout=30)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await check_usage(connection)
    finally:
        await connection.close()


async def _rows(database_url: str) -> list[dict[str, Any]]:
    try:
        connection = await asyncpg.connect(database_url, timeout=5)
    except (OSError, asyncpg.PostgresError):
        return []  # it was killed a moment ago
    try:
        found = await connection.fetch(QUERY)
    finally:
        await connection.close()
    return [{**row, "chaos_id": match[1]} for row in found if (match := CHAOS_ID.search(row["query"]))]
