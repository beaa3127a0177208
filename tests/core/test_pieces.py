"""Any body divided is the same body joined, and what it shares with another is stored once."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import seams, texts
from core.lanes import Lanes
from core.pieces import KEY, WHOLE, Division, divide, fold, join, key_of, key_of_node

LOREM = "def f(x): return \"quoted\" + 'and\\n' # grüße\n"


def text(seed: object, size: int) -> str:
    """Text of so many characters, different for each seed."""
    return f"{seed}: {LOREM * (size // len(LOREM) + 1)}"[:size]


def body(*messages: Any, **more: Any) -> bytes:
    """A body in Claude Code's order of keys."""
    given = {"model": "claude-opus-5-5", "messages": list(messages)}
    return orjson.dumps(given | {"system": text("system", 3000), "tools": [{"name": text("tool", 900)}]} | more)


def user(content: Any, **more: Any) -> dict[str, Any]:
    """A user's turn."""
    return {"role": "user", "content": content, **more}


def block(words: str, **more: Any) -> dict[str, Any]:
    """A block of text."""
    return {"type": "text", "text": words, **more}


def joined(division: Division, whole: bytes, known: dict[bytes, bytes] | None = None) -> bytes:
    """The body of a division, from its own pieces and those known."""
    return whole if division.keys is None else join(division, (known or {}) | dict(division.fresh))


def proved(whole: bytes) -> Division:
    """A body divided; joined it is itself, and every key is the hash of its piece."""
    division = divide(whole)
    assert joined(division, whole) == whole
    assert (division.size, division.sha256) == (len(whole), sha256(whole).digest())
    assert all(key in {key_of(piece), key_of_node(piece)} for key, piece in division.fresh.items())
    assert {key for key, _ in division.levels()} <= set(division.fresh)
    return division


LONG = text("long", 700)
NASTY = {
    "empty": b"",
    "no JSON": b"\x00\xff" * 2000,
    "NaN": body(user(LONG)).replace(b'"system"', b'"n":NaN,"system"'),
    "BOM": b"\xef\xbb\xbf" + body(user(LONG)),
    "lone surrogate": body(user(LONG)).replace(b"long:", b"\\ud83d"),
    "duplicate keys": body(user(LONG)).replace(b'"system"', b'"messages":[{"role":"user"}],"messages":[],"system"'),
    "the key in a string first": orjson.dumps({"x": '"messages":[', "messages": [user(LONG)], "pad": LONG}),
    "the key nested first": orjson.dumps({"x": {"messages": [1, 2, LONG]}, "messages": [user(LONG), user("b")]}),
    "escaped key": body(user(LONG)).replace(b'"messages"', b'"mess\\u0061ges"'),
    "white space": json.dumps(json.loads(body(user(LONG), user("x" * 600))), indent=2).encode(),
    "spaces between elements": json.dumps(json.loads(body(user(LONG), user("x" * 600)))).encode(),
    "huge number": body(user(LONG)).replace(b'"system"', b'"n":' + b"9" * 5000 + b',"system"'),
    "invalid UTF-8": body(user(LONG)).replace(b"long", b"l\xff\xfeg"),
    "truncated in a string": body(user(LONG), user(LONG + LONG))[:-4600],
    "truncated in the messages": body(user(LONG), user("x"))[:800],
    "trailing": body(user(LONG)) + b"\n\n{}",
    "many quotes": body(user('"' * 3000)),
    "many backslashes": body(user("\\" * 3001 + '"')),
    "an open string": b'{"messages":["' + b"x" * 3000,
    "closes too much": b'{"messages":[' + b"]}" * 2000,
    "no message": body(),
    "messages is no list": body(messages={"a": LONG * 3}),
    "not an object": orjson.dumps([user(LONG)] * 5),
    "messages before all": orjson.dumps({"messages": [user(LONG)], "system": LONG, "tools": [LONG]}),
    "messages after all": orjson.dumps({"tools": [LONG], "system": LONG, "messages": [user(LONG)]}),
    "deep": b'{"messages":[' + b"[" * 5000 + b"]" * 5000 + b"]}",
    "bomb of numbers": b'{"messages":[' + b"1," * (6 << 20) + b"1]}",
    "bomb of quotes": b'{"messages":["x",' + b'"",' * (3 << 20) + b'""]}',
    "bomb of brackets": b'{"n":NaN,"messages":[' + b"[]," * (1 << 20) + b"[]]}",
    "numbers": orjson.dumps({"messages": list(range(5000))}),
}  # fmt: skip


@pytest.mark.parametrize("name", NASTY)
def test_no_body_is_too_nasty(name: str) -> None:
    """What a parser refuses or reads differently is stored exactly all the same."""
    proved(NASTY[name])


