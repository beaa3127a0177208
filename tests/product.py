"""The whole product as its own processes: ports of its own, a data folder of its own, a scripted upstream.

``async with running(folder, upstream_url=…) as product`` starts `footplate up` and stops it with SIGTERM, which must
end it with exit code 0 (unless the test killed it).
"""

import asyncio
import os
import re
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from deploy import bound_child
from deploy.postgres import EmbeddedPostgres

ROOT = Path(__file__).parents[1]
READY = re.compile(r"^ready proxy=(?P<proxy>\S+) dashboard=(?P<dashboard>\S+)$")
START_SECONDS = 60.0
QUIET_SECONDS = 2.0
"""Nothing came for so long: more than a recorder ever rests between two batches (``proxy.recorder.line``)."""
SETTLE_SECONDS = 30.0
PAUSE_SECONDS = 0.1

Row = dict[str, Any]


class NotStartedError(Exception):
    """`up` ended before it was ready; the text is what it said."""


@dataclass
class Product:
    """A running `footplate up` and what it recorded."""

    proxy_url: str
    dashboard_url: str
    database_url: str
    data: Path
    process: Process
    session: aiohttp.ClientSession
    _given: set[str] = field(default_factory=set)

    @property
    def pid(self) -> int:
        """The supervisor's."""
        return self.process.pid

    async def rows(self, *, settled: bool = False, **filters: str) -> list[Row]:
        """Recorded calls in start order, each with its details; ``settled`` waits until none of them is in flight.

        Filters are those of GET /api/requests.
        """
        before: list[Row] = []
        deadline, since = _now() + SETTLE_SECONDS, _now()
        while True:
            rows = await self._list(filters)
            since = since if rows == before else _now()
            done = rows and all(row["outcome"] is not None for row in rows) and _now() - since > QUIET_SECONDS
            if not settled or done:
                return [row | await self._detail(row["id"]) for row in rows]
            assert _now() < deadline, f"not settled after {SETTLE_SECONDS:.0f} s: {rows}"
            before = rows
            await asyncio.sleep(PAUSE_SECONDS)

    async def recorded(self, count: int) -> list[Row]:
        """The next ``count`` finished calls that were not given before, in start order; waits for them."""
        deadline = _now() + SETTLE_SECONDS
        while True:
            rows = [row for row in await self._list({}) if row["id"] not in self._given]
            if len(rows) >= count and all(row["outcome"] is not None for row in rows):
                break
            assert _now() < deadline, f"{len(rows)} of {count} recorded after {SETTLE_SECONDS:.0f} s: {rows}"
            await asyncio.sleep(PAUSE_SECONDS)
        assert len(rows) == count, f"more than {count} recorded: {rows}"
        self._given |= {row["id"] for row in rows}
        return [row | await self._detail(row["id"]) for row in rows]

    async def raw(self, identity: str, which: str) -> bytes:
        """The exact bytes of a recorded ``request`` or ``response``."""
        async with self.session.get(f"{self.dashboard_url}/api/requests/{identity}/raw/{which}") as response:
            assert response.status == 200, await response.text()
            return await response.read()

    async def get(self, path: str, *, proxy: bool = False) -> tuple[int, Any]:
        """Status and JSON of a path of the dashboard, or of the proxy."""
        async with self.session.get((self.proxy_url if proxy else self.dashboard_url) + path) as response:
            return response.status, await response.json(content_type=None)

    async def _list(self, filters: Mapping[str, str]) -> list[Row]:
        rows: list[Row] = []
        cursor: dict[str, str] = {}
        while True:
            query = {**filters, "per_page": "200", **cursor}
            async with self.session.get(f"{self.dashboard_url}/api/requests", params=query) as response:
                if response.status == 503:
                    return []
                assert response.status == 200, await response.text()
                found = await response.json()
            rows += found["requests"]
            if found["pagination"]["next_cursor"] is None:
                return sorted(rows, key=lambda row: str(row["id"]))
            cursor = {"before": found["pagination"]["next_cursor"]}

    async def _detail(self, identity: str) -> Row:
        status, row = await self.get(f"/api/requests/{identity}")
        assert status == 200, row
        return dict(row)


@contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder that the unprivileged Postgres user can reach: pytest's own are closed again by the next pytest."""
    with tempfile.TemporaryDirectory(prefix="footplate-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"


@asynccontextmanager
async def running(data: Path, *, upstream_url: str, **environment: str) -> AsyncIterator[Product]:
    """Start the product on a data folder, and stop it. Further settings by their environment names."""
    data.parent.mkdir(parents=True, exist_ok=True)
    _open_the_way(data.parent)
    process = await start(data, FOOTPLATE_UPSTREAM_URL=upstream_url, **environment)
    try:
        proxy_url, dashboard_url = await _ready(process)
        database_url = environment.get("DATABASE_URL") or EmbeddedPostgres(data / "pg").url
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            yield Product(proxy_url, dashboard_url, database_url, data, process, session)
    finally:
        code = await stop(process)
    assert code in {0, -signal.SIGKILL}, f"up ended with {code}"


async def start(data: Path, *flags: str, stderr: int | None = None, **environment: str) -> Process:
    """Run `footplate up` on free ports; stdout is a pipe, stderr the test's own unless told otherwise.

    It dies with this process: a suite that is ended in the middle of a test leaves no product behind.
    """
    settings = {"FOOTPLATE_PROXY_PORT": "0", "FOOTPLATE_DASHBOARD_PORT": "0", "FOOTPLATE_DRAIN_SECONDS": "10"}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", bound_child.__file__, str(os.getpid())),
        *(sys.executable, "-m", "deploy", "up", "--data-dir", str(data), *flags),
        cwd=ROOT,
        env=clean_environment() | settings | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=stderr,
        start_new_session=True,
    )


def clean_environment() -> dict[str, str]:
    """This process's environment without any setting of the product; our packages importable in children."""
    ours = ("FOOTPLATE_", "DATABASE_URL", "DASHBOARD_API_KEY", "SLACK_WEBHOOK_URL")
    return {k: v for k, v in os.environ.items() if not k.startswith(ours)} | {"PYTHONPATH": str(ROOT)}


async def stop(process: Process) -> int:
    """SIGTERM, and the exit code; a test that hangs is killed."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(60):
            return await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise


async def _ready(process: Process) -> tuple[str, str]:
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        line = (await process.stdout.readline()).decode().strip()
    found = READY.match(line)
    if found is None:
        raise NotStartedError(line or f"exit code {await process.wait()}")
    return found["proxy"], found["dashboard"]


def _open_the_way(folder: Path) -> None:
    """Let the unprivileged Postgres user pass through pytest's own folders, which are closed to it when we are root."""
    if os.geteuid() == 0:
        for part in (folder, *folder.parents):
            if part.is_relative_to(tempfile.gettempdir()) and part != Path(tempfile.gettempdir()):
                part.chmod(part.stat().st_mode | 0o011)


def _now() -> float:
    return asyncio.get_running_loop().time()
