"""Keeping one process alive: what is tried again, and what is not."""

import asyncio
import errno
import os
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from deploy.keeper import LONGEST_DELAY, SETTLED_SECONDS, Backoff, Keeper, Patience, cause
from deploy.processes import BOUND_CHILD
from deploy.roles import recorder

SOON = 60.0


@pytest.mark.parametrize(("number", "told"), [(errno.EACCES, 1), (errno.ENOMEM, 0)])
async def test_a_program_that_cannot_be_executed(
    number: int, told: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That is said once and passed on, as any refusal at the first start; a machine short of memory is waited for."""
    codes: list[int] = []
    tries: list[int] = []
    again = asyncio.Event()

    async def failing(*_: object) -> Process:
        tries.append(1)
        if len(tries) == 2:
            again.set()
        raise OSError(number, os.strerror(number))

    def ended(code: int) -> bool:
        codes.append(code)
        return False

    monkeypatch.setattr("deploy.keeper.spawn", failing)
    keeper = Keeper(recorder(), {}, ended)
    async with asyncio.timeout(SOON), asyncio.TaskGroup() as group:
        running_ = group.create_task(keeper.run())
        if not told:
            await again.wait()
            await keeper.stop(Patience())
        await running_
    assert codes == [1] * told
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(tries)
    assert os.strerror(number) in said[0]


def test_every_end_has_a_cause() -> None:
    """Real-time signals have no name, and must not bring the supervisor down."""
    assert [cause(code) for code in (3, -9, -40)] == ["exit code 3", "killed by SIGKILL", "killed by signal 40"]


def test_a_crash_loop_slows_down_and_recovers() -> None:
    """Delays double up to a limit, are never given up, and begin anew after a process lived for a while."""
    backoff = Backoff()
    delays = [backoff.after(0.1) for _ in range(12)]
    assert delays[1] > delays[0]
    assert delays[5] > delays[3]
    assert LONGEST_DELAY * 0.9 <= delays[-1] <= LONGEST_DELAY * 1.1
    assert backoff.after(SETTLED_SECONDS) < 0.5


async def test_a_child_that_cannot_be_executed_is_one_line(tmp_path: Path) -> None:
    """What stands between fork and exec says so and ends with 1, a refusal; no traceback."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(BOUND_CHILD), str(os.getpid()), str(program)),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode() == f"footplate: {program} could not be executed: Permission denied\n"
