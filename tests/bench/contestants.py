"""Who is measured: the API alone, the naive proxy, nginx, and ours with recorder and Postgres."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.settings import MALLOC
from tests.bench import nginx
from tests.chaos.killer import children
from tests.product import ROOT, Product, running

PROXY_CORE, OTHER_CORE = 0, 1
OTHER_NICENESS = 10


@dataclass(frozen=True)
class Contestant:
    """A proxy to measure: its address, the processes that relay, and those that record."""

    name: str
    url: str
    relays: tuple[int, ...] = ()
    recorders: tuple[int, ...] = ()
    dashboard_url: str = ""


@asynccontextmanager
async def contestants(folder: Path, without: Collection[str] = ()) -> AsyncIterator[list[Contestant]]:
    """Everybody, started, behind one mock API. Without nginx on this machine it is left out."""
    async with AsyncExitStack() as stack:
        mock_port = free_port()
        mock = f"http://127.0.0.1:{mock_port}"
        await stack.enter_async_context(
            _process(OTHER_CORE, mock_port, "tests/bench/mock_anthropic.py", "--port", str(mock_port))
        )
        found = [Contestant("direct", mock)]
        port = free_port()
        pid = await stack.enter_async_context(_process(PROXY_CORE, port, "-m", "tests.bench.naive", str(port), mock))
        found.append(Contestant("naive", f"http://127.0.0.1:{port}", (pid,)))
        if "nginx" not in without and (program := nginx.installed()):
            port = free_port()
            path = nginx.configure(folder / "nginx", port, mock)
            pid = await stack.enter_async_context(
                _process(PROXY_CORE, port, "-p", str(path.parent), "-c", str(path), program=program)
            )
            found.append(Contestant("nginx", f"http://127.0.0.1:{port}", (pid,)))
        if "footplate" not in without:
            product = await stack.enter_async_context(running(folder / "data", upstream_url=mock))
            found.append(_ours(product))
        yield found


def _ours(product: Product) -> Contestant:
    parts = children(product.pid)
    for role, processes in parts.items():
        for process in processes:
            for part in (process, *process.children(recursive=True)):
                pin(part.pid, *((PROXY_CORE, 0) if role == "proxy" else (OTHER_CORE, OTHER_NICENESS)))
    recorders = tuple(process.pid for role in ("recorder", "postgres") for process in parts[role])
    return Contestant(
        "footplate",
        product.proxy_url,
        tuple(process.pid for process in parts["proxy"]),
        recorders,
        product.dashboard_url,
    )


def pin(pid: int, core: int, niceness: int) -> None:
    """Keep a process, all its threads and those it will start on one core."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
        os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@asynccontextmanager
async def _process(core: int, port: int, *arguments: str, program: str = sys.executable) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        *("taskset", "-c", str(core), program, *arguments),
        cwd=ROOT,
        env={**os.environ, **MALLOC},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,  # a naive proxy complains about every client that leaves
    )
    try:
        await _listens(port)
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def _listens(port: int) -> None:
    async with asyncio.timeout(15):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
