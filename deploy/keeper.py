"""Keeping one process alive until it is told to stop."""

import asyncio
import errno
import random
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from contextlib import suppress

from deploy.exit_codes import FAILURE
from deploy.processes import module_command, spawn
from deploy.roles import Role

FIRST_DELAY = 0.2
LONGEST_DELAY = 3.0
"""Nobody is served while a proxy is away, so even a crash loop is tried often; a start costs half a second of CPU."""
SETTLED_SECONDS = 10.0
"""A process that lived this long was well: its next end is a new story, not a crash loop."""
ABORT_SECONDS = 1.0
_PASSING = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
"""No process number, no memory, no descriptor: reasons to wait, not to give up."""


def say(line: str) -> None:
    """One line for the operator. That nobody reads it any more is no reason to fall."""
    with suppress(OSError):
        print(f"footplate: {line}", file=sys.stderr, flush=True)


class Patience:
    """How long stopping may take; ``lose`` (a second signal) ends all waiting at once."""

    def __init__(self) -> None:
        self.lost = False
        self.gone = asyncio.Event()
        """Set when it is lost."""
        self._limits: set[asyncio.Timeout] = set()

    def lose(self) -> None:
        """Wait for nothing more."""
        self.lost = True
        self.gone.set()
        for limit in self._limits:
            limit.reschedule(0)

    async def ended(self, process: Process, seconds: float) -> bool:
        """Whether the process ended within so many seconds."""
        limit = asyncio.timeout(0 if self.lost else seconds)
        self._limits.add(limit)
        try:
            async with limit:
                await process.wait()
        except TimeoutError:
            return False
        finally:
            self._limits.discard(limit)
        return True


class Backoff:
    """Delays before starting again: doubling while a process keeps dying, from the start again once it lived."""

    def __init__(self) -> None:
        self._delay = FIRST_DELAY

    def after(self, lived_seconds: float) -> float:
        """Seconds to wait after a process that lived so long; a little chance keeps several from marching in step."""
        if lived_seconds >= SETTLED_SECONDS:
            self._delay = FIRST_DELAY
        delay, self._delay = self._delay, min(2 * self._delay, LONGEST_DELAY)
        return delay * random.uniform(0.9, 1.1)  # noqa: S311 - no secret


class Keeper:
    """One process of the table: ``run`` keeps it alive, ``stop`` ends it in good order."""

    def __init__(self, role: Role, environment: Mapping[str, str], ended: Callable[[int], bool]) -> None:
        """``ended`` is told the exit code of a process nobody stopped and says whether to start it again."""
        self.role = role
        self._environment = environment
        self._ended = ended
        self._stopping = asyncio.Event()
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Start the process, and start it again whenever it ends, until stopped."""
        backoff = Backoff()
        clock = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            started = clock()
            end = await self._run_once()
            if end is None:
                return
            delay = backoff.after(clock() - started)
            say(f"{self.role.name} {end}; starting it again in {delay:.1f} s")
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()

    async def _run_once(self) -> str | None:
        """One life of the process: how it ended, or None when it shall not be started again."""
        try:
            async with self._turn:
                if self._stopping.is_set():
                    return None
                process = await spawn(module_command(self.role.module, *self.role.arguments), self._environment)
                self._process = process
        except OSError as exc:
            end = f"could not be started ({exc.strerror})"
            if exc.errno in _PASSING or self._ended(FAILURE):
                return end
            say(f"{self.role.name} {end}")
            return None
        code = await process.wait()
        if self._stopping.is_set() or not self._ended(code):
            return None
        return f"ended ({cause(code)})"

    async def stop(self, patience: Patience) -> None:
        """SIGTERM, then wait as long as the role may take; SIGTERM again and SIGKILL when that is over."""
        self._stopping.set()
        async with self._turn:
            process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        if await patience.ended(process, self.role.stop_seconds):
            return
        if not patience.lost:
            say(f"{self.role.name} did not stop within {self.role.stop_seconds:.0f} s; ending it")
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)  # the second one means: now, but close the tape
            with suppress(TimeoutError):
                async with asyncio.timeout(ABORT_SECONDS):
                    await process.wait()
                    return
            process.kill()


async def run_once(role: Role, environment: Mapping[str, str], patience: Patience) -> None:
    """Run a process that ends by itself; SIGKILL when it takes longer than its role may."""
    process = await spawn(module_command(role.module, *role.arguments), environment)
    if not await patience.ended(process, role.stop_seconds):
        process.kill()
        await process.wait()


def cause(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal
        return f"killed by signal {-code}"