SCALARS = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=2000)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner), max_leaves=20
)
BODIES = st.one_of(
    st.binary(max_size=5000),
    st.builds(
        lambda messages, more, spaces: json.dumps(more | {"messages": messages}, separators=spaces).encode(),
        st.lists(VALUES, max_size=30),
        st.dictionaries(st.sampled_from(["model", "system", "tools", "messages", "x"]), VALUES),
        st.sampled_from([(",", ":"), (", ", ": "), None]),
    ),
    st.builds(
        lambda words, cut, junk: body(*map(user, words), system=words)[: cut or None] + junk,
        st.lists(st.text(min_size=300, max_size=900), max_size=8),
        st.integers(-600, 3000),
        st.binary(max_size=4),
    ),
)  # fmt: skip


@settings(max_examples=1000, deadline=None)
@given(BODIES)
def test_any_bytes_come_back(whole: bytes) -> None:
    """Divided and joined, every body is itself."""
    proved(whole)


def test_a_small_body_is_stored_whole() -> None:
    """A list of pieces would not be smaller."""
    assert divide(b"x" * WHOLE).keys is None
    assert divide(b"x" * (WHOLE + 1)).keys == key_of(b"x" * (WHOLE + 1))


@pytest.mark.parametrize(
    "content",
    [
        LONG,
        [block(LONG), block("short"), block(LONG)],
        [{"type": "thinking", "thinking": LONG, "signature": "s" * 900}],
        [{"type": "tool_use", "id": "t", "name": "Edit", "input": {"edits": [{"old": LONG, "new": LONG + "!"}]}}],
        [{"type": "tool_result", "tool_use_id": "t", "content": [block(LONG), block('"' * 600)]}],
        [{"type": "image", "source": {"type": "base64", "data": "A" * 5000}}, block(LONG)],
    ],
    ids=["a string", "blocks", "thinking", "a tool's input", "a tool's result", "an image"],
)
def test_long_texts_are_cut_out_wherever_they_stand(content: Any) -> None:
    """By the message's shape or by its quotes: the same literals, and all of them."""
    whole = body(user("before"), user(content), user([block(LONG)]))
    found = seams.find(whole)
    assert found is not None
    literals = list(texts.of_messages(whole, found.starts, found.end))
    assert literals == list(texts.between(whole, found.starts[0], found.end))
    assert all(len(orjson.loads(whole[at:close])) >= 510 for at, close in literals)
    long = sum(orjson.dumps(content).count(words) for words in (b'"long:', b'"sss', b'"AAA', b'\\"' * 600))
    assert len(literals) == long + 1


def new_bytes(first: bytes, second: bytes) -> int:
    """How many bytes a body brings that the other has not."""
    known = set(proved(first).fresh)
    return sum(len(piece) for key, piece in proved(second).fresh.items() if key not in known)


@pytest.mark.parametrize(
    "again",
    [
        user([block(LONG)]),
        user([block(LONG, cache_control={"type": "ephemeral"})]),
        user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": LONG}]),
    ],
    ids=["as a block", "with cache_control", "elsewhere"],
)
def test_a_text_is_stored_once_however_it_is_written(again: dict[str, Any]) -> None:
    """A turn that flips between string and block form brings only what is around its text."""
    assert new_bytes(body(user(LONG), user("go on")), body(again, user("go on"))) < 200


def test_a_turn_brings_what_is_new_in_it() -> None:
    """System, tools and all earlier turns are there already."""
    turns = [user(text(n, 2000)) for n in range(20)]
    assert new_bytes(body(*turns[:-1]), body(*turns)) < 2000 + 300
    small = [user(f"turn {n}") for n in range(2000)]
    assert new_bytes(body(*small[:-1]), body(*small)) < 2000
    assert len(divide(body(*small)).fresh) < 200


def test_the_list_does_not_grow_with_the_conversation() -> None:
    """Twenty keys or so a turn, after 40 turns as after 4,000."""
    lengths = [len(divide(body(*(user(text(n, 600)) for n in range(count)))).keys or b"") for count in (40, 400, 4000)]
    assert max(lengths) < 70 * KEY


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 1023, 1024, 1056, 32 * 32 * 32 + 33 * 32 + 5])
def test_lists_fold_and_unfold(count: int) -> None:
    """At every edge of a run, at every level."""
    kept = {key_of(b"%d" % n): b"%d" % n for n in range(count)}
    fresh: dict[bytes, bytes] = {}
    listed, nodes = fold(b"".join(kept), b"", fresh)
    division = Division(0, b"", listed + key_of(b"end"), count, {})
    assert join(division, kept | fresh | {key_of(b"end"): b"end"}) == b"".join(kept.values()) + b"end"
    assert len(nodes) == count // 32 * KEY
    assert len(listed) <= 4 * 31 * KEY


