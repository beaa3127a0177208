"""What real clients sent, derived: the captures' own words on each answer are the oracle."""

from pathlib import Path
from uuid import UUID

import orjson
import pytest

from core.exchange import Inflated, Taped, derive
from core.models import Chunk, End, Head, Outcome, RequestType, Start
from core.redact import credential, keep_headers, keep_target

KEY = b"k" * 32
CAPTURES = [
    (path.stem, number, orjson.loads(line))
    for path in sorted((Path(__file__).parents[1] / "captures").glob("*.jsonl"))
    for number, line in enumerate(path.read_bytes().splitlines())
]
DELTAS = {
    "text": ("text_delta", "text"),
    "tool_use": ("input_json_delta", "partial_json"),
    "thinking": ("thinking_delta", "thinking"),
}


def event(kind, **fields):
    """One event on the wire."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps({"type": kind, **fields}))


def streamed(message):
    """The message as the API streams it: each block's start is empty, and its words follow one by one."""
    yield event("message_start", message={**message, "content": [], "stop_reason": None, "usage": {"input_tokens": 5}})
    for index, block in enumerate(message["content"]):
        delta, field = DELTAS[block["type"]]
        whole = "input" if block["type"] == "tool_use" else block["type"]
        empty = {"input": {}} if whole == "input" else {whole: ""}
        text = orjson.dumps(block["input"]).decode() if whole == "input" else block[whole]
        yield event("content_block_start", index=index, content_block={**block, **empty})
        for letter in text:
            yield event("content_block_delta", index=index, delta={"type": delta, field: letter})
        yield event("content_block_stop", index=index)
    yield event("message_delta", delta={"stop_reason": message["stop_reason"]}, usage={"output_tokens": 7})
    yield event("message_stop")


def answered(capture):
    """The message of a capture's answer, and its bytes as the client asked for them."""
    answer, body = capture["answer"], capture["body"]
    if not answer or not answer.get("blocks"):
        return None, [b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}']
    message = {
        "id": answer["message_id"],
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": answer["blocks"],
        "stop_reason": answer["stop_reason"],
        "usage": {"input_tokens": 5, "output_tokens": 7},
    }
    return message, list(streamed(message)) if body.get("stream") else [orjson.dumps(message)]


def taped(capture):
    """The call as the proxy would have taped it."""
    headers, pieces = [tuple(pair) for pair in capture["headers"]], answered(capture)[1]
    kind, mac = credential(headers, KEY) or (None, None)
    stream = isinstance(capture["body"], dict) and capture["body"].get("stream") and len(pieces) > 1
    request = b"" if capture["body"] is None else orjson.dumps(capture["body"])
    status = capture["answer"]["status"] if capture["answer"] else 200
    start = Start(
        UUID(int=1), 1, "boot", capture["method"], keep_target(capture["target"], KEY), keep_headers(headers, KEY),
        "default", None, kind, mac,
    )  # fmt: skip
    return Taped(
        start,
        request,
        Head(status, (("content-type", "text/event-stream" if stream else "application/json"),)),
        b"".join(pieces),
        tuple(Chunk(len(piece), number) for number, piece in enumerate(pieces)),
        End(Outcome.OK, len(request), 0, 0),
    )


@pytest.mark.parametrize(("name", "number", "capture"), CAPTURES, ids=lambda part: str(part)[:30])
def test_a_captured_call_is_derived_as_it_was_answered(name, number, capture):
    """Message, ids and outcome agree with the capture; nothing fails to parse."""
    recording = derive(taped(capture), Inflated())
    message, pieces = answered(capture)
    assert recording.message == message
    assert recording.parse_error is None
    if message is not None:
        assert recording.outcome is Outcome.OK
        assert recording.usage.output_tokens == 7
        assert recording.message_id == capture["answer"]["message_id"]
    if len(pieces) > 1:
        assert recording.ttft_us == 1  # the content_block_start right after message_start
    if capture["answer"] and capture["answer"]["status"] >= 400:
        assert recording.outcome is Outcome.UPSTREAM_ERROR
        assert recording.error_type == "overloaded_error"
    assert not any("REDACTED" in value for _, value in recording.start.headers)


def test_types_and_sessions_of_claude_code():
    """The quota probe, the conversation, its sub-agents; the session in the header and in the body agree."""
    nested = [derive(taped(capture), Inflated()) for name, _, capture in CAPTURES if name == "cc21-nested"]
    calls = [recording for recording in nested if recording.request_type]
    assert {recording.request_type for recording in calls} == {RequestType.INFERENCE}
    assert len({recording.origin.session_id for recording in calls}) == 1
    assert len({recording.origin.agent_id for recording in calls}) > 2
    assert {recording.origin.parent_agent_id for recording in calls} > {None}
    assert {recording.origin.client for recording in calls} == {"claude-code"}

    login = [derive(taped(capture), Inflated()) for name, _, capture in CAPTURES if name == "cc21-tui-oauth"]
    assert [recording.request_type for recording in login].count(RequestType.QUOTA) == 1
    assert {recording.account.kind for recording in login if recording.account} == {"oauth"}

    (old,) = [derive(taped(capture), Inflated()) for name, _, capture in CAPTURES if name == "cc10-text"]
    assert old.origin.session_id == "dcec2b8b-59a7-487d-b78d-e2f07bf4d959"
    assert old.origin.client_version == "1.0.128"
