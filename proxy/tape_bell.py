"""How the writer wakes the recorder: one byte, never waiting, to a unix datagram socket in the tape's folder.

Measured against inotify (tape.md): 0.02 ms p50 at 31 µs a request, where inotify costs the proxy 34 µs a request.
"""

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path

NAME = "recorder.sock"
_PATH_LIMIT = 100
"""A unix socket's path holds 107 bytes; longer ones go by way of the folder's descriptor."""


class TapeBell:
    """The recorder's end. One per tape and process; the loop that waits must be running."""

    def __init__(self, folder: Path) -> None:
        """Binds ``<folder>/recorder.sock``, taking over from a recorder that died."""
        self._path = folder / NAME
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        with suppress(FileNotFoundError):
            self._path.unlink()
        self._socket.bind(_address(self._path, self._folder))
        self._path.chmod(0o600)
        self._inode = self._path.stat().st_ino
        self._closed = False

    async def wait(self, seconds: float = 0.25) -> bool:
        """Until the writer rings (True) or the time is over (False). Rings in between count once."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                await loop.sock_recv(self._socket, 16)
        except TimeoutError:
            return False
        with suppress(BlockingIOError):
            while True:
                self._socket.recv(16)
        return True

    def close(self) -> None:
        """Stop listening and remove the socket, unless another recorder took its place. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._socket.close()
        os.close(self._folder)
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()


class Ringer:
    """The writer's end: rings and does not care who listens."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        """``descriptor`` is the open folder's; it stays the caller's."""
        self._address = _address(folder / NAME, descriptor)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)

    def ring(self) -> None:
        """One byte to whoever listens; nobody, or a full queue (he is awake already), is fine."""
        with suppress(OSError):
            self._socket.sendto(b"\0", self._address)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _address(path: Path, folder: int) -> str:
    plain = str(path)
    return plain if len(os.fsencode(plain)) <= _PATH_LIMIT else f"/proc/self/fd/{folder}/{path.name}"