def conversation(turns: int, *, flips: bool = True, changing_tail: bool = False) -> Iterator[bytes]:
    """What a client sends turn by turn: the last messages written anew each time, sometimes rewound."""
    said: list[str] = []
    for turn in range(turns):
        said += [text((turn, n), (turn * 37 + n * 401) % 1500 + 3) for n in range(2)]
        if turn % 13 == 12:
            del said[-5:]
        old = [user(words) if flips else user([block(words)]) for words in said[:-2]]
        new = [user([block(words, cache_control={"type": "ephemeral"})]) for words in said[-2:]]
        yield body(*old, *new, **({"metadata": {"turn": turn}} if changing_tail else {}))


@pytest.mark.parametrize("changing_tail", [False, True])
@pytest.mark.parametrize("flips", [False, True])
def test_what_goes_on_is_divided_as_from_the_beginning(*, flips: bool, changing_tail: bool) -> None:
    """The lane is a hint: list, hash and bytes are those of a cold start; only what is fresh is less."""
    lanes = Lanes()
    known: dict[bytes, bytes] = {}
    for turn in conversation(60, flips=flips, changing_tail=changing_tail):
        hot, cold = lanes.divide("lane", turn), proved(turn)
        assert (hot.keys, hot.folded, hot.sha256, hot.size) == (cold.keys, cold.folded, cold.sha256, cold.size)
        assert hot.fresh.items() <= cold.fresh.items()
        known |= hot.fresh
        assert joined(hot, turn, known) == turn
    assert lanes.continued > 45


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), BODIES), max_size=6), st.integers(0, 60))
def test_no_bodies_confuse_a_lane(strange: list[tuple[int, bytes]], rewound: int) -> None:
    """Whatever comes in a lane, in whatever order: what is divided is what a cold start gives."""
    lanes = Lanes(memory=40_000)
    known: dict[bytes, bytes] = {}
    turns = list(conversation(6))
    bodies = [one for at, junk in strange for one in (turns[at], junk, turns[-1 - at], turns[at][: -rewound or None])]
    for one in bodies:
        hot, cold = lanes.divide("lane", one), divide(one)
        assert (hot.keys, hot.folded, hot.sha256) == (cold.keys, cold.folded, cold.sha256)
        known |= hot.fresh
        assert joined(hot, one, known) == one


def test_lanes_are_forgotten_oldest_first() -> None:
    """Memory has an end; a lane that is gone costs a cold start, nothing else."""
    first, second = list(conversation(30))[-2:]
    room = len(second) * 3
    lanes = Lanes(memory=room)
    lanes.divide(0, first)
    for lane in (1, 0, 2, 3):
        lanes.divide(lane, second)
    assert lanes.continued == 1, "only lane 0 had been seen"
    assert lanes.divide(0, second).complete is False
    assert lanes.divide(1, second).complete


def test_lanes_run_side_by_side_under_one_name() -> None:
    """Sub-agents that do not say who they are share their session's name: each goes on with its own."""
    lanes = Lanes()
    agents = [[body(*[user(text((agent, n), 900)) for n in range(turn + 6)]) for turn in range(5)] for agent in "abc"]
    for turns in zip(*agents, strict=True):
        for turn in turns:
            lanes.divide("session", turn)
    assert lanes.continued == 3 * 4


BLANKS = {
    "Python's json": {},
    "indented": {"indent": 2},
    "before commas, too": {"separators": (" ,\t", " : ")},
    "line by line": {"separators": (",\r\n", ":\n")},
}


@pytest.mark.parametrize("blanks", BLANKS.values(), ids=BLANKS)
def test_blanks_between_elements_cost_no_slow_look(blanks: dict[str, Any]) -> None:
    """Python's ``json``, so aiohttp's and requests' ``json=``, writes them: the same seams by the parser's lengths."""
    whole = json.dumps(json.loads(body(user(LONG), user([block("x" * 600)]), user("y"))), **blanks).encode()
    found, walked = seams.find(whole), seams._walked(whole)
    assert found is not None
    assert walked is not None
    assert found.parsed
    assert (found.starts, found.end) == (walked.starts, walked.end)
    assert texts.of_messages(whole, found.starts, found.end) == list(texts.between(whole, found.starts[0], found.end))


@pytest.mark.parametrize("blanks", BLANKS.values(), ids=BLANKS)
def test_lanes_go_on_over_blanks(blanks: dict[str, Any]) -> None:
    """A turn written with blanks repeats the turn before as any other does."""
    lanes = Lanes()
    turns = [json.dumps(json.loads(turn), **blanks).encode() for turn in conversation(12)]
    for turn in turns:
        division = lanes.divide("a", turn)
        assert (division.sha256, division.keys) == (divide(turn).sha256, divide(turn).keys)
    assert lanes.continued >= 8
