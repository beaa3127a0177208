"""``python -m dashboard`` as a process: how it starts, what it says when it cannot, how it ends."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests import recordings

pytestmark = pytest.mark.product
AWAY = "postgresql://127.0.0.1:1/none"


async def start(**variables) -> Process:
    """Start a dashboard with these settings and no others."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    command = (sys.executable, "-m", "dashboard")
    return await asyncio.create_subprocess_exec(*command, env=kept | variables, stdout=PIPE, stderr=PIPE)


async def ended(process: Process) -> tuple[int, list[str]]:
    """Exit code and lines on stderr; stdout stays empty."""
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert out == b""
    return process.returncode or 0, err.decode().splitlines()


@asynccontextmanager
async def running(**variables):
    """A dashboard that listens; its process and its address."""
    process = await start(FOOTPLATE_DASHBOARD_PORT="0", **variables)
    try:
        line = json.loads(await asyncio.wait_for(process.stderr.readline(), 30))
        assert line["event"] == "dashboard_listens"
        yield process, f"http://127.0.0.1:{line['port']}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def session():
    """A plain HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_starts_without_a_database_and_stops_cleanly(number, session, tmp_path):
    """While the database is away it listens and says so; a signal ends it with 0 and without a word."""
    async with running(DATABASE_URL=AWAY, FOOTPLATE_DATA_DIR=str(tmp_path)) as (process, url):
        async with session.get(url + "/health") as answer:
            assert answer.status == 503
        async with session.get(url + "/requests", headers={"Accept": "text/html"}) as answer:
            assert (answer.status, answer.content_type) == (503, "text/html")
        process.send_signal(number)
        assert await ended(process) == (0, [])


async def test_it_serves_what_is_recorded(database_url, connection, session, tmp_path):
    """With a database it answers from it."""
    seeded = await recordings.seed(connection)
    async with running(DATABASE_URL=database_url, FOOTPLATE_DATA_DIR=str(tmp_path)) as (_, url):
        answer = await session.get(url + "/api/requests")
        assert (await answer.json())["pagination"]["total"] == len(seeded)


async def test_a_port_in_use_is_one_line(tmp_path):
    """Somebody else's port: one line that names it, exit 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = await start(DATABASE_URL=AWAY, FOOTPLATE_DATA_DIR=str(tmp_path), FOOTPLATE_DASHBOARD_PORT=port)
        code, lines = await ended(process)
    assert (code, len(lines)) == (1, 1)
    assert f"port {port} is in use" in lines[0]


BAD = {
    "DATABASE_URL": {},
    "FOOTPLATE_DASHBOARD_PORT": {"DATABASE_URL": AWAY, "FOOTPLATE_DASHBOARD_PORT": "none"},
    "DASHBOARD_API_KEY": {"DATABASE_URL": AWAY, "FOOTPLATE_BIND": "0.0.0.0", "FOOTPLATE_PROXY_MODE": "open"},
    "DATABASE_URL must": {"DATABASE_URL": "mysql://x"},
}


@pytest.mark.parametrize("said", BAD)
async def test_a_bad_setting_is_one_line(said, tmp_path):
    """A setting that cannot work: one line that names it, exit 78. Off loopback a key is asked for."""
    code, lines = await ended(await start(FOOTPLATE_DATA_DIR=str(tmp_path), **BAD[said]))
    assert (code, len(lines)) == (78, 1)
    assert said in lines[0]
