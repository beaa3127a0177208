"""What is measured, as data, and how one sample is taken."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from typing import Any

from tests.bench.contestants import OTHER_CORE, Contestant
from tests.bench.load import cpu_s
from tests.product import ROOT

LOAD = "tests/bench/load.py"
Sample = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One kind of load. ``seconds`` is one sample's; ``figures`` are the keys of a sample that are compared."""

    name: str
    arguments: tuple[str, ...]
    figures: tuple[str, ...] = ("cpu_us_req",)
    mode: str = "run"
    seconds: float = 4.0
    direct: bool = False


CASES = (
    Case("2 KB", ("--body", "2k", "-c", "32")),
    # Equal rate: a proxy that is slower must not be given less to do.
    Case("300 KB", ("--body", "300k", "-c", "8", "--rate", "300"), ("cpu_us_req", "faults_req")),
    Case("1 MB", ("--body", "1m", "-c", "4", "--rate", "100"), ("cpu_us_req", "faults_req")),
    Case(
        "paced stream",
        ("--body", "2k", "--stream", "--n", "100", "--d", "20", "-c", "50", "--stagger"),
        ("cpu_us_ev", "ev_lat_ms.p50", "ev_lat_ms.p99"),
        direct=True,
    ),
    Case("burst stream", ("--body", "2k", "--stream", "--n", "200", "-c", "8", "--rate", "200"), ("cpu_us_ev",)),
    Case(
        "first byte",
        ("--body", "2k", "--stream", "--n", "20", "--d", "10", "--ttfb", "30", "-c", "20", "--stagger"),
        ("ttfb_ms.p50", "ttfb_ms.p99"),
        direct=True,
    ),
)
MEMORY = (
    Case("1,000 streams of 2 KB", ("--body", "2k", "--levels", "0,1000"), mode="rss", seconds=20),
    Case("1,000 streams of 300 KB", ("--body", "300k", "--levels", "0,1000"), mode="rss", seconds=30),
)


async def take(case: Case, contestant: Contestant, seconds: float) -> Sample:
    """One sample: the load generator's own JSON, and what recording it cost."""
    pids = [argument for pid in contestant.relays for argument in ("--pid", str(pid))]
    spent, began = cpu_s(contestant.recorders), time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *("taskset", "-c", str(OTHER_CORE), sys.executable, LOAD, case.mode, "--url", contestant.url + "/v1/messages"),
        *(*case.arguments, *pids, "-t", f"{seconds:g}"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    sample: Sample = json.loads(out)
    if contestant.recorders:
        ended = time.monotonic()
        await idle(contestant.recorders)
        sample["recorder_s"] = cpu_s(contestant.recorders) - spent
        sample["recorder_behind_s"] = time.monotonic() - ended
        sample["sampled_s"] = ended - began
    return sample


async def idle(pids: tuple[int, ...], patience: float = 120.0) -> None:
    """Wait until processes have nothing left to do: their CPU stands still for half a second."""
    until = time.monotonic() + patience
    before = -1.0
    while time.monotonic() < until:
        now = cpu_s(pids)
        if now - before <= 0.02:
            return
        before = now
        await asyncio.sleep(0.5)


def figure(sample: Sample, name: str) -> float | None:
    """A figure of a sample by its dotted name."""
    value: Any = sample
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) else None
