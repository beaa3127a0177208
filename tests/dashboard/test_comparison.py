"""Two requests compared: exact where it can be, bounded on any input, honest about what was left out."""

import json
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.comparison.alignment import MOST_COMPARED, aligned
from dashboard.comparison.budget import MOST_CHANGES, MOST_LINES, Budget
from dashboard.comparison.lines import lines_of
from dashboard.comparison.requests import compared
from dashboard.render.secrets import Mask
from tests.recordings import text

SECRET = "sk-ant-api03-" + "Zz9" * 24


def budget(step=0.0):
    """A budget whose clock moves by so many seconds at each look."""
    moments = iter(n * step for n in range(10_000_000))
    return Budget(lambda: next(moments))


def diff(before, after, step=0.0):
    """The sections of a comparison by name."""
    made = compared(before, after, budget(step))
    return made, {section.name: section for section in made.sections}


def shown(change):
    """The lines of a change with their signs."""
    return [line.sign + line.text for line in change.lines]


@given(st.lists(st.sampled_from("abcdef"), max_size=40), st.lists(st.sampled_from("abcdefg"), max_size=40))
@settings(max_examples=200, deadline=None)
def test_stretches_rebuild_both_sides(before, after):
    """Whatever is aligned: the stretches cover both sides in order, and the same ones are equal."""
    made = aligned(before, after, budget())
    assert [item for s in made for item in before[s.a : s.b]] == before
    assert [item for s in made for item in after[s.c : s.d]] == after
    assert all(before[s.a : s.b] == after[s.c : s.d] for s in made if s.same)
    assert all(one.same != other.same for one, other in pairwise(made))


def test_large_and_hostile_sides_are_not_given_to_difflib():
    """More lines than the bound without an anchor stand as gone and new, and the budget says so; nothing hangs."""
    chance = random.Random(7)
    before, after = ([chance.choice("ab") for _ in range(50_000)] for _ in range(2))
    spent = budget()
    made = aligned(before, after, spent)
    assert spent.coarse
    assert sum(s.d - s.c for s in made) == 50_000
    assert MOST_COMPARED <= 200


def test_time_that_is_up_is_said():
    """When the clock has run out nothing is aligned any more; what is shown is still all of it."""
    parts = [{"role": "user", "content": f"{n} of many words"} for n in range(20)]
    others = [{"role": "user", "content": f"{n} of other words"} for n in range(20)]
    made, sections = diff({"messages": parts}, {"messages": others}, step=0.4)
    assert not made.complete
    assert len(sections["messages"].changes) == 20


def test_what_is_equal_is_only_counted():
    """Two equal requests have no changes; parts are counted by kind."""
    sent = {"model": "m", "tools": [{"name": "a"}], "system": "s", "messages": [{"role": "user", "content": "x"}]}
    made, sections = diff(sent, json.loads(json.dumps(sent)))
    assert made.identical
    assert {name: section.same for name, section in sections.items()} == {
        "options": 1, "tools": 1, "system": 1, "messages": 1,
    }  # fmt: skip


def test_a_turn_that_goes_on_adds_its_messages():
    """The transcript before is the same; answer and question are added; a cache mark that moved is a small change."""
    mark = {"cache_control": {"type": "ephemeral"}}
    one = {"role": "user", "content": [text("hi") | mark]}
    before = {"messages": [one]}
    after = {
        "messages": [
            {"role": "user", "content": [text("hi")]},
            {"role": "assistant", "content": [text("yes")]},
            {"role": "user", "content": [text("more") | mark]},
        ]
    }
    _, sections = diff(before, after)
    kinds = [(change.kind, change.before, change.after, change.title) for change in sections["messages"].changes]
    assert kinds == [("changed", 1, 1, "user"), ("added", None, 2, "assistant"), ("added", None, 3, "user")]
    assert [line for line in shown(sections["messages"].changes[0]) if line[0] in "+-"] == [
        "-    cache_control:", "-      type: ephemeral",
    ]  # fmt: skip


