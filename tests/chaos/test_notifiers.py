"""Notifiers that are killed with SIGKILL while they tell: nothing is lost, and hardly anything told twice."""

import asyncio
import os
import random
import signal
import sys
import time
from asyncio.subprocess import Process
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from tests.chaos.notifier import paced
from tests.slack import Slack

ALERTS = 50
KILLS = 10
NOTIFIERS = 3
ENDED = "SELECT count(*) FROM alerts WHERE state IN ('sent', 'unsure')"


@dataclass
class Crew:
    """Notifiers, always as many; one that is killed is replaced at once."""

    command: list[str]
    dice: random.Random
    kills: int = 0
    members: list[Process] = field(default_factory=list)

    async def fill(self) -> None:
        """Start those that are missing."""
        self.members = [one for one in self.members if one.returncode is None]
        while len(self.members) < NOTIFIERS:
            self.members.append(await asyncio.create_subprocess_exec(*self.command))

    def strike(self) -> None:
        """Kill one of them, any one."""
        alive = [one for one in self.members if one.returncode is None]
        if alive and self.kills < KILLS:
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice(alive).pid, signal.SIGKILL)
                self.kills += 1

    async def leave(self) -> None:
        """Kill them all."""
        for one in self.members:
            with suppress(ProcessLookupError):
                one.kill()
            await one.wait()


@pytest.mark.chaos
async def test_each_incident_is_told_once_whoever_is_killed(
    database_url: str, connection: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    """When a message arrives, or a moment later, somebody is killed: before, while and after Slack answers.

    A message that came twice is one whose mark was lost, and no message comes a third time.
    """
    began = time.time()
    dice = random.Random(1)
    crew = Crew([], dice)

    def strike_soon() -> None:
        if dice.random() < 0.5:
            asyncio.get_running_loop().call_later(dice.choice([0, 0.002, 0.01]), crew.strike)

    async with Slack(clock=strike_soon) as slack:
        arguments = [database_url, str(tmp_path), slack.webhook, str(began)]
        crew.command = [sys.executable, "-m", "tests.chaos.notifier", *arguments]
        await connection.executemany(
            "INSERT INTO alerts (kind, subject, dedupe_key, tone, told, raised_at, due_at)"
            " VALUES ('window', $1, $1, 'warning', jsonb_build_object('title', $1::text), $2, $2)",
            [(f"alert {number}", paced(began)) for number in range(ALERTS)],
        )
        async with asyncio.timeout(120):
            while await connection.fetchval(ENDED) < ALERTS:
                await crew.fill()
                await asyncio.sleep(0.1)
        await crew.leave()
    told = Counter(slack.texts)
    lost = dict(await connection.fetch("SELECT told ->> 'title', lost_marks FROM alerts"))
    assert crew.kills == KILLS
    assert set(told) | {title for title, marks in lost.items() if marks} == set(lost)
    assert max(told.values()) <= 2
    assert {title for title, count in told.items() if count > 1} <= {title for title, marks in lost.items() if marks}
    assert await connection.fetchval("SELECT count(*) FROM alerts WHERE claim IS NOT NULL") == 0
    print(
        f"{crew.kills} kills, {sum(told.values()) - len(told)} told twice, {sum(map(bool, lost.values()))} marks lost"
    )
