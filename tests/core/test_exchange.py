"""A taped call becomes one recording: outcome, times, tokens, errors; and no bytes make that raise."""

from dataclasses import replace
from hashlib import sha256

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.exchange import Inflated, derive, encodings
from core.models import ANSWERED_EARLY, Origin, Outcome, RequestType, Timings, Usage

SSE = (("content-type", "text/event-stream; charset=utf-8"), ("request-id", "req_1"))
HTML = (("content-type", "text/html"),)
GZIP = (("content-type", "application/json"), ("content-encoding", "gzip"))
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x-1", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "Hello"}], "usage": {"input_tokens": 3, "output_tokens": 9},
}  # fmt: skip
ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_9"}


def sse(*payloads):
    """A stream of these events."""
    return b"".join(b"event: %s\ndata: %s\n\n" % (p["type"].encode(), orjson.dumps(p)) for p in payloads)


BEGIN = sse(
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None, "usage": {"input_tokens": 3}}},
    {"type": "ping"},
)
TEXT = sse(
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
)
DONE = sse(
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
)
STOP = sse({"type": "message_stop"})
STREAM = BEGIN + TEXT + DONE + STOP
JSON_MESSAGE = orjson.dumps(MESSAGE)


def test_a_stream_gives_the_message_its_tokens_and_its_times(derived):
    """As the same answer without a stream does, but for the time of its first content."""
    streamed = derived(
        response=STREAM, headers=SSE, cut=len(BEGIN) + 1, timings=Timings(head_us=400, first_byte_us=500, end_us=9_000)
    )
    plain = derived(response=JSON_MESSAGE, timings=Timings(first_byte_us=500, end_us=9_000))
    for recording in (streamed, plain):
        assert recording.outcome is Outcome.OK
        assert recording.message == MESSAGE
        assert (recording.message_id, recording.answered_model, recording.stop_reason) == (
            "msg_1",
            "claude-x-1",
            "end_turn",
        )
        assert recording.usage == Usage(
            input_tokens=3, output_tokens=9, complete=True, raw={"input_tokens": 3, "output_tokens": 9}
        )
        assert recording.parse_error is recording.error_type is None
        assert recording.duration_us == 9_000
    assert (streamed.ttft_us, plain.ttft_us) == (2_000, 500)
    assert (streamed.event_count, plain.event_count) == (7, None)
    assert streamed.upstream_request_id == "req_1"


# Byte number of the first byte of the blank line that ends the first content event.
FIRST_CONTENT = len(BEGIN) + TEXT.index(b"\n\n") + 2


