"""Answers that our parser refuses and clients take are recorded as what clients got."""

import json

import orjson
import pytest

from core.bodies import read_repaired, well_formed
from core.errors import BrokenOffError
from core.exchange import Inflated, derive
from core.models import End, Outcome, Timings, Usage

SSE = (("content-type", "text/event-stream"),)


def sse(payload: dict[str, object]) -> bytes:
    """An event as json writes it: half a pair as its escape."""
    return f"event: {payload['type']}\ndata: {json.dumps(payload)}\n\n".encode()


def delta(index: int, kind: str, field: str, text: str) -> bytes:
    """A delta of a block."""
    return sse({"type": "content_block_delta", "index": index, "delta": {"type": kind, field: text}})


def opened(index: int, kind: str) -> bytes:
    """The start of a block."""
    return sse({"type": "content_block_start", "index": index, "content_block": {"type": kind}})


def message(text: bytes) -> bytes:
    """A message with this as its text, and usage."""
    return b'{"type":"message","model":"m","content":[{"type":"text","text":%b}],"usage":{"input_tokens":3}}' % text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (message(b'"a\\ud83d"'), "a\ufffd"),
        (message(b'"\\ud83d\\ude00\\ude00"'), "\U0001f600\ufffd"),
        (message(b"NaN"), None),
        (b"\xef\xbb\xbf" + message(b'"a"'), "a"),
        (message(b'"a\xff"'), "a\ufffd"),
        (message(b"9" * 5000), "9" * 5000),
        (message(b"1" + b"0" * 30 + b',"x":NaN'), 1e30),
        (message(b'"a\nb"'), "a\nb"),
    ],
)  # fmt: skip
def test_an_answer_that_clients_can_read_is_whole(derived, body, text):
    """With its tokens; what had to be repaired is a parse error."""
    recording = derived(response=body)
    assert recording.outcome is Outcome.OK
    assert recording.message["content"][0]["text"] == text
    assert recording.usage.input_tokens == 3
    assert recording.usage.complete
    assert recording.parse_error.startswith("response: ")
    orjson.dumps(recording.message)


def test_a_character_that_two_events_share_is_joined(derived):
    """Half an emoji is no JSON to us; no event is dropped for it, and the halves meet in the message."""
    stream = b"".join(
        (
            sse({"type": "message_start", "message": {"model": "m\ud800", "usage": {"input_tokens": 3}}}),
            opened(0, "text"),
            delta(0, "text_delta", "text", "a\ud83d"),
            delta(0, "text_delta", "text", "\ude00b"),
            opened(1, "tool_use"),
            delta(1, "input_json_delta", "partial_json", '["\ud83d'),
            delta(1, "input_json_delta", "partial_json", '\ude00"]'),
            sse({"type": "message_stop"}),
        )
    )
    recording = derived(response=stream, headers=SSE)
    assert recording.outcome is Outcome.OK
    assert recording.message["content"] == [
        {"type": "text", "text": "a\U0001f600b"},
        {"type": "tool_use", "input": ["\U0001f600"]},
    ]
    assert (recording.answered_model, recording.usage.input_tokens) == ("m\ufffd", 3)
    assert recording.parse_error.startswith("response: event 0: ")


WHOLE = r'{"a":["tex\ud83d\ude00t",-12.5e3,true,false,null],"b":{"c":NaN}}'


@pytest.mark.parametrize("end", range(len(WHOLE)))
def test_the_beginning_of_a_text_is_told_from_a_text_of_another_kind(end):
    """Wherever it breaks off."""
    with pytest.raises(BrokenOffError):
        read_repaired(WHOLE[:end].encode())


@pytest.mark.parametrize("body", [b"<html>", b"{}x", b"{a", b'{"a":x}', b'{"a" 1}', b"a=1&b=2", b"[" * 100_000])
def test_what_is_no_json_anywhere_is_not_broken_off(body):
    """It is a ValueError of the plain kind."""
    with pytest.raises(ValueError, match=r".") as caught:
        read_repaired(body)
    assert not isinstance(caught.value, BrokenOffError)


def test_only_surrogates_change():
    """Keys too; numbers, nulls and characters beyond the first plane stay."""
    value = {"\ud83d": ["\ud83d\ude00", "\U0001f600é", 1, None, 2.5, True]}
    assert well_formed(value) == {"\ufffd": ["\U0001f600", "\U0001f600é", 1, None, 2.5, True]}


def test_of_a_body_that_was_not_recorded_nothing_is_concluded(taped):
    """A full tape: the outcome is what the proxy saw, there is no hash, no message, and unknown is unknown."""
    call = taped(b"", b"", headers=SSE)
    end = End(Outcome.OK, 40_000, 20_000, 20_000, Timings(first_byte_us=5, end_us=9_000), lost_frames=3)
    recording = derive(type(call)(call.start, b"", call.head, b"", (), end), Inflated(error="x"))
    assert recording.outcome is Outcome.OK
    assert recording.request_sha256 is recording.response_sha256 is recording.parse_error is None
    assert recording.model is recording.request_type is recording.ttft_us is None
    assert recording.usage == Usage()


@pytest.mark.parametrize("headers", [SSE, (("content-type", "application/json"),)])
def test_of_a_part_of_a_body_only_what_is_there_is_told(taped, headers):
    """It is no hash of the whole, no end, no usage to rely on; that it cannot be read is no news."""
    part = message(b'"a"')[:40]
    call = taped(b'{"mod', part, headers=headers)
    end = End(Outcome.OK, 40_000, 20_000, 20_000, Timings(end_us=9_000), lost_frames=3)
    recording = derive(type(call)(call.start, call.request_body, call.head, part, call.chunks, end), Inflated())
    assert recording.outcome is Outcome.OK
    assert recording.request_sha256 is recording.response_sha256 is recording.parse_error is None
    assert not recording.usage.complete


def test_an_upstreams_error_stays_one_without_its_body(taped):
    """The status tells."""
    call = taped(b"{}", b"", status=529)
    end = End(Outcome.OK, 2, 20_000, 20_000, lost_frames=1)
    recording = derive(type(call)(call.start, b"{}", call.head, b"", (), end), Inflated())
    assert recording.outcome is Outcome.UPSTREAM_ERROR
    assert recording.request_sha256 is not None
