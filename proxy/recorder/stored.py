"""A recorded call as it was on the tape, from what is stored of it: whatever is derived can be derived again."""

from collections.abc import Collection
from datetime import timedelta
from typing import NamedTuple

from core.exchange import Taped
from core.identity import Facts
from core.models import Chunk, End, Head, Outcome, Recording, Start, Timings
from proxy import log
from proxy.recorder.developed import developed
from proxy.recorder.notes import OtherVersionError, unpack
from proxy.recorder.readable import EPOCH
from proxy.recorder.undeveloped import undeveloped
from sql.database import Database, Transaction
from sql.rows.linking import StoredCall


class Redeveloped(NamedTuple):
    """A stored call, derived once more."""

    recording: Recording
    facts: Facts | None
    account: int | None


async def read(source: Database | Transaction, train: int, ids: Collection[object]) -> list[StoredCall]:
    """What is stored of these calls, those in flight left out."""
    return await source.fetch("stored_calls", StoredCall, train, list(ids)) if ids else []


def redeveloped(call: StoredCall) -> Redeveloped:
    """What a stored call says, by today's code."""
    taped = _taped(call)
    try:
        recording, facts, _ = developed(taped, client=_client(call))
    except Exception as exc:  # noqa: BLE001 - as when it was recorded: one call must not stop the others
        log.write_failure("derive_failed", exc)
        recording, facts = undeveloped(taped, "could not be derived"), None
    return Redeveloped(recording, facts, call.account)


def _client(call: StoredCall) -> str | None:
    """The name its client had for linking when it was recorded: accounts are renamed and merged."""
    if call.record is not None:
        try:
            return unpack(call.record).known.call.client
        except OtherVersionError:
            pass
    return call.key_id or call.account_id


def _taped(call: StoredCall) -> Taped:
    start = Start(
        request_id=call.id,
        at_us=(call.started_at - EPOCH) // timedelta(microseconds=1),
        boot_id="",
        method=call.method,
        target=call.path if call.query is None else f"{call.path}?{call.query}",
        headers=_headers(call.request_headers),
        train="",
        key_id=call.key_id,
    )
    sizes, times = call.chunk_sizes or (), call.chunk_at_us or ()
    chunks = tuple(Chunk(size, at) for size, at in zip(sizes, times, strict=True))
    return Taped(start, call.request_body or b"", _head(call), call.raw or b"", chunks, _end(call))


def _head(call: StoredCall) -> Head | None:
    if call.status_code is None:
        return None
    # As if it were ours: the outcome was refined when it was recorded, and who answered is not stored.
    return Head(call.status_code, _headers(call.response_headers or []), ours=True)


def _end(call: StoredCall) -> End:
    return End(
        Outcome(call.outcome),
        call.request_bytes or 0,
        call.response_bytes or 0,
        call.delivered_bytes or 0,
        Timings(**call.timings),
        call.note,
        call.lost_frames,
    )


def _headers(pairs: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs)
