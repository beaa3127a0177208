"""Starting processes: children that end with us, and commands this process turns into."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from core.errors import FootplateError
from core.settings import Settings
from deploy.settings import child_environment, client_environment

BOUND_CHILD = Path(__file__).with_name("bound_child.py")
STDERR = 2


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules with this interpreter; -P keeps a `core/` of the current folder out."""
    return [sys.executable, "-P", "-m", module, *arguments]


async def spawn(command: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Start a child that the kernel kills when we die. It has a session of its own: Ctrl-C reaches only us.

    What it prints goes to our stderr: stdout is for what `up` itself says.
    """
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(BOUND_CHILD), str(os.getpid()), *command),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=STDERR,
        start_new_session=True,
    )


def become(settings: Settings, module: str, *arguments: str) -> NoReturn:
    """Turn this process into one of ours, with the allocator's thresholds set."""
    command = module_command(module, *arguments)
    sys.stdout.flush()
    os.execve(command[0], command, child_environment(settings))  # noqa: S606 - our own interpreter, no shell wanted


def become_client(command: Sequence[str], proxy: str) -> NoReturn:
    """Turn this process into a client that talks through the proxy. Raises FootplateError without such a command."""
    sys.stdout.flush()
    try:
        os.execvpe(command[0], list(command), client_environment(proxy))  # noqa: S606 - what the user typed
    except OSError as exc:
        raise FootplateError(f"{command[0]}: {exc.strerror}") from exc