@pytest.mark.parametrize("cut", [1, 7, FIRST_CONTENT - 1, FIRST_CONTENT, FIRST_CONTENT + 1, len(STREAM)])
def test_the_first_token_came_with_the_chunk_that_completed_its_event(derived, cut):
    """Any chunking gives the chunk that held that byte."""
    assert derived(response=STREAM, headers=SSE, cut=cut).ttft_us == 1_000 * -(-FIRST_CONTENT // cut)


def test_the_first_token_of_an_encoded_stream_is_found_by_inflated_sizes(taped):
    """The chunks as received say when, the inflated sizes say what."""
    call = taped(response=b"xxx", headers=(*SSE, ("content-encoding", "gzip")), cut=1)
    recording = derive(call, Inflated(None, STREAM, (10, len(BEGIN + TEXT) - 10, len(STREAM) - len(BEGIN + TEXT))))
    assert recording.ttft_us == 2_000
    assert recording.message == MESSAGE
    assert recording.response_decoded == STREAM
    assert recording.response_body == b"xxx"


def test_bodies_are_kept_exactly_and_hashed(derived):
    """Whatever they are."""
    recording = derived(b"\xff{", b"\x00\xfe")
    assert (recording.request_body, recording.response_body) == (b"\xff{", b"\x00\xfe")
    assert recording.request_sha256 == sha256(b"\xff{").digest()
    assert recording.response_sha256 == sha256(b"\x00\xfe").digest()


REFINED = [
    # what the proxy saw, status, headers, body, what is recorded
    ("ok", 200, SSE, STREAM, "ok"),
    ("ok", 200, SSE, STREAM[:-1], "ok"),
    ("ok", 200, SSE, BEGIN + TEXT + DONE, "upstream_incomplete"),
    ("ok", 200, SSE, STREAM[:-5], "upstream_incomplete"),
    ("ok", 200, SSE, b"", "upstream_incomplete"),
    ("ok", 200, SSE, BEGIN + sse(ERROR), "stream_error"),
    ("ok", 200, SSE, BEGIN + sse(ERROR) + STOP, "stream_error"),
    ("ok", 200, SSE, sse(ERROR), "stream_error"),
    ("ok", 200, (), JSON_MESSAGE, "ok"),
    ("ok", 200, GZIP[:1], JSON_MESSAGE[:-1], "upstream_incomplete"),
    ("ok", 200, GZIP, JSON_MESSAGE, "ok"),
    ("ok", 200, GZIP[:1], b"", "upstream_incomplete"),
    ("ok", 200, GZIP[:1], JSON_MESSAGE + b"}", "ok"),
    ("ok", 200, GZIP[:1], JSON_MESSAGE.replace(b"{", b"\xef\xbb\xbf{", 1), "ok"),
    ("ok", 200, GZIP[:1], b"[]", "ok"),
    ("ok", 200, GZIP[:1], b"[" * 300 + b"]" * 300, "ok"),
    ("ok", 200, GZIP[:1], b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "ok"),
    ("ok", 200, HTML, b"<html>", "ok"),
    ("ok", 204, (), b"", "ok"),
    ("ok", 400, GZIP[:1], orjson.dumps(ERROR), "upstream_error"),
    ("ok", 529, SSE, b"", "upstream_error"),
    ("ok", 502, HTML, b"<html>", "upstream_error"),
    # The first that happened decides: an upstream's error came before what cut the call off.
    ("client_cancelled", 529, GZIP[:1], b"", "upstream_error"),
    ("client_cancelled", 200, SSE, BEGIN + sse(ERROR), "stream_error"),
    ("proxy_crash", 200, SSE, BEGIN + sse(ERROR), "stream_error"),
    # A cut stays a cut, however whole the bytes look.
    ("client_cancelled", 200, SSE, STREAM, "client_cancelled"),
    ("upstream_reset", 200, SSE, BEGIN, "upstream_reset"),
    ("upstream_reset", 200, GZIP[:1], JSON_MESSAGE[:9], "upstream_reset"),
    ("upstream_timeout", 200, SSE, BEGIN + TEXT, "upstream_timeout"),
    ("proxy_shutdown", 200, SSE, BEGIN, "proxy_shutdown"),
    ("proxy_crash", None, (), b"", "proxy_crash"),
    ("upstream_unreachable", 502, GZIP[:1], orjson.dumps(ERROR), "upstream_unreachable"),
    ("rejected", 413, GZIP[:1], orjson.dumps(ERROR), "rejected"),
]


@pytest.mark.parametrize(("saw", "status", "headers", "body", "recorded"), REFINED)
def test_the_outcome_is_refined_by_what_the_bytes_say(derived, saw, status, headers, body, recorded):
    """The proxy does not parse; a truncated answer never looks complete."""
    recording = derived(response=body, status=status, outcome=Outcome(saw), headers=headers)
    assert recording.outcome == recorded
    assert recording.end.outcome == saw


def test_our_own_answer_is_not_the_upstreams_error(derived):
    """What the proxy says of its own answers stands, and there is no upstream request id."""
    recording = derived(
        response=orjson.dumps(ERROR), status=504, outcome=Outcome.UPSTREAM_TIMEOUT, headers=SSE[1:], ours=True
    )
    assert recording.outcome is Outcome.UPSTREAM_TIMEOUT
    assert recording.upstream_request_id is None
    assert recording.error_type == "overloaded_error"


def test_a_stream_of_another_endpoint_needs_no_message_stop(derived):
    """Only a call for a message has one to miss; an error event is one everywhere."""
    call = {"target": "/v1/complete", "headers": SSE}
    assert derived(response=sse(ERROR), **call).outcome is Outcome.STREAM_ERROR
    recording = derived(response=sse({"type": "completion"}), **call)
    assert recording.outcome is Outcome.OK
    assert recording.event_count == 1


@pytest.mark.parametrize(
    ("status", "headers", "body", "error_type", "message", "parse_error"),
    [
        (529, GZIP[:1], orjson.dumps(ERROR), "overloaded_error", "Overloaded", None),
        (400, (), orjson.dumps(ERROR), "overloaded_error", "Overloaded", None),
        (200, SSE, BEGIN + sse(ERROR), "overloaded_error", "Overloaded", None),
        (502, HTML, b"<html>bad gateway", None, None, None),
        (500, GZIP[:1], b'{"error":"text"}', None, None, None),
        (500, GZIP[:1], b'{"error":{"type":7,"message":["x"]}}', None, None, None),
        (400, (), b'{"error":{"type":"a\\u0000b","message":"' + b"x" * 9000 + b'"}}', "a\ufffdb", "x" * 4000, None),
        (404, GZIP[:1], b"[]", None, None, None),
        (200, GZIP[:1], b"[]", None, None, "response: not a JSON object"),
        (200, GZIP[:1], b'{"a":1}', None, None, "response: not a message"),
        (200, HTML, b"<html>portal", None, None, "response: not a message"),
    ],
)  # fmt: skip
def test_errors_are_named_as_they_were_given(derived, status, headers, body, error_type, message, parse_error):
    """By the error body or the error event; another server's page is no parse error of ours."""
    recording = derived(response=body, status=status, headers=headers)
    assert (recording.error_type, recording.error_message) == (error_type, message)
    assert recording.parse_error == parse_error


def test_the_request_id_of_an_error_body_counts_where_no_header_has_one(derived):
    """Support asks for it."""
    assert derived(response=orjson.dumps(ERROR), status=529).upstream_request_id == "req_9"


def test_a_cut_answer_gives_what_came(derived):
    """A partial message and the last usage seen, marked incomplete; the cut is no parse error."""
    recording = derived(response=(BEGIN + TEXT + DONE)[:-20], headers=SSE, outcome=Outcome.CLIENT_CANCELLED)
    assert recording.message["content"] == MESSAGE["content"]
    assert recording.message["stop_reason"] is None
    assert recording.usage == Usage(input_tokens=3, raw={"input_tokens": 3})
    assert recording.parse_error is None


def test_a_stream_that_ended_before_its_first_content_has_no_first_token(derived):
    """Pings and the start are no content."""
    assert derived(response=BEGIN, headers=SSE).ttft_us is None


def test_an_event_that_is_no_json_is_skipped_and_named(derived):
    """The rest of the stream counts."""
    recording = derived(response=BEGIN + b"data: {broken\n\ndata: 7\n\n" + TEXT + DONE + STOP, headers=SSE)
    assert recording.outcome is Outcome.OK
    assert recording.message == MESSAGE
    assert recording.parse_error.startswith("response: event 2: ")


def test_a_body_that_could_not_be_inflated_is_not_parsed(taped):
    """On either side; the reason is the parse error."""
    call = taped(JSON_MESSAGE, JSON_MESSAGE, headers=GZIP)
    recording = derive(call, Inflated(error="response: unknown content-encoding"))
    assert recording.parse_error == "response: unknown content-encoding"
    assert recording.message is None
    assert recording.request_type is RequestType.QUERY_EVALUATION


def test_a_request_that_is_no_json_is_recorded_with_a_parse_error(derived):
    """The upstream decided what it is."""
    recording = derived(b"[" * 100_000, orjson.dumps(ERROR), status=400)
    assert recording.parse_error.startswith("request: ")
    assert recording.request_type is recording.model is recording.stream is None
    assert recording.outcome is Outcome.UPSTREAM_ERROR


def test_a_request_that_was_answered_half_way_is_no_mistake_of_the_clients(taped):
    """What was relayed until the answer was complete cannot be parsed; the note says why, and that is all."""
    call = taped(b'{"model":"claude-x","mess', orjson.dumps(ERROR), status=413)
    assert derive(call, Inflated()).parse_error is not None
    call = replace(call, end=replace(call.end, note=ANSWERED_EARLY))
    recording = derive(call, Inflated())
    assert recording.parse_error is None
    assert recording.outcome is Outcome.UPSTREAM_ERROR


@pytest.mark.parametrize(
    ("method", "target", "response"),
    [
        ("GET", "/v1/models", b'{"data":[]}'),
        ("POST", "/v1/messages/batches", b'{"type":"message_batch"}'),
        ("GET", "/v1/messages/batches/b/results", b'{"custom_id":"a"}\n{"custom_id":"b"}\n'),
        ("POST", "/v1/files", b"{}"),
        ("HEAD", "/", b""),
        ("GET", "/v1/messages", JSON_MESSAGE),
    ],
)
def test_other_calls_are_just_recorded(derived, method, target, response):
    """Nothing is read from them, and nothing is wrong with them."""
    recording = derived(b"{}", response, method=method, target=target)
    assert recording.outcome is Outcome.OK
    assert recording.message is recording.request_type is recording.stream is recording.parse_error is None
    assert recording.usage == Usage()


def test_counted_tokens_are_no_usage(derived):
    """Nobody pays for counting."""
    recording = derived(response=b'{"input_tokens":123}', target="/v1/messages/count_tokens")
    assert recording.usage == Usage()
    assert recording.request_type is RequestType.QUERY_EVALUATION
    assert recording.outcome is Outcome.OK


def test_origin_and_account_come_from_all_of_the_call(taped):
    """Metadata of the body names the account before the organisation of the response does."""
    body = orjson.dumps({"metadata": {"user_id": '{"account_uuid":"acc-1","session_id":"s-1"}'}})
    call = taped(
        body, JSON_MESSAGE, credential_kind="oauth", credential_hmac="ab" * 16,
        headers=(*GZIP[:1], ("anthropic-organization-id", "org-1")),
    )  # fmt: skip
    recording = derive(call, Inflated())
    assert recording.origin == Origin(session_id="s-1", account_uuid="acc-1")
    assert (recording.account.account_id, recording.account.strength) == ("acc-1", "account_uuid")


def test_encodings_are_listed_as_applied():
    """Of several headers and several codings a header."""
    headers = (("Content-Encoding", "GZIP, identity"), ("content-encoding", " br ,"), ("x", "zstd"))
    assert encodings(headers) == ("gzip", "br")


@settings(max_examples=200)
@given(
    st.binary(max_size=100),
    st.lists(st.sampled_from([BEGIN, TEXT, DONE, STOP, sse(ERROR), JSON_MESSAGE]) | st.binary()).map(b"".join),
    st.sampled_from([SSE, HTML, GZIP, GZIP[:1], ()]),
    st.sampled_from([None, 200, 204, 400, 529]),
    st.sampled_from(Outcome),
    st.integers(1, 40),
)  # fmt: skip
def test_no_bytes_raise(request_body, response, headers, status, outcome, cut):
    """Nor does any outcome, status or chunking change the bodies or the count of chunks."""
    from tests.core.conftest import make_taped

    call = make_taped(request_body, response, status=status, outcome=outcome, headers=headers, cut=cut)
    recording = derive(call, Inflated())
    assert recording.response_body == response
    assert recording.chunks == call.chunks
    assert recording.outcome is not Outcome.OK or outcome is Outcome.OK
