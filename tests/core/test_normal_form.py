"""What of a transcript counts, and in which form: everything that clients change between turns is equal here."""

import json
import math

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from core.canonical import canonical
from core.chain import START, chain, extend, thread_start
from core.errors import LimitExceededError
from core.normal_form import clean
from core.walk import Walk, walk
from tests.talks import assistant, launch, result, text, use, user


def items(*messages):
    """The items of a transcript."""
    return list(walk(messages, Walk())[0].items)


def data(*messages):
    """What is hashed of a transcript."""
    return [item.data for item in items(*messages)]


def image(**source):
    """An image block."""
    return {"type": "image", "source": source}


PNG = {"type": "base64", "media_type": "image/png"}
PICTURE = image(**PNG, data="AA==")
GONE = "<system-reminder>x</system-reminder>"
SAME = [
    [user("hi"), {"role": "user", "content": "hi"}, user("  hi\r\n"), user({**text("hi"), "cache_control": {}})],
    [user("hi"), user(GONE, "hi"), user(f"hi \n\n{GONE}")],
    [user("a\nb"), user("a\r\nb")],
    [user("a<system-reminder>b"), user("a<system-reminder>b  ")],
    [user("ab"), user("a <system-reminder>1</system-reminder>b<system-reminder>2</system-reminder>")],
    [
        assistant("x"),
        assistant({**text("x"), "citations": [{"a": 1}]}),
        assistant({"type": "thinking", "thinking": "y"}, "x"),
    ],
    [assistant("x"), assistant({"type": "redacted_thinking", "data": "y"}, "x", "")],
    [user(), user(""), user(GONE), {"role": "user", "content": None}, {}, "hi", None],
    [
        user(),
        {"role": "system", "content": "x"},
        {"role": "tool", "content": "x"},
        {"role": "user", "content": [None, "x"]},
    ],
    [
        assistant(use("t", a=1, b=1.0)),
        assistant(use("t", b=1, a=1)),
        assistant({**use("t", a=1, b=1e0), "caller": "x"}),
    ],
    [assistant(use("t", a=1e16)), assistant(use("t", a=10**16))],
    [assistant(use("t"), use("t", b=1)), assistant(use("t"))],
    [user(result("t"), result("t", "other")), user(result("t"))],
    [user(result("t", "")), user(result("t", [])), user(result("t", None)), user(result("t", [text(" ")]))],
    [
        user({"type": "tool_result", "tool_use_id": "t"}),
        user(result("t", "")),
        user({**result("t", ""), "is_error": False}),
    ],
    [
        user(result("t", "ok")),
        user(result("t", [text("ok")])),
        user(result("t", [{**text(" ok"), "cache_control": 1}])),
    ],
    [user(result("t", f"ok\n{GONE}")), user(result("t", [text("ok"), text(GONE)]))],
    [user(PICTURE), user({**PICTURE, "cache_control": {}})],
    [user(image(type="url", url="http://x")), user({**image(type="url", url="http://x"), "title": "y"})],
    [
        user({"type": "news", "a": [{"b": 1.0, "cache_control": 1}]}),
        user({"type": "news", "a": [{"b": 1}], "cache_control": 2}),
    ],
]

OTHER = [
    (user("hi"), assistant("hi")),
    (user("hi"), user("Hi")),
    (user("a b"), user("a", "b")),
    (user(result("t", "x")), user({**result("t", "x"), "is_error": True})),
    (user(result("t", "x")), user(result("u", "x"))),
    (user(result("t", "a b")), user(result("t", [text("a"), text("b")]))),
    (assistant(use("t", a=1)), assistant(use("t", a=2))),
    (assistant(use("t", cache_control=1)), assistant(use("t"))),
    (assistant(use("t", name="Bash")), assistant(launch("t", "x"))),
    (user(PICTURE), user(image(**PNG, data="AB=="))),
    (user(PICTURE), user(image(**PNG | {"media_type": "image/gif"}, data="AA=="))),
    (user(image(type="file", file_id="f1")), user(image(type="file", file_id="f2"))),
    (user({"type": "news", "a": 1}), user({"type": "news", "a": 2})),
]


