"""What a frame's payload says survives the way to the tape and back, and versions of it live side by side."""

from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadFrameError
from core.frames import decode_end, decode_head, decode_start, encode_end, encode_head, encode_start
from core.models import End, Head, Outcome, Start, Timings

START = Start(UUID(int=7), 1, "boot", "POST", "/v1/messages?beta=true", (("a", "b"), ("a", "c")), "default")
END = End(Outcome.OK, 1, 2, 3, Timings(head_us=5, end_us=9), "note", 4, (("X (t)", "v"),))

texts = st.text(st.characters())  # with lone surrogates, as aiohttp gives them for bytes that are no UTF-8
pairs = st.lists(st.tuples(texts, texts)).map(tuple)


@given(texts, pairs, st.none() | texts)
def test_start_round_trip(target: str, headers: tuple[tuple[str, str], ...], key_id: str | None) -> None:
    """Any target and headers come back as they were, even those that are no valid text."""
    start = Start(UUID(int=7), 1, "boot", "POST", target, headers, "default", key_id, "oauth", "00" * 16)
    assert decode_start(encode_start(start)) == start


@given(st.integers(100, 599), pairs, st.booleans())
def test_head_round_trip(status: int, headers: tuple[tuple[str, str], ...], ours: bool) -> None:
    """Any head comes back as it was."""
    assert decode_head(encode_head(Head(status, headers, ours))) == Head(status, headers, ours)


@pytest.mark.parametrize("outcome", Outcome)
def test_end_round_trip(outcome: Outcome) -> None:
    """Every outcome comes back, with its timings."""
    end = End(outcome, 1, 2, 3, Timings(1, 2, 3, 4, 5, 6, 7, True), "note", 4, (("a", "b"),))
    assert decode_end(encode_end(end)) == end


def test_surrogates_in_a_note_and_in_headers_of_an_end() -> None:
    """The slow way of encoding covers nested timings too."""
    end = End(Outcome.OK, 1, 2, 3, Timings(end_us=1), "\udc80")
    assert decode_end(encode_end(end)) == end


def test_added_fields_are_ignored() -> None:
    """A frame of a newer writer is read by this one."""
    newer = orjson.loads(encode_end(END))
    newer["new"] = newer["timings"]["newer"] = {"x": 1}
    assert decode_end(orjson.dumps(newer)) == END
    newer = orjson.loads(encode_start(START)) | {"new": [1]}
    assert decode_start(orjson.dumps(newer)) == START


def test_missing_optional_fields_take_their_default() -> None:
    """A frame of an older writer is read by this one."""
    older = {"outcome": "ok", "request_bytes": 1, "response_bytes": 2, "delivered_bytes": 3}
    assert decode_end(orjson.dumps(older)) == End(Outcome.OK, 1, 2, 3)
    assert decode_head(b'{"status":200,"headers":[]}') == Head(200, ())


@pytest.mark.parametrize("decode", [decode_start, decode_head, decode_end])
@pytest.mark.parametrize(
    "payload",
    [
        b"", b"\xff", b"[]", b"null", b"{}", b"[" * 100_000,
        b'{"status":200,"headers":[1]}', b'{"status":200,"headers":5}',
        b'{"outcome":"new","request_bytes":1,"response_bytes":2,"delivered_bytes":3}',
        b'{"outcome":"ok","request_bytes":1,"response_bytes":2,"delivered_bytes":3,"timings":7}',
        b'{"request_id":5,"at_us":1,"boot_id":"","method":"","target":"","headers":[],"train":""}',
        b'{"request_id":"x","at_us":1,"boot_id":"","method":"","target":"","headers":[],"train":""}',
    ],
)  # fmt: skip
def test_other_bytes_are_a_bad_frame(decode: object, payload: bytes) -> None:
    """What is none of ours is one error type, whatever it is."""
    with pytest.raises(BadFrameError):
        decode(payload)


@given(st.binary())
def test_random_bytes_are_a_bad_frame(payload: bytes) -> None:
    """Random bytes never raise anything else."""
    for decode in (decode_start, decode_head, decode_end):
        with pytest.raises(BadFrameError):
            decode(payload)
