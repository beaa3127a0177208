"""Content blocks, transcripts and JSON: every type has a form, an unknown one is shown whole, base64 never is."""

import base64
import json
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.pages import request_tabs
from dashboard.render import blocks, image, json_view, messages, prompt
from dashboard.render.secrets import Mask

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
GIF = b"GIF89a\x02\x00\x03\x00" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\x05\x00\x07" + bytes(40)
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x09\x00\x00" + bytes(40)
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>" * 5

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TYPES = ["text", "thinking", "redacted_thinking", "tool_use", "tool_result", "image", "document", "hologram", 7, None]
KEYS = ["text", "thinking", "data", "name", "input", "content", "source", "is_error", "tool_use_id", "citations", "id"]
BLOCKS = st.builds(
    lambda kind, rest: {"type": kind} | rest, st.sampled_from(TYPES), st.dictionaries(st.sampled_from(KEYS), JSON)
)


def shown(block, role="assistant"):
    """The blocks that one block makes, and the mask they shared."""
    mask = Mask()
    return list(blocks.rendered(block, "m0.0", blocks.Context(role, "/pictures/", mask))), mask


def picture_block(content, said="image/png"):
    """An image block as a client sends it."""
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": said, "data": base64.b64encode(content).decode()},
    }


@settings(max_examples=200)
@given(BLOCKS | JSON)
def test_any_block_is_shown_as_something(block):
    """No JSON makes a renderer raise, and none vanishes."""
    for role in ("user", "assistant"):
        made, _ = shown(block, role)
        assert made
        assert all(one.title or one.body for one in made)


def test_an_unknown_block_is_shown_whole():
    """Its type is the title, its fields are there."""
    made, _ = shown({"type": "hologram", "depth": 3, "note": "new"})
    assert made[0].title == "hologram"
    assert "depth" in made[0].body
    assert "new" in made[0].body


def test_what_a_person_wrote_stays_as_it_was_written():
    """A user's text is not Markdown; a model's is."""
    made, _ = shown({"type": "text", "text": "**a**"}, "user")
    assert "**a**" in made[0].body
    made, _ = shown({"type": "text", "text": "**a**"})
    assert "<strong>a</strong>" in made[0].body


def test_reminders_fold_and_keep_their_place():
    """Text, reminder, text stay in order; the reminder starts closed and says its size."""
    text = "before <system-reminder>\nsecret plan\n</system-reminder> after"
    made, _ = shown({"type": "text", "text": text}, "user")
    assert [one.kind for one in made] == ["text", "reminder", "text"]
    assert made[1].folded
    assert made[1].note == "11 bytes"
    assert "secret plan" in made[1].body


@pytest.mark.parametrize("opens", [1, 40_000])
def test_a_reminder_without_an_end_is_text(opens):
    """Nothing is folded that was never closed; many such openings cost no more than one pass."""
    text = "<system-reminder>" * opens
    made, _ = shown({"type": "text", "text": text}, "user")
    assert [one.kind for one in made] == ["text"]
    assert "&lt;system-reminder&gt;" in made[0].body


@pytest.mark.parametrize(
    ("content", "content_type", "size"),
    [
        (PNG, "image/png", (1, 1)),
        (GIF, "image/gif", (2, 3)),
        (JPEG, "image/jpeg", (7, 5)),
        (WEBP, "image/webp", (9, 10)),
    ],
)
def test_pictures_are_known_by_their_bytes(content, content_type, size):
    """Type and dimensions come from the content, whatever the client called it."""
    known = image.recognised(content)
    assert known is not None
    assert (known.content_type, (known.width, known.height)) == (content_type, size)
    made, _ = shown(picture_block(content, "text/html"))
    assert 'src="/pictures/m0.0"' in made[0].body
    assert base64.b64encode(content).decode() not in made[0].body


@pytest.mark.parametrize("content", [SVG, b"<html>" * 10, b"", PNG[:4], b"\x00" * 50])
def test_what_is_no_picture_is_not_shown_as_one(content):
    """An SVG that claims to be a PNG has no address to load."""
    made, _ = shown(picture_block(content))
    assert "<img" not in made[0].body
    assert "Not shown" in made[0].body


def stored(body, message):
    """Bodies as they are read for a page, as far as pictures are concerned."""
    return SimpleNamespace(
        request=body and SimpleNamespace(body=body), response=message and SimpleNamespace(message=message)
    )


