"""No body stops the line: bombs end a worker, not the recorder, and are recorded raw."""

import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from core.exchange import Taped
from core.models import Chunk, End, Head, Headers, Outcome, Start
from proxy.recorder.derivation import INLINE, LIMIT, Derivation
from tests.taping import JSON, STREAM, answered, asked


@pytest.fixture
async def derivation() -> AsyncIterator[Derivation]:
    """With half a second of CPU for each call, so that the tests are short."""
    derivation = Derivation(0.5)
    yield derivation
    await derivation.close()


def taped(asks: bytes, says: bytes, headers: Headers = JSON, outcome: Outcome = Outcome.OK) -> Taped:
    """A call with these bodies."""
    start = Start(UUID(int=1), 0, "boot", "POST", "/v1/messages", (), "default")
    end = End(outcome, len(asks), len(says), len(says))
    return Taped(start, asks, Head(200, headers), says, (Chunk(len(says), 1),), end)


async def test_a_large_call_is_derived_in_the_worker_as_a_small_one_here(derivation: Derivation) -> None:
    """Where it is derived makes no difference to what is derived."""
    says = answered(tokens=(3, 4))
    small = (await derivation.derive(taped(asked(), says)))[0].recording
    large = (await derivation.derive(taped(asked(metadata={"pad": "x" * INLINE}), says)))[0].recording
    same = replace(
        large, request_body=small.request_body, request_sha256=small.request_sha256, end=small.end, start=small.start
    )
    assert same == small
    assert large.request_body == asked(metadata={"pad": "x" * INLINE})


async def test_a_bomb_is_recorded_raw_and_the_next_call_is_fine(derivation: Derivation) -> None:
    """Too much to parse within the limits: the bytes and their hashes are there, and a reason."""
    bomb = b"[" + b"[]," * 7_000_000 + b"[]]"
    recording = (await derivation.derive(taped(bomb, answered())))[0].recording
    assert recording.request_body == bomb
    assert recording.parse_error is not None
    fine = (await derivation.derive(taped(asked(metadata={"pad": "x" * INLINE}), answered())))[0].recording
    assert (fine.parse_error, fine.model) == (None, "claude-opus-5-5")


async def test_a_worker_that_runs_out_of_time_costs_only_this_call() -> None:
    """With next to no CPU allowed every worker dies; the call is recorded raw with its status."""
    derivation = Derivation(0.001)
    recording = (await derivation.derive(taped(asked(metadata={"pad": [[]] * INLINE}), answered())))[0].recording
    assert (recording.parse_error, recording.outcome) == (LIMIT, Outcome.OK)
    await derivation.close()


async def test_a_stream_that_could_not_be_parsed_and_lacks_its_end_does_not_look_complete() -> None:
    """A truncated answer never looks complete, also where nothing could be derived."""
    derivation = Derivation(0.001)
    broken = b"event: ping\ndata: {}\n\n" * (INLINE // 4)
    cut = (await derivation.derive(taped(asked(), broken, STREAM)))[0].recording
    assert cut.outcome is Outcome.UPSTREAM_INCOMPLETE
    whole = (await derivation.derive(taped(asked(), broken + b"event: message_stop\ndata: {}\n\n", STREAM)))[
        0
    ].recording
    assert whole.outcome is Outcome.OK
    await derivation.close()


async def test_a_compressed_bomb_goes_to_the_worker(derivation: Derivation) -> None:
    """Small on the wire, large when inflated: its limits are kept, its bytes too."""
    bomb = gzip.compress(b"\0" * (80 << 20))
    recording = (await derivation.derive(taped(asked(), bomb, (*JSON, ("content-encoding", "gzip")))))[0].recording
    assert (recording.response_body, recording.response_decoded) == (bomb, None)
    assert recording.parse_error is not None
