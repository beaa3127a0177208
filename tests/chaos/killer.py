"""Finds the product's processes and kills them at random, one at a time."""

import asyncio
import random
import signal
from collections import Counter

import psutil

ROLES = ("postgres", "proxy", "recorder")


def role_of(process: psutil.Process) -> str | None:
    """Which part of the product a child of the supervisor is."""
    try:
        line = process.cmdline()
    except psutil.Error:
        return None
    if any(word.endswith("/postgres") for word in line[:1]):
        return "postgres"
    if "proxy" in line:
        return "recorder" if "record" in line else "proxy"
    return "dashboard" if "dashboard" in line else None


def children(supervisor: int) -> dict[str, list[psutil.Process]]:
    """The supervisor's direct children by role (Postgres's own backends are not direct)."""
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.Process(supervisor).children():
        if role := role_of(process):
            found.setdefault(role, []).append(process)
    return found


async def rampage(supervisor: int, *, kills: int, seed: int, pause: tuple[float, float]) -> Counter[str]:
    """Kill -9 something ``kills`` times, a random pause between two; what died how often."""
    dice = random.Random(seed)
    killed: Counter[str] = Counter()
    while killed.total() < kills:
        await asyncio.sleep(dice.uniform(*pause))
        role = dice.choice(ROLES)
        victims = children(supervisor).get(role)
        if not victims:
            continue
        try:
            dice.choice(victims).send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
        killed[role] += 1
    return killed
