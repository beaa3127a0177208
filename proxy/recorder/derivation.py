"""Derives recordings so that no body can stop the line: small plain ones here, the others in a worker process.

``core.exchange.derive`` is linear and lenient, so a small body costs less here than its way to another process; and
where a lane's last body is repeated only the rest counts. What is large or encoded may be a bomb: it goes to
``worker``, and where that dies of its limits the call is recorded raw.
"""

import asyncio
import pickle
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from uuid import UUID

from core import asked as asking
from core import pieces
from core.asked import Asked
from core.exchange import Taped, encodings, request_text
from core.lane import Match
from core.lanes import Lanes, name_of
from core.pieces import Division
from core.transcript import Transcript
from core.valueclass import replace
from proxy import log
from proxy.inflate import inflate
from proxy.recorder.developed import Developed, of_asked
from proxy.recorder.undeveloped import undeveloped
from proxy.recorder.worker import LENGTH

INLINE = 1 << 20
"""Bytes to be parsed of both bodies up to which a call is derived here: 1 MB of ``[],`` is some 50 ms."""
INLINE_ENCODED = 64 << 10
"""The same of what is encoded: it may inflate a hundredfold."""
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

    async def derive(self, taped: Taped) -> tuple[Developed, Division]:
        """What a call says, with ``parse_error`` where it could not be derived, and its request's body in pieces.

        Never raises on any bytes.
        """
        body = taped.request_body
        if len(body) > LARGEST_DIVIDED:
            division = await asyncio.to_thread(pieces.whole, body)
            return await self._apart(taped), division
        match = self._lanes.match(name_of(taped.start, body), body)
        if _is_small(taped, match):
            said, match = _derived_here(taped, match)
        else:
            said = await self._apart(taped)
            if not encodings(taped.start.headers):
                match = match.learn(said.head)
        self._lanes.keep(match)
        return said, match.division

    async def _apart(self, taped: Taped) -> Developed:
        """What a call says, derived by the worker."""
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
                return await _answer(worker, pickle.dumps(_plain(taped), protocol=pickle.HIGHEST_PROTOCOL))
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


def _plain(taped: Taped) -> Taped:
    """The call with an id of the standard library: the worker needs no driver of a database."""
    return replace(taped, start=replace(taped.start, request_id=UUID(int=taped.start.request_id.int)))


async def _answer(worker: Process, pickled: bytes) -> Developed:
    if worker.stdin is None or worker.stdout is None:
        raise BrokenPipeError("the worker has no pipes")
    worker.stdin.write(LENGTH.pack(len(pickled)))
    worker.stdin.write(pickled)
    await worker.stdin.drain()
    length = LENGTH.unpack(await worker.stdout.readexactly(LENGTH.size))[0]
    said: Developed = pickle.loads(await worker.stdout.readexactly(length))  # noqa: S301 - from our own child
    return said


def _derived_here(taped: Taped, match: Match) -> tuple[Developed, Match]:
    try:
        inflated = inflate(taped)
        text = request_text(taped, inflated)
        if text is taped.request_body:
            asked, match = match.read()
        else:
            asked = Asked(Transcript()) if text is None else asking.read(text)
        return of_asked(taped, inflated, asked, match.division.sha256), match
    except Exception as exc:  # noqa: BLE001 - derive promises not to raise; a mistake in it must not stop the tape
        log.write_failure("derive_failed", exc)
        return Developed(undeveloped(taped, f"could not be derived: {type(exc).__name__}"), None), match


def _is_small(taped: Taped, match: Match) -> bool:
    """Whether what has to be parsed of a call is so little that it is no danger."""
    if match.unread + len(taped.response_body) <= INLINE_ENCODED:
        return True  # whatever is encoded of it
    parts = (
        (match.unread, bool(encodings(taped.start.headers))),
        (len(taped.response_body), taped.head is not None and bool(encodings(taped.head.headers))),
    )
    encoded = sum(size for size, is_encoded in parts if is_encoded)
    return encoded <= INLINE_ENCODED and sum(size for size, _ in parts) <= INLINE


def _size(taped: Taped) -> int:
    return len(taped.request_body) + len(taped.response_body)
