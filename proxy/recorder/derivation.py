"""Derives recordings so that no body can stop the line: small plain ones here, the others in a worker process.

``core.exchange.derive`` is linear and lenient, so a small body costs less here than its way to another process. A
large or encoded one may be a bomb: it goes to ``worker``, and where that dies of its limits the call is recorded raw.
"""

import asyncio
import pickle
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import replace

from core import pieces
from core.exchange import Taped, encodings
from core.lanes import Lanes, name_of
from core.pieces import Division
from proxy import log
from proxy.recorder.developed import Developed, developed
from proxy.recorder.undeveloped import undeveloped
from proxy.recorder.worker import LENGTH

INLINE = 1 << 20
"""Bytes of both bodies up to which a plain call is derived here: 1 MB of ``[],`` is some 50 ms."""
INLINE_ENCODED = 64 << 10
"""The same where something is encoded: it may inflate a hundredfold."""
LARGEST = 64 << 20
"""Bytes beyond which not even the worker is asked (file uploads): copies of it would cost more than it can tell."""
LARGEST_DIVIDED = 33 << 20
"""Bytes beyond which a body is one piece: the API takes messages of 32 MB; 0.1 s for them."""
WAIT_SECONDS = 20.0
"""For an answer. The worker's own limit is CPU; this is for one that neither works nor dies."""
LIMIT = "parse limits: size, time or memory"


class Derivation:
    """Turns taped calls into recordings. ``seconds`` of CPU for each in the worker."""

    def __init__(self, seconds: float = 2.0) -> None:
        self._seconds = seconds
        self._worker: Process | None = None
        self._lock = asyncio.Lock()
        self._lanes = Lanes()

    async def divide(self, taped: Taped) -> Division:
        """The request's body in pieces. Never raises on any bytes."""
        body = taped.request_body
        if len(body) > LARGEST_DIVIDED:
            return await asyncio.to_thread(pieces.whole, body)
        return self._lanes.divide(name_of(taped.start, body), body)

    async def derive(self, taped: Taped, request_sha256: bytes | None = None) -> Developed:
        """What a call says, with ``parse_error`` where it could not be derived. Never raises on any bytes.

        ``request_sha256`` as in ``core.exchange.derive``.
        """
        if _size(taped) <= (INLINE_ENCODED if _encoded(taped) else INLINE):
            return _derived_here(taped, request_sha256)
        if _size(taped) > LARGEST:
            return Developed(undeveloped(taped, LIMIT), None)
        async with self._lock:
            said = await self._ask(taped)
        if said is None:
            return Developed(undeveloped(taped, LIMIT), None)
        whole = replace(said.recording, request_body=taped.request_body, response_body=taped.response_body)
        return said._replace(recording=whole)

    async def close(self) -> None:
        """End the worker. Another call of ``derive`` starts a new one."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        with suppress(ProcessLookupError):
            worker.kill()
        await worker.communicate()

    async def _ask(self, taped: Taped) -> Developed | None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                worker = await self._running()
                return await _answer(worker, pickle.dumps(taped, protocol=pickle.HIGHEST_PROTOCOL))
        except (OSError, EOFError, TimeoutError, MemoryError) as exc:
            # IncompleteReadError is an EOFError, a broken pipe an OSError: the worker has died of its limits.
            log.write_seldom("parse_limit", error=type(exc).__name__)
            await self.close()
            return None

    async def _running(self) -> Process:
        if self._worker is None or self._worker.returncode is not None:
            command = (sys.executable, "-P", "-m", "proxy.recorder.worker", str(self._seconds))
            self._worker = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        return self._worker


async def _answer(worker: Process, pickled: bytes) -> Developed:
    if worker.stdin is None or worker.stdout is None:
        raise BrokenPipeError("the worker has no pipes")
    worker.stdin.write(LENGTH.pack(len(pickled)))
    worker.stdin.write(pickled)
    await worker.stdin.drain()
    length = LENGTH.unpack(await worker.stdout.readexactly(LENGTH.size))[0]
    said: Developed = pickle.loads(await worker.stdout.readexactly(length))  # noqa: S301 - from our own child
    return said


def _derived_here(taped: Taped, request_sha256: bytes | None) -> Developed:
    try:
        return developed(taped, request_sha256)
    except Exception as exc:  # noqa: BLE001 - derive promises not to raise; a mistake in it must not stop the tape
        log.write_failure("derive_failed", exc)
        return Developed(undeveloped(taped, f"could not be derived: {type(exc).__name__}"), None)


def _size(taped: Taped) -> int:
    return len(taped.request_body) + len(taped.response_body)


def _encoded(taped: Taped) -> bool:
    return bool(encodings(taped.start.headers) or (taped.head is not None and encodings(taped.head.headers)))
