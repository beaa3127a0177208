"""A request body says its model, its type and who sent it, or what is wrong with it; it never raises."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import transcript
from core.models import RequestType
from core.transcript import Transcript

QUOTA, QUERY, INFERENCE = RequestType.QUOTA, RequestType.QUERY_EVALUATION, RequestType.INFERENCE


def user(content):
    """A user message."""
    return {"role": "user", "content": content}


def text(words):
    """A text block."""
    return {"type": "text", "text": words}


@pytest.mark.parametrize(
    ("request_body", "kind"),
    [
        ({"messages": [user("quota")]}, QUOTA),
        ({"messages": [user("  Quota\n")], "system": ["a", "b"]}, QUOTA),
        ({"messages": [user([text("hi"), text("QUOTA")])]}, QUOTA),
        ({"messages": [user("hi"), {"role": "assistant", "content": "x"}, user("quota")]}, QUOTA),
        ({"messages": [user("quota"), {"role": "assistant", "content": "quota"}]}, QUOTA),
        ({"messages": [user("quota"), user([{"type": "tool_result", "content": "x"}])]}, QUOTA),
        ({"messages": [user([text("quota"), text("hi")])]}, QUERY),
        ({"messages": [user("quota"), user("no")]}, QUERY),
        ({"messages": [{"role": "assistant", "content": "quota"}]}, QUERY),
        ({"messages": [user("quotas")]}, QUERY),
        ({"messages": [user("hi")]}, QUERY),
        ({"messages": [user("hi")], "system": None}, QUERY),
        ({"messages": [user("hi")], "system": "one"}, QUERY),
        ({"messages": [user("hi")], "system": []}, QUERY),
        ({"messages": [user("hi")], "system": [text("a")]}, QUERY),
        ({"messages": [user("hi")], "system": [text("a"), text("b")]}, INFERENCE),
        ({"messages": [user("hi"), {"role": "system", "content": ""}], "system": "one"}, INFERENCE),
        ({"messages": [{"role": "system"}, user("hi"), {"role": "system"}]}, INFERENCE),
        ({"messages": [{"role": "system"}, user("hi")]}, QUERY),
        ({}, QUERY),
        ({"messages": "quota", "system": 7}, QUERY),
        ({"messages": [None, 1, "quota", {"role": "user"}, user(7), user([None, {"type": "text"}])]}, QUERY),
    ],
)
def test_the_request_type_is_a_rule_on_the_transcript(request_body, kind):
    """The last user text, else the number of system parts."""
    assert transcript.read(orjson.dumps(request_body)).request_type is kind


def test_the_named_fields_are_read():
    """Whatever else the body holds."""
    body = {
        "model": "claude-x",
        "stream": True,
        "messages": [],
        "metadata": {"user_id": "user_abc"},
        "news": [1],
    }
    assert transcript.read(orjson.dumps(body)) == Transcript(QUERY, "claude-x", True, "user_abc")


@pytest.mark.parametrize("field", ["model", "stream", "metadata", "thread", "messages", "system"])
@pytest.mark.parametrize("value", [None, 1, "true", "", [], {}, [[]], {"user_id": 1}])
def test_a_field_of_another_type_is_unknown_and_no_error(field, value):
    """The upstream decides what is a bad request; we only do not know."""
    read = transcript.read(orjson.dumps({field: value}))
    assert read.parse_error is None
    assert read.stream is False
    assert read.model in (None, "true")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'"x"', b"null", b"[" * 5_000_000, b'{"a":' * 1_000_000, b"{}{}", b"--boundary\r\n",
        b'{"a":NaN,"b":' + b"[" * 300 + b"]" * 300 + b"}", b'{"a":NaN' + b" " * (17 << 20) + b"}",
    ],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_what_is_no_json_is_a_parse_error_without_the_content(body):
    """The API refuses the same; the bytes are recorded all the same."""
    read = transcript.read(body)
    assert read == Transcript(parse_error=read.parse_error)
    assert read.parse_error


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf{%b}", b"{%b}"], ids=["bom", "plain"])
@pytest.mark.parametrize(
    "odd",
    [b"NaN", b"-Infinity", b'"\xff"', b'"\\ud83d"', b'"\\ude00 \\ud83d"', b"9" * 5000, b"1e999", b'"a\tb"'],
    ids=lambda odd: repr(odd[:8]),
)
def test_what_only_orjson_refuses_is_read_all_the_same(body, odd):
    """Clients slice emoji in two: whose call it was, for which model and of which kind, is known; and what is wrong."""
    text = b'"model":"m","stream":true,"metadata":{"user_id":"u"},"system":[1,2],"odd":%b' % odd
    read = transcript.read(body % text)
    assert read.parse_error
    assert read == Transcript(RequestType.INFERENCE, "m", True, "u", read.parse_error)


@pytest.mark.parametrize(
    "body", [b'{"a":"\\u0000"}', b'{"model":"a","model":"b"}', b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"]
)
def test_odd_but_valid_json_is_read(body):
    """NUL, duplicate keys (the last counts), deep nesting."""
    assert transcript.read(body).parse_error is None


def test_a_body_of_too_many_values_is_not_parsed():
    """32 MiB of empty lists would take a gigabyte."""
    assert transcript.read(b'{"a":[' + b"[]," * 5_000_000 + b"1]}").parse_error == "too many values"


def test_labels_fit_a_text_column():
    """No NUL, and no more than an index entry can hold."""
    assert transcript.read(b'{"model":"a\\u0000b"}').model == "a\ufffdb"
    assert len(transcript.read(orjson.dumps({"model": "é" * 5000})).model) == 256


@pytest.mark.parametrize(
    ("method", "target", "has", "is_call"),
    [
        ("POST", "/v1/messages", True, True),
        ("POST", "/v1/messages?beta=true", True, True),
        ("POST", "/v1/messages/", True, True),
        ("POST", "/v1/messages/count_tokens?beta=true", True, False),
        ("GET", "/v1/messages", False, False),
        ("POST", "/v1/messages/batches", False, False),
        ("POST", "/v1/complete", False, False),
        ("POST", "/api/v1/messages", False, False),
    ],
)
def test_which_calls_carry_a_transcript(method, target, has, is_call):
    """Messages and count_tokens do; only messages are answered with one."""
    assert transcript.has_transcript(method, target) is has
    assert transcript.is_message_call(method, target) is is_call


@given(st.binary(max_size=200))
def test_random_bytes_never_raise(body):
    """Nor does what they are quoted in."""
    transcript.read(body)


@given(st.recursive(st.none() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=8))
def test_no_shape_raises(shape):
    """Wherever it stands in the body."""
    for body in ({"messages": shape}, {"messages": [user(shape)]}, {"system": shape}, {"messages": [{"role": shape}]}):
        transcript.read(json.dumps(body).encode())