def test_only_pictures_are_served():
    """A place gives bytes and type of a picture; anything else gives nothing."""
    body = json.dumps(
        {
            "messages": [
                {"role": "user", "content": [picture_block(PNG), picture_block(SVG), "text"]},
                {"role": "user", "content": [{"type": "tool_result", "content": [picture_block(GIF)]}]},
            ]
        }
    ).encode()
    assert request_tabs.picture(stored(body, None), "m0.0") == (PNG, "image/png")
    assert request_tabs.picture(stored(body, None), "m1.0.0") == (GIF, "image/gif")
    for place in ("m0.1", "m0.2", "m0.9", "m9.0", "m0", "x", "", "s.0", "r.0", "m0.0.0", "m-x.1", "m0.\u0661\u0662"):
        assert request_tabs.picture(stored(body, None), place) is None
    assert request_tabs.picture(stored(None, {"content": [picture_block(PNG)]}), "r.0") == (PNG, "image/png")


def test_a_bash_call_shows_its_command_line():
    """Command and purpose have their own form; other inputs follow as a table."""
    made, _ = shown({"type": "tool_use", "name": "Bash", "input": {"command": "ls -la", "timeout": 5}})
    assert made[0].title == "Bash"
    assert "ls -la" in made[0].body.striptags()
    assert "timeout" in made[0].body


@pytest.mark.parametrize("name", ["Bash", "Edit", "Write", "TodoWrite", "Task", "mcp__x__y", ""])
@pytest.mark.parametrize(
    "given", [{}, None, "text", [1], {"command": 1, "todos": "x", "old_string": None, "prompt": []}]
)
def test_a_tool_call_of_any_shape_is_shown(name, given):
    """A tool's input need not be what its form expects."""
    made, _ = shown({"type": "tool_use", "name": name, "input": given})
    assert made


def test_a_failed_tool_says_so():
    """An error result carries a shape and a word, not only a colour."""
    made, _ = shown({"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": "no"}, "user")
    assert made[0].error
    assert made[0].title == "tool error"


def test_a_result_names_its_tool_and_folds_reminders():
    """What a result is the result of stands in its title; a reminder that the client appended is folded, not lost."""
    turns = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": "line\n<system-reminder>\nbe careful\n</system-reminder>\nend",
                }
            ],
        },
    ]
    made = messages.new_messages(json.dumps({"messages": turns}).encode(), "/p/").messages[0].blocks[0]
    assert made.title == "tool result · Read"
    assert made.body.count("<details") == 1
    for words in ("line", "be careful", "end"):
        assert words in made.body


def test_secrets_are_masked_in_every_kind_of_block():
    """Text, thinking, tool inputs, tool results and unknown blocks hide them alike."""
    secret = "sk-ant-api03-" + "Q7x" * 20
    for block in (
        {"type": "text", "text": secret},
        {"type": "thinking", "thinking": secret},
        {"type": "tool_use", "name": "Bash", "input": {"command": f"curl -H {secret}", "x": {"y": secret}}},
        {"type": "tool_result", "content": [{"type": "text", "text": secret}]},
        {"type": "hologram", "deep": [{"key": secret}]},
    ):
        for role in ("user", "assistant"):
            made, mask = shown(block, role)
            assert secret not in "".join(one.body for one in made)
            assert mask.hidden


def test_only_what_is_new_is_read_first():
    """The messages behind the model's last answer are new; the rest is counted as context."""
    turns = [{"role": role, "content": role} for role in ("user", "assistant", "user", "assistant", "user", "system")]
    made = messages.new_messages(json.dumps({"messages": turns}).encode(), "/p/")
    assert [message.number for message in made.messages] == [5, 6]
    assert (made.earlier, made.total, made.later) == (4, 6, 0)


def test_a_long_transcript_comes_in_windows():
    """The end first; every window says what is before and after it."""
    body = json.dumps({"messages": [{"role": "user", "content": str(n)} for n in range(150)]}).encode()
    last = prompt.whole_prompt(body, "/p/", None)
    assert (last.talk.earlier, len(last.messages), last.talk.later) == (90, 60, 0)
    first = prompt.whole_prompt(body, "/p/", 1)
    assert (first.talk.earlier, len(first.messages), first.talk.later) == (0, 60, 90)
    assert prompt.whole_prompt(body, "/p/", 10_000).messages[-1].number == 150


