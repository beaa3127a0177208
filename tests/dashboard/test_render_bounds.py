"""However much was sent, a page stays one that a browser can show; what is left out is counted and a link away."""

import json
import re

from dashboard.render import blocks, prompt, tools
from dashboard.render.secrets import Mask
from tests.dashboard.test_pages_requests import seen
from tests.recordings import Recorded, insert, message, request_body, text

A_PAGE = 4_000_000
"""Characters of markup."""


def drawn(content):
    """How much markup a message of this content is, and the markup."""
    body = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
    made = "".join(block.body for block in prompt.whole_prompt(body, "/p/", None).messages[0].blocks)
    return len(made), made


async def test_of_many_tools_a_window_is_drawn(client, connection):
    """All of them can be reached, in order, each once; their number and size stand at the top."""
    offered = [
        {"name": f"tool-{number}", "description": "d", "input_schema": {"a": [1] * 20}} for number in range(20_000)
    ]
    call = await insert(connection, Recorded(request=request_body("hi", tools=offered), message=message(text("x"))))
    names = []
    for first in (1, 101, 201):
        page = await seen(client, f"/requests/{call}?tab=prompt&tool={first}")
        assert len(page) < A_PAGE
        names += re.findall(r"<b>tool-(\d+)</b>", page)
        assert re.search("20\u202f000 tools offered, about [23].\\d MB", page)
        assert f"tool={first + 100}#tools" in page
    assert names == [str(number) for number in range(300)]
    end = await seen(client, f"/requests/{call}?tab=prompt&tool=99999")
    assert "19\u202f999 earlier tools not shown" in end
    assert "later tool" not in end


def test_tools_of_much_markup_end_earlier():
    """The page is full before the window is; the rest is counted."""
    offered = [{"name": str(number), "description": "\u202ea" * 50_000} for number in range(60)]
    made = prompt.whole_prompt(json.dumps({"tools": offered}).encode(), "", None).tools
    assert 0 < len(made.shown) < 60
    assert (made.first, made.last, made.total) == (1, len(made.shown), 60)
    assert sum(len(tool.schema) for tool in made.shown) < 20_000_000
    again = prompt.whole_prompt(json.dumps({"tools": offered}).encode(), "", None, made.last + 1).tools
    assert again.shown[0].name == str(made.last)


def test_parts_of_one_block_are_bounded():
    """A hundred thousand parts of a result, reminders of a text, entries of an input: the first are drawn."""
    size, made = drawn([{"type": "tool_result", "tool_use_id": "t", "content": [text("x")] * 100_000}])
    assert size < A_PAGE
    assert "99\u202f800 more parts not drawn" in made
    size, made = drawn("<system-reminder>x</system-reminder>" * 50_000)
    assert size < A_PAGE
    assert "49\u202f800 more parts not drawn" in made
    reminders = [{"type": "tool_result", "content": "<system-reminder>x</system-reminder>" * 50_000}]
    assert drawn(reminders)[0] < A_PAGE
    for name, given in (
        ("Other", {str(number): 1 for number in range(100_000)}),
        ("TodoWrite", {"todos": [{"content": "x"}] * 100_000}),
    ):
        _, body = tools.called(name, given, Mask())
        assert len(body) < A_PAGE
        assert "99\u202f800 more entries: in the raw download" in body


def test_what_fits_is_drawn_whole():
    """No note where nothing is left out."""
    made = list(
        blocks.rendered({"type": "tool_result", "content": [text("x")] * 200}, "m0.0", blocks.Context("", "", Mask()))
    )
    assert "not drawn" not in made[0].body
    assert made[0].body.count("<pre") == 200


async def test_a_long_name_is_cut(client, connection):
    """A tool may be called anything."""
    offered = [{"name": "n" * 1_000_000}]
    call = await insert(connection, Recorded(request=request_body("hi", tools=offered), message=message(text("x"))))
    page = await seen(client, f"/requests/{call}?tab=prompt")
    assert len(page) < 200_000
    assert "(1\u202f000\u202f000 characters)" in page
