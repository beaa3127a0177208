"""The one narrow door through which bodies are written; how they are stored may change behind it.

A request's body is a list of ``pieces``, each stored once in a train's month; a response's is one ``bytea``. The server
says whether what it stored is what the tape held, before it commits: a whole body by size always, by its own SHA-256 up
to 16 KB and in one of sixteen larger ones (by a digit of the hash); of lists, whose pieces were looked at like that,
one in ``READ_BACK`` is read back as anybody reads it. The embedded server takes 1.1 ms to hash 300 KB, and 3.2 ms to
read and hash a list of as much; every stored hash can be checked at any time.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from core.errors import FootplateError
from core.exchange import digest
from core.kept import Kept, kept
from core.models import Recording
from core.pieces import Division
from core.valueclass import valueclass
from proxy.recorder import pieces
from proxy.recorder.readable import jsonb
from sql.arrays import trimmed
from sql.database import Transaction
from sql.rows.record import BodyCheck

READ_BACK: Final = 64
_NOTHING: Final = Kept.NOTHING  # Python 3.11 runs a function for each look at an enum's member


@valueclass(frozen=True, slots=True)
class Recorded:
    """A recording, the id it is filed under, and its request's body in pieces."""

    id: UUID
    recording: Recording
    division: Division


class BodyMismatchError(FootplateError):
    """The database stored other bytes than the tape held; nothing of this is committed."""


async def write(transaction: Transaction, train: int, recorded: Sequence[Recorded]) -> None:
    """Write the bodies of calls that became complete in this transaction. Raises BodyMismatchError, sql's errors."""
    # Of a body whose frames were all lost there is nothing to keep: it is not an empty one.
    asked = [one for one in recorded if _request_kept(one.recording) is not _NOTHING]
    if asked:
        await _write_requests(transaction, train, asked)
    # A call that never got a response head has no response, not an empty one.
    answered = [
        one
        for one in recorded
        if one.recording.response_body
        or (one.recording.head is not None and _response_kept(one.recording) is not _NOTHING)
    ]
    if answered:
        await _write_responses(transaction, train, answered)


async def _write_requests(transaction: Transaction, train: int, recorded: Sequence[Recorded]) -> None:
    requests = [pieces.Request(one.id, one.recording.request_body, one.division) for one in recorded]
    if not await pieces.write(transaction, train, requests):
        raise BodyMismatchError("a piece or body has another hash than the tape's")
    sampled = [
        one.id for one in recorded if one.division.keys is not None and one.division.sha256[0] < 256 // READ_BACK
    ]
    if sampled:
        _require_exact(await transaction.fetch("record_read_back", BodyCheck, train, sampled))


async def _write_responses(transaction: Transaction, train: int, recorded: Sequence[Recorded]) -> None:
    recordings = [one.recording for one in recorded]
    checks = await transaction.fetch(
        "record_response_bodies",
        BodyCheck,
        train,
        [one.id for one in recorded],
        [recording.response_body for recording in recordings],
        trimmed([recording.response_decoded for recording in recordings]),
        [None if recording.message is None else jsonb(recording.message) for recording in recordings],
        [_array([chunk.size for chunk in recording.chunks]) for recording in recordings],
        trimmed([None if one.decoded_sizes is None else _array(one.decoded_sizes) for one in recordings]),
        [_array([chunk.at_us for chunk in recording.chunks]) for recording in recordings],
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
    """What proves the stored bytes; of a part of a body its own hash, which is no column of the call."""
    return digest(body, Kept.WHOLE) if whole is None else whole


def _array(numbers: Iterable[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"


def _require_exact(checks: Sequence[BodyCheck]) -> None:
    if not all(check.exact for check in checks):
        raise BodyMismatchError("a body read back with another hash than the tape's")
