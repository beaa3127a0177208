"""A real Chromium on a real dashboard, watched: what it asks for, what its console says, what tries to run.

One Chromium serves the run, and each page has a context of its own: cookies, storage, cache and connections are
the context's. Playwright's objects belong to the loop that made them, so these tests share one loop.
"""

import json
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright

from core.settings import Settings
from dashboard.app import make_app
from sql.database import Database

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
AXE = "axe-core@4.14.1"
# Only the faults are described and leave the page: describing what is in order takes most of the time.
FAULTS = """axe.run({
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    resultTypes: ['violations'],
}).then(found => found.violations.map(rule => `${rule.id}: ${rule.nodes[0].target}`))"""


@dataclass
class Watched:
    """A page and everything that must not happen on it."""

    page: Page
    origin: str
    pictures: Path | None = None
    foreign: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Note requests to other hosts, console errors (policy violations are errors), exceptions and dialogs."""
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("console", lambda said: self._said(said.type, said.text))
        self.page.on("pageerror", lambda error: self.troubles.append(f"exception: {error}"))
        self.page.on("dialog", self._dialog)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.origin, "data:", "blob:")):
            self.foreign.append(url)

    def _said(self, kind: str, text: str) -> None:
        # A page that is meant to be an error page is announced as one.
        if kind == "error" and "the server responded with a status of" not in text:
            self.troubles.append(text)

    async def _dialog(self, dialog: Any) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    async def goto(self, path: str) -> None:
        """Open a page of the dashboard and let it settle."""
        answer = await self.page.goto(self.origin + path)
        await self.page.wait_for_load_state("load")
        # The page of a failure fits, is quiet and has no fault of axe, too.
        failed = answer is not None and answer.status >= 500 and not path.startswith("/dev/")
        assert not failed, f"{path} answers {answer.status}"

    async def picture(self, name: str, *, whole: bool = True) -> None:
        """Leave a picture of the page, or of what is in view, where the run was asked for pictures."""
        if self.pictures is not None:
            await self.page.screenshot(path=self.pictures / f"{name}.png", full_page=whole)

    def assert_quiet(self) -> None:
        """Nothing ran, nothing left, nothing was refused."""
        assert self.foreign == []
        assert self.troubles == []


Open = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of a browser run in the session's loop, where the browser lives."""
    for item in items:
        if item.get_closest_marker("browser") and "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(loop_scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The application's own door to ``database_url``, in the session's loop."""
    database = Database.create(database_url, application="test")
    yield database
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def connection(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A bare connection to ``database_url``, in the session's loop."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def origin(database: Database, tmp_path: Path) -> AsyncIterator[str]:
    """Address of a dashboard on this test's database."""
    server = TestServer(make_app(Settings(data_dir=tmp_path), database))
    await server.start_server()
    yield f"http://127.0.0.1:{server.port}"
    await server.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The run's browser; Playwright ends it with the run, however that ends."""
    if not Path(CHROMIUM).is_file():
        pytest.fail(f"the browser tests need {CHROMIUM}: apt install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
def watched(chromium: Browser, origin: str, tmp_path: Path, pytestconfig: pytest.Config) -> Open:
    """A watched page in a context of its own, for ``async with``; options are those of a browser context."""
    pictures = tmp_path if pytestconfig.getoption("screenshots") else None

    @asynccontextmanager
    async def open_page(*, width: int = 1280, **options: Any) -> AsyncIterator[Watched]:
        async with await chromium.new_context(viewport={"width": width, "height": 900}, **options) as context:
            page = Watched(await context.new_page(), origin, pictures)
            page.listen()
            yield page

    return open_page


@pytest.fixture(scope="session")
def axe_source(pytestconfig: pytest.Config) -> str:
    """axe-core, fetched from npm once and kept in pytest's cache; never committed (MPL, for tests only)."""
    folder = pytestconfig.cache.mkdir("axe-core")
    script = folder / "axe.min.js"
    if not script.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.fail("the browser tests need npm, which fetches axe-core")
        packed = subprocess.run([npm, "pack", AXE, "--json"], cwd=folder, capture_output=True, check=True)
        with tarfile.open(folder / json.loads(packed.stdout)[0]["filename"]) as archive:
            script.write_bytes(archive.extractfile("package/axe.min.js").read())
    return script.read_text()


@pytest.fixture
def faults_of(axe_source: str) -> Callable[[Watched], Awaitable[list[str]]]:
    """What axe finds on a page, WCAG 2.2 AA and best practice: rule, place."""

    async def find(watched: Watched) -> list[str]:
        # Evaluated through the debugger, which the content policy does not concern.
        await watched.page.evaluate(axe_source)
        return await watched.page.evaluate(FAULTS)

    return find