def test_an_edit_marks_the_words_that_differ():
    """Line by line, and within a line the words."""
    _, sections = diff({"system": "be brief\nbe kind\nend"}, {"system": "be brief\nbe very kind\nend"})
    (change,) = sections["system"].changes
    assert shown(change) == [" be brief", "-be kind", "+be very kind", " end"]
    added = change.lines[2]
    assert [added.text[start:end] for start, end in added.marks] in (["very "], [" very"])


def test_a_change_deep_in_a_long_line_is_in_what_is_shown():
    """Of a line of 100 KB the place is shown where it differs."""
    before, after = "a " * 50_000, "a " * 40_000 + "NEEDLE " + "a " * 9_000
    _, sections = diff({"system": before}, {"system": after})
    (change,) = sections["system"].changes
    assert all(len(line.text) < 2_000 for line in change.lines)
    assert "NEEDLE" in shown(change)[1]


def test_tools_are_paired_by_name():
    """Added, removed and changed by name; the same ones in another order are said to be so."""
    before = {"tools": [{"name": "a", "n": 1}, {"name": "b"}, {"name": "c"}]}
    after = {"tools": [{"name": "c"}, {"name": "a", "n": 2}, {"name": "d"}]}
    _, sections = diff(before, after)
    assert sorted((change.kind, change.title) for change in sections["tools"].changes) == [
        ("added", "d"), ("changed", "a"), ("removed", "b"),
    ]  # fmt: skip
    assert sections["tools"].moved
    made, sections = diff({"tools": [{"name": "a"}, {"name": "b"}]}, {"tools": [{"name": "b"}, {"name": "a"}]})
    assert sections["tools"].moved
    assert not sections["tools"].changes
    assert not made.identical


def test_secrets_are_masked_in_every_line():
    """In text, keys and options alike; they are counted."""
    sent = {"metadata": {SECRET: SECRET}, "messages": [{"role": "user", "content": f"use {SECRET}"}]}
    made, sections = diff({}, sent)
    assert made.masked == 3
    assert SECRET not in repr(sections)


def test_base64_is_named_by_its_hash():
    """Two pictures differ by their hashes; their bytes are nowhere."""
    before, after = ({"messages": [{"content": [{"source": {"data": letter * 4000}}]}]} for letter in "AB")
    short = {"messages": [{"content": [{"source": {"type": "base64", "data": "iVBORw0KGgo="}}]}]}
    assert "iVBORw" not in repr(diff({}, short))
    _, sections = diff(before, after)
    lines = [line for line in shown(sections["messages"].changes[0]) if line[0] in "+-"]
    assert len(lines) == 2
    assert all("base64, 3.9 KB, sha256 " in line for line in lines)


def test_everything_is_bounded_and_counted():
    """Thousands of changed parts and lines: the first are shown, the others counted."""
    many = {"messages": [{"role": "user", "content": f"{n}\n" * 3} for n in range(2_000)]}
    _, sections = diff({}, many)
    assert len(sections["messages"].changes) == MOST_CHANGES
    assert sections["messages"].left_out == 2_000 - MOST_CHANGES
    long = {"messages": [{"role": "user", "content": "\n".join(map(str, range(100_000)))}] * 30}
    _, sections = diff({}, long)
    assert sum(len(change.lines) for change in sections["messages"].changes) <= MOST_LINES
    assert all(change.left_out for change in sections["messages"].changes)


@pytest.mark.parametrize(
    "value", [None, 7, "", [], {}, [[]], {"a": {}}, "\ud800", {"": ""}, [None, True, 1.5], "a\r\nb"]
)
def test_any_value_is_lines(value):
    """Scalars, empties and lone surrogates are lines like others."""
    assert all("\n" not in line for line in lines_of(value, Mask()))
    assert lines_of(value, Mask())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["messages", "tools", "system", "x"]), JSON), JSON)
@settings(max_examples=150, deadline=None)
def test_any_two_requests_can_be_compared(before, after):
    """Whatever JSON stands in the fields; a request is the same as itself."""
    compared(before, {"messages": after, "tools": after, "system": after}, budget())
    assert compared(before, json.loads(json.dumps(before)), budget()).identical
