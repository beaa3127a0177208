"""The prompt tab: cache breakpoints in the order of the prefix, which tools were called, the parts of the system."""

import json

import pytest

from dashboard.render.prompt import whole_prompt
from tests.dashboard.test_pages_requests import seen
from tests.recordings import Recorded, insert, message, request_body, text

MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
USE = {"type": "tool_use", "id": "t1", "name": "Read", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": [text("x") | MARK]}


def prompt(**sent):
    """What the tab draws of such a request."""
    return whole_prompt(json.dumps(sent).encode(), "/p/", None, message=sent.pop("answer", None))


def test_breakpoints_are_numbered_in_the_order_of_the_prefix():
    """Tools, then system, then messages, with how long each lives; inside a tool's result too."""
    made = prompt(
        tools=[{"name": "Bash"}, {"name": "Read"} | HOUR],
        system=[text("one") | MARK, text("two")],
        messages=[{"role": "user", "content": [text("a") | MARK, text("b")]}, {"role": "user", "content": [RESULT]}],
    )
    assert [tool.breakpoint for tool in made.tools.shown] == ["", "cache breakpoint 1 of 4 · lives 1 hour"]
    assert [block.breakpoint for block in made.system.blocks] == [
        "cache breakpoint 2 of 4 · lives 5 minutes (the default)", "",
    ]  # fmt: skip
    marked = [block.breakpoint for one in made.messages for block in one.blocks]
    assert [each[:23] for each in marked] == ["cache breakpoint 3 of 4", "", "cache breakpoint 4 of 4"]
    assert made.breakpoints == 4


@pytest.mark.parametrize("ttl", ["<script>", "x" * 10_000, 7, [], {"a": 1}])
def test_any_ttl_is_words(ttl):
    """A ttl nobody knows is shown as it is, short."""
    mark = {"cache_control": {"type": "ephemeral", "ttl": ttl}}
    made = prompt(messages=[{"role": "user", "content": [text("a") | mark]}], **mark)
    assert len(made.messages[0].blocks[0].breakpoint) < 100
    assert made.automatic


def test_called_tools_are_numbered_by_their_first_call():
    """Counted over transcript and answer; one that was not offered is named as such."""
    calls = [USE, {**USE, "name": "Bash"}, USE, {"type": "server_tool_use", "name": "web_search", "id": "s"}]
    made = prompt(
        tools=[{"name": "Bash"}, {"name": "Read"}, {"name": "Glob"}],
        messages=[{"role": "assistant", "content": calls}],
        answer=message({**USE, "name": "Bash"}),
    )
    assert [(each.name, each.number, each.calls, each.offered) for each in made.tools.called] == [
        ("Read", 1, 2, True), ("Bash", 2, 2, True), ("web_search", 3, 1, False),
    ]  # fmt: skip
    assert [tool.called and tool.called.number for tool in made.tools.shown] == [2, 1, None]


def test_many_system_parts_are_bounded():
    """Each part has its number; when the page is full the rest is counted."""
    made = prompt(system=[text("word " * 1000)] * 20_000, messages=[])
    assert made.system.blocks[0].title == "part 1 of 20000"
    assert len(made.system.blocks) < 1000
    assert "not drawn: this page is full" in made.system.blocks[-1].body


async def test_the_tab_draws_them_as_dotted_lines(client, connection):
    """Lines with words, hostile ones harmless; the order of the page is that of the prefix."""
    evil = {"cache_control": {"type": "ephemeral", "ttl": "<script>alert(1)</script>\u202e"}}
    body = request_body([text("a") | evil], tools=[{"name": "<i>Bash"} | MARK], system=[text("s")])
    call = await insert(connection, Recorded(request=body, message=message(USE | {"name": "<i>Bash"})))
    page = await seen(client, f"/requests/{call}?tab=prompt")
    assert page.count('class="breakpoint"') == 2
    assert "<script>alert" not in page
    assert "U+202E" in page
    assert "<i>Bash" not in page
    assert 'class="called-number"' in page
    assert page.index('id="tools"') < page.index("System prompt") < page.index('id="messages"')
