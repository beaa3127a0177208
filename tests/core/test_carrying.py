"""What the sources of a prompt cost: blocks read from bodies, shared out by hand, and always adding up."""

from decimal import Decimal
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.carrying import Split, paid, shared, stretch
from core.composition import CHARACTERS, HEAD, Block, Kind, Source, blocks, server_of
from core.walk import Walk, walk
from tests.captured import FILES, FOLDER
from tests.core.test_pricing import NOVEMBER, PRICES, searches, used

SYSTEM, USER, RESULTS = Source(Kind.SYSTEM), Source(Kind.USER), Source(Kind.RESULTS, "Bash")


def body(*messages, **more):
    """A request."""
    return orjson.dumps({"model": "m", "messages": list(messages), **more})


def said(role, *content):
    """A message."""
    return {"role": role, "content": list(content)}


def text(words):
    """A text block."""
    return {"type": "text", "text": words}


USE = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": [text("a" * 36)]}
THOUGHT = {"type": "thinking", "thinking": "b" * 18, "signature": "c" * 500}


def test_the_blocks_of_a_prompt():
    """In the order of the prompt, whose words each is, and how many items stand before it."""
    reminder = "<system-reminder>12345</system-reminder>"
    messages = [
        said("user", text("d" * 36), text(reminder)),
        said("assistant", THOUGHT, text("e" * 18), USE),
        said("user", RESULT, {"type": "image", "source": {"type": "base64", "data": "x" * 99}}),
        {"role": "user", "content": "f" * 36 + reminder},
    ]
    found = blocks(body(*messages, system=[text("g" * 72)], tools=[{"name": "Read"}, {"name": "mcp__github__search"}]))
    assert len(walk(messages, Walk())[0].items) == 6
    assert [(block.source, block.after) for block in found] == [
        (Source(Kind.TOOLS), HEAD),
        (Source(Kind.TOOLS, "github"), HEAD),
        (SYSTEM, HEAD),
        (USER, 0),
        (Source(Kind.REMINDERS), 1),
        (Source(Kind.THINKING), 1),
        (Source(Kind.ASSISTANT), 1),
        (Source(Kind.CALLS), 2),
        (RESULTS, 3),
        (Source(Kind.MEDIA), 4),
        (Source(Kind.REMINDERS), 5),
        (USER, 5),
    ]
    sizes = {block.source: block.tokens * CHARACTERS for block in found}
    assert sizes[SYSTEM] == 72
    assert sizes[RESULTS] == 36
    assert sizes[Source(Kind.THINKING)] == 18
    assert sizes[Source(Kind.REMINDERS)] == len(reminder)


@pytest.mark.parametrize("file", FILES)
def test_what_real_clients_send(file):
    """Blocks stand at the items that linking counts, and every one has a source that is known."""
    for line in (FOLDER / f"{file}.jsonl").read_bytes().splitlines():
        sent = orjson.loads(line)["body"]
        found = None if sent is None else blocks(orjson.dumps(sent))
        if not found:
            continue
        items = len(walk(sent.get("messages", []), Walk())[0].items)
        assert items - 1 <= found[-1].after <= items
        assert Kind.OTHER not in {block.source.kind for block in found}


@pytest.mark.parametrize(
    "given_body",
    [b"", b"no json", b"[1]", body(thread={"type": "continue", "previous_message_id": "m"})],
)
def test_what_cannot_be_told(given_body):
    """No JSON object, or a thread whose past is elsewhere."""
    assert blocks(given_body) is None


@given(st.recursive(st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5), lambda inner: (
    st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["role", "content", "type", "text", "tools", "system", "messages", "name", "input", "source"]),
        inner | st.sampled_from(["user", "assistant", "tool_result", "thinking", "image", "document"]), max_size=5,
    )
), max_leaves=20))  # fmt: skip
def test_no_body_raises(value):
    """Whatever a client sends, blocks are of no negative size and items never fall."""
    for one in (value, {"messages": value, "system": value, "tools": value}, {"messages": [value, value]}):
        found = blocks(orjson.dumps(one)) or []
        assert all(block.tokens >= 0 for block in found)
        assert all(before.after <= after.after for before, after in pairwise(found))


def test_servers():
    """The server's part of a tool's name; none elsewhere."""
    assert [server_of(name) for name in ("mcp__a_b__c__d", "mcp__x", "Read", "xmcp__a__b", None, 3)] == [
        "a_b", "x", "", "", "", "",
    ]  # fmt: skip


def test_a_request_in_its_parts():
    """The rates say how the classes compare, the recorded cost how much they are: half of it in a batch."""
    usage = used(1000, 100, read=10_000, w5=400, w1=200, **searches(1))
    # opus 5.5: 1000*4 + 100*20 + 10000*.2 + 400*5 + 200*8 = 4000 + 2000 + 2000 + 2000 + 1600 = 11600, and a search.
    found = paid(usage, "claude-opus-5-5", NOVEMBER, Decimal("0.0216"), PRICES)
    assert found.tokens == (10_000, 600, 1000)
    assert found.prompt == pytest.approx((0.002, 0.0036, 0.004))
    assert (found.output, found.searches) == pytest.approx((0.002, 0.01))
    half = paid(usage, "claude-opus-5-5", NOVEMBER, Decimal("0.0158"), PRICES)
    assert half.prompt == pytest.approx((0.001, 0.0018, 0.002))
    assert paid(usage, "claude-unheard-of", NOVEMBER, Decimal(1), PRICES) is None
    assert paid(used(0, 0), "claude-opus-5-5", NOVEMBER, Decimal(0), PRICES) is None


def test_shared_out_by_hand():
    """What stands first was read, what follows written, the rest fresh; a block may lie across."""
    made = stretch([Block(SYSTEM, 50, HEAD), Block(USER, 30, 0), Block(RESULTS, 20, 1), Block(USER, 100, 2)])
    # Two items: 100 estimated tokens, measured as 200. 120 were read: the system prompt and a third of the words.
    found = shared(made, 2, Split(120, 60, 20), Split(1.2, 6.0, 4.0))
    assert found[SYSTEM] == pytest.approx((1.0, 0, 0))
    assert found[USER] == pytest.approx((0.2, 4.0, 0))
    assert found[RESULTS] == pytest.approx((0, 2.0, 4.0))
    assert shared(made, 0, Split(10, 0, 0), Split(1.0, 0, 0)) == {SYSTEM: pytest.approx((1.0, 0, 0))}
    assert shared(made, 2, Split(0, 0, 0), Split(0, 0, 0)) is None
    assert shared(stretch([]), 2, Split(1, 0, 0), Split(1.0, 0, 0)) is None


@given(
    st.lists(
        st.tuples(st.sampled_from([SYSTEM, USER, RESULTS]), st.just(0.0) | st.floats(0.25, 500)),
        min_size=1,
        max_size=12,
    ),
    st.tuples(*[st.integers(0, 10**6)] * 3),
    st.integers(0, 14),
)
def test_it_always_adds_up(parts, tokens, items):
    """Class by class the sources sum to what the class cost, nobody's part is negative."""
    made = stretch([Block(source, size, place) for place, (source, size) in enumerate(parts)])
    usd = Split(*(float(bool(count)) * (place + 1) for place, count in enumerate(tokens)))
    found = shared(made, items, Split(*tokens), usd)
    if found is None:
        assert not sum(tokens) or not sum(size for _, size in parts[:items])
        return
    for place in range(3):
        assert sum(split[place] for split in found.values()) == pytest.approx(usd[place], abs=1e-6)
    assert all(part >= -1e-9 for split in found.values() for part in split)
