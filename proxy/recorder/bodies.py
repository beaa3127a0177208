"""The one narrow door through which bodies are written; how they are stored may change behind it.

Today each is one ``bytea``. The server hashes what it stored and says whether that is what the tape held: 0.2 ms for
300 KB, once per body, and a body that changed on the way never commits.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from core.errors import FootplateError
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
    await _write_requests(transaction, train, recorded)
    # A call that never got a response head has no response, not an empty one.
    answered = [(key, recording) for key, recording in recorded if recording.head is not None]
    if answered:
        await _write_responses(transaction, train, answered)


def size(recording: Recording) -> int:
    """Bytes a recording brings to its batch."""
    return len(recording.request_body) + len(recording.response_body) + len(recording.response_decoded or b"")


async def _write_requests(transaction: Transaction, train: int, recorded: Sequence[Recorded]) -> None:
    checks = await transaction.fetch(
        "record_request_bodies",
        BodyCheck,
        train,
        [key for key, _ in recorded],
        [recording.request_body for _, recording in recorded],
        [recording.request_sha256 for _, recording in recorded],
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
        [recording.response_sha256 for recording in recordings],
    )
    _require_exact(checks)


def _array(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


def _require_exact(checks: Sequence[BodyCheck]) -> None:
    if not all(check.exact for check in checks):
        raise BodyMismatchError("a body read back with another hash than the tape's")
