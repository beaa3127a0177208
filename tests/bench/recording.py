"""What recording does behind the relay: how late a call is visible, and how fast a backlog is caught up with."""

import asyncio
import os
import signal
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from tests.bench.cases import CASES, Case, idle, take
from tests.bench.contestants import Contestant

PROBES = 20
POLL_SECONDS = 0.005
PROBE = {"X-Train-Id": "probe"}
BODY = b'{"model":"claude-sonnet-4-20250514","max_tokens":1,"messages":[{"role":"user","content":"mock: probe"}]}'
LIVE = Case("live", ("--body", "2k", "-c", "8", "--rate", "200"))
BACKLOG_SECONDS = 5.0


@dataclass(frozen=True)
class Recording:
    """Seconds from a call's end to its row in the API; and requests a second while catching up, against those live."""

    idle: tuple[float, ...]
    loaded: tuple[float, ...]
    caught_up: dict[str, tuple[float, float]]

    def lines(self) -> list[str]:
        """For the report."""
        said = [
            f"- Visible in the API after the call's end, {name}: p50 {statistics.median(values) * 1000:.0f} ms, "
            f"at most {max(values) * 1000:.0f} ms."
            for name, values in (("idle", self.idle), ("at 200 requests/s of 2 KB", self.loaded))
        ]
        return said + [
            f"- Catching up, {name}: {pace:,.0f} requests/s, {pace / live:.1f} × the load's rate."
            for name, (pace, live) in self.caught_up.items()
        ]


async def measure(ours: Contestant) -> Recording:
    """All of it, about a minute."""
    async with aiohttp.ClientSession() as session:

        async def delay() -> float:
            return await _delay(session, ours.url, ours.dashboard_url)

        quiet = tuple([await delay() for _ in range(PROBES)])
        loaded = await _beside(take(LIVE, ours, 10.0), delay)
    backlogs = [case for case in CASES if case.name in {"2 KB", "300 KB"}]
    return Recording(quiet, loaded, {case.name: await _catch_up(case, ours) for case in backlogs})


async def _beside(load: Awaitable[object], probe: Callable[[], Awaitable[float]]) -> tuple[float, ...]:
    async with asyncio.TaskGroup() as group:
        group.create_task(_wait(load))
        await asyncio.sleep(2)
        return tuple([await probe() for _ in range(PROBES)])


async def _wait(load: Awaitable[object]) -> None:
    await load


async def _delay(session: aiohttp.ClientSession, proxy_url: str, dashboard_url: str) -> float:
    """One call of a train of its own, and the time until its row has an outcome."""
    before = await _ended(session, dashboard_url)
    async with session.post(proxy_url + "/v1/messages", data=BODY, headers=PROBE) as response:
        await response.read()
    began = time.monotonic()
    while await _ended(session, dashboard_url) == before:
        await asyncio.sleep(POLL_SECONDS)
    return time.monotonic() - began


async def _ended(session: aiohttp.ClientSession, dashboard_url: str) -> str | None:
    """The newest finished call of the probes' train."""
    query = {"trainId": PROBE["X-Train-Id"], "per_page": "1", "outcome": "ok"}
    async with session.get(dashboard_url + "/api/requests", params=query) as response:
        found = (await response.json()).get("requests") if response.status == 200 else None
    return str(found[0]["id"]) if found else None


async def _catch_up(case: Case, ours: Contestant) -> tuple[float, float]:
    """Stop the recorder during a load and let it go on: its pace and the load's, in requests a second."""
    recorder = ours.recorders[0]
    asleep = Contestant(ours.name, ours.url, ours.relays)
    os.kill(recorder, signal.SIGSTOP)
    try:
        sample = await take(case, asleep, BACKLOG_SECONDS)
    finally:
        os.kill(recorder, signal.SIGCONT)
    began = time.monotonic()
    await idle(ours.recorders)
    pace = sample["issued"] / max(time.monotonic() - began - 0.5, 0.01)
    return float(pace), float(sample["rps"])