@pytest.mark.parametrize("body", [b"", b"\xff", b"[1]", b"{", b"[" * 200_000])
def test_a_body_that_is_no_message_request_says_why(body):
    """No bytes make a page fail; there is a reason."""
    for draw in (prompt.whole_prompt, messages.whole_talk):
        with pytest.raises(ValueError, match=r"UTF-8|character|nested|object"):
            draw(body, "/p/", None)
    with pytest.raises(ValueError, match=r"UTF-8|character|nested|object"):
        messages.new_messages(body, "/p/", 3)


def test_a_request_of_other_types_has_no_messages():
    """Fields that hold something else are an empty transcript."""
    made = prompt.whole_prompt(b'{"messages": 7, "tools": "x", "system": 3}', "/p/", None)
    assert (made.talk.total, made.tools.total) == (0, 0)


def test_json_is_shown_as_it_was_written():
    """Duplicate keys, huge numbers, NaN and exponents stay what they were."""
    digits = "9" * 5000
    drawn = json_view.tree(json_view.parsed(f'{{"a":1e5,"a":NaN,"b":{digits},"c":1.10}}'.encode()))
    assert drawn.html.count('class="j-key">a<') == 2
    for written in ("1e5", "NaN", "5000 digits", "1.10"):
        assert written in drawn.html


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"nul", b'{"a":1}x'])
def test_what_is_no_json_says_where(body):
    """The reason is for people: what and where."""
    with pytest.raises(ValueError, match=r"UTF-8|character|nested"):
        json_view.parsed(body)


def test_deep_json_is_drawn_to_a_depth_and_counted():
    """A hundred levels are parsed; the tree stops and says so."""
    drawn = json_view.tree(json_view.parsed(b"[" * 100 + b"1" + b"]" * 100))
    assert drawn.left_out == 1
    assert "nested too deeply" in drawn.html


def test_many_values_are_cut_with_a_count():
    """What is over the budget is counted, on the spot and in all."""
    drawn = json_view.tree(list(range(10_000)))
    assert drawn.left_out == 10_000 - json_view.MOST_NODES + 1
    assert "more not drawn" in drawn.html


def test_base64_never_enters_the_page():
    """Long base64 strings are named by size only."""
    data = base64.b64encode(bytes(range(256)) * 20).decode()
    drawn = json_view.tree({"source": {"data": data}})
    assert data[:64] not in drawn.html
    assert "base64" in drawn.html


def test_a_long_string_folds_with_its_size():
    """Short strings stand there; long ones say how long they are and open on demand."""
    drawn = json_view.tree({"text": "word " * 500})
    assert "2.4 KB · show" in drawn.html
    assert drawn.html.count("word") >= 500


@pytest.mark.parametrize(
    "content",
    [
        ["z" * 90_000] * 40,
        [{"type": "text", "text": "y"}] * 50_000,
        [{"type": "tool_result", "content": ["\u200bz" * 50_000]}] * 20,
    ],
)
def test_a_page_that_is_full_says_what_is_missing(content):
    """However much a message holds, its page stays bounded, counts what it left out and links to it."""
    made = prompt.whole_prompt(json.dumps({"messages": [{"role": "user", "content": content}]}).encode(), "/p/", None)
    bodies = [block.body for block in made.messages[0].blocks]
    assert sum(map(len, bodies)) < messages.MOST_MARKUP * 6
    assert "not drawn: this page is full" in bodies[-1]
    assert "first=1#messages" in bodies[-1]


def test_an_edit_is_a_diff_however_large():
    """Small edits are compared line by line, large ones shown whole; neither takes long."""
    small, _ = shown({"type": "tool_use", "name": "Edit", "input": {"old_string": "a\nb", "new_string": "a\nc"}})
    assert small[0].body.count("d-same") == 1
    assert small[0].body.count("d-del") == small[0].body.count("d-add") == 1
    sides = {
        name: "\n".join(str(n % wide) for n in range(3000)) for name, wide in (("old_string", 7), ("new_string", 5))
    }
    large, _ = shown({"type": "tool_use", "name": "Edit", "input": sides})
    assert large[0].body.count("d-del") == 3000
    assert "2000 more lines" in large[0].body
