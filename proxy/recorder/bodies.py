"""The one narrow door through which bodies are written; how they are stored may change behind it.

Today each is one ``bytea``. The server says whether what it stored is what the tape held, before it commits: by size
always, by its own SHA-256 up to 16 KB and in one of sixteen larger ones (by a digit of the hash). The embedded server
takes 1.1 ms to hash 300 KB, a third of all the writing; every stored hash can be checked at any time.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from core.errors import FootplateError
from core.exchange import digest
from core.kept import Kept, kept
from core.models import Recording
from proxy.recorder.readable import jsonb
from sql.database import Transaction
from sql.rows.record import BodyCheck

Recorded = tuple[UUID, Recording]
"""A recording and the id it is filed under."""


class BodyMismatchError(FootplateError):
    """The database stored other bytes than the tape held; nothing of this is committed."""


async def write(transaction: Transaction, train: int, recorded: Sequence[Recorded]) -> None:
    """Write the bodies of calls that became complete in this transaction. Raises BodyMismatchError, sql's errors."""
    # Of a body whose frames were all lost there is nothing to keep: it is not an empty one.
    asked = [(key, recording) for key, recording in recorded if _request_kept(recording) is not Kept.NOTHING]
    if asked:
        await _write_requests(transaction, train, asked)
    # A call that never got a response head has no response, not an empty one.
    answered = [
        (key, recording)
        for key, recording in recorded
        if recording.response_body or (recording.head is not None and _response_kept(recording) is not Kept.NOTHING)
    ]
    if answered:
        await _write_responses(transaction, train, answered)


async def _write_requests(transaction: Transaction, train: int, recorded: Sequence[Recorded]) -> None:
    checks = await transaction.fetch(
        "record_request_bodies",
        BodyCheck,
        train,
        [key for key, _ in recorded],
        [recording.request_body for _, recording in recorded],
        [len(recording.request_body) for _, recording in recorded],
        [_stored_digest(recording.request_body, recording.request_sha256) for _, recording in recorded],
    )
    _require_exact(checks)


async def _write_responses(transaction: Transaction, train: int, recorded: Sequence[Recorded]) -> None:
    recordings = [recording for _, recording in recorded]
    checks = await transaction.fetch(
        "record_response_bodies",
        BodyCheck,
        train,
        [key for key, _ in recorded],
        [recording.response_body for recording in recordings],
        [recording.response_decoded for recording in recordings],
        [None if recording.message is None else jsonb(recording.message) for recording in recordings],
        [_array(chunk.size for chunk in recording.chunks) for recording in recordings],
        [None if recording.decoded_sizes is None else _array(recording.decoded_sizes) for recording in recordings],
        [_array(chunk.at_us for chunk in recording.chunks) for recording in recordings],
        [len(recording.response_body) for recording in recordings],
        [_stored_digest(recording.response_body, recording.response_sha256) for recording in recordings],
    )
    _require_exact(checks)


def _request_kept(recording: Recording) -> Kept:
    end = recording.end
    return kept(end.request_bytes, len(recording.request_body), end.lost_frames, end.outcome)


def _response_kept(recording: Recording) -> Kept:
    end = recording.end
    return kept(end.response_bytes, len(recording.response_body), end.lost_frames, end.outcome)


def _stored_digest(body: bytes, whole: bytes | None) -> bytes | None:
    """What proves the stored bytes; of a part of a body its own hash, which is no column of the request."""
    return digest(body, Kept.WHOLE) if whole is None else whole


def _array(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


def _require_exact(checks: Sequence[BodyCheck]) -> None:
    if not all(check.exact for check in checks):
        raise BodyMismatchError("a body read back with another hash than the tape's")