@pytest.mark.parametrize("same", SAME, ids=lambda same: str(same[0])[:40])
def test_what_clients_change_between_turns_does_not_count(same):
    """All of these are one and the same transcript."""
    assert [data(message) for message in same] == [data(same[0])] * len(same)


@pytest.mark.parametrize(("one", "other"), OTHER, ids=lambda message: str(message)[:40])
def test_what_is_said_counts(one, other):
    """These are two."""
    assert data(one) != data(other)


def test_items_do_not_know_of_messages():
    """Clients split and merge messages."""
    split = [user("a"), user("b"), assistant("c"), assistant(use("t"))]
    merged = [user("a", "b"), assistant("c", use("t"))]
    assert data(*split) == data(*merged)


def test_an_item_is_canonical_json():
    """So that another program can make the same hashes."""
    for message in [each for same in SAME for each in same]:
        for item in items(message):
            assert item.data == canonical(orjson.loads(item.data))


@given(st.text(alphabet=" \t\n<>/abc") | st.text(), st.text())
def test_clean_is_done_after_once(words, inside):
    """Cleaning again changes nothing; a closed reminder leaves nothing."""
    once = clean(words)
    assert clean(once) == once or "<system-reminder>" in once or "\r" in words
    inside = inside.replace("</system-reminder>", "")
    assert clean(f"{once} <system-reminder>{inside}</system-reminder>") == once or "<system-reminder>" in once


def test_cleaning_is_linear():
    """White space and openings without an end, a million each: milliseconds, or this would not return."""
    for hostile in (
        " " * 2_000_000 + "x",
        "<system-reminder>" * 100_000,
        " <system-reminder>a</system-reminder>" * 50_000,
    ):
        clean(hostile + " " * 1_000_000)


json_values = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(json_values)
def test_canonical_is_rfc_8785(value):
    """The fast way and the library agree; a round trip through another writer of JSON changes nothing."""
    value = orjson.loads(json.dumps(value))
    made = canonical(value)
    assert made == canonical(orjson.loads(made))
    if all(abs(number) < 2**53 for number in integers(value)):
        assert made == rfc8785.dumps(value)


def integers(value):
    """The integers inside a value."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in integers(part)]
    if isinstance(value, list):
        return [number for part in value for number in integers(part)]
    return [value] if type(value) is int else []


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (1.0, b"1"),
        (-0.0, b"0"),
        (1e21, b"1e+21"),
        (1e20, b"100000000000000000000"),
        (1e-7, b"1e-7"),
        (0.000001, b"0.000001"),
        (2**53 + 1, b"9007199254740992"),
        (2**64 - 1, b"18446744073709552000"),
        (math.pi, b"3.141592653589793"),
        ("é\u2028\x7f\x1f", '"é\u2028\x7f\\u001f"'.encode()),
        # By UTF-16 units a surrogate pair goes before U+FB33, by code points behind it.
        ({"\ufb33": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ufb33":1}'.encode()),
    ],
)
def test_numbers_are_printed_as_javascript_does(value, made):
    """And keys are sorted by UTF-16 units."""
    assert canonical(value) == made


def test_what_nests_too_deep_is_refused():
    """As everywhere."""
    value = []
    for _ in range(300):
        value = [value]
    with pytest.raises(LimitExceededError):
        canonical(value)


def test_the_chain_goes_on_from_any_state():
    """So a lane's next turn hashes only what is new in it."""
    talk = items(user("a"), assistant("b"), user("c"))
    states = chain(START, talk)
    assert chain(states[0], talk[1:]) == states[1:]
    assert extend(states[1], talk[2].data) == states[2]
    assert len({START, thread_start("x"), thread_start("y"), *states}) == 6
