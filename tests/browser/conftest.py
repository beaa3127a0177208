"""A real Chromium on a real dashboard, watched: what it asks for, what its console says, what tries to run."""

import json
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
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


@dataclass
class Watched:
    """A page and everything that must not happen on it."""

    page: Page
    origin: str
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
        await self.page.goto(self.origin + path)
        await self.page.wait_for_load_state("load")

    def assert_quiet(self) -> None:
        """Nothing ran, nothing left, nothing was refused."""
        assert self.foreign == []
        assert self.troubles == []


Open = Callable[..., Any]


@pytest.fixture
async def origin(database: Database, tmp_path: Path) -> AsyncIterator[str]:
    """Address of a dashboard on this test's database."""
    server = TestServer(make_app(Settings(data_dir=tmp_path), database))
    await server.start_server()
    yield f"http://127.0.0.1:{server.port}"
    await server.close()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A browser without any state."""
    if not Path(CHROMIUM).is_file():
        pytest.fail(f"the browser tests need {CHROMIUM}: apt install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
def watched(chromium: Browser, origin: str) -> Open:
    """A watched page in a context of its own, for ``async with``; options are those of a browser context."""

    @asynccontextmanager
    async def open_page(*, width: int = 1280, **options: Any) -> AsyncIterator[Watched]:
        context = await chromium.new_context(viewport={"width": width, "height": 900}, **options)
        page = Watched(await context.new_page(), origin)
        page.listen()
        yield page
        await context.close()

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
        found = await watched.page.evaluate(
            "axe.run({runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']})"
        )
        return [f"{rule['id']}: {rule['nodes'][0]['target']}" for rule in found["violations"]]

    return find
