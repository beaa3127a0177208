"""A conversation as one file that people read: everything once, masked, and nothing in it loads or runs anything."""

import re

import pytest
from markdown_it import MarkdownIt

from dashboard.render.written import fenced, prose
from tests import conversation_scenes as scenes
from tests.conversation_seeds import Talk
from tests.recordings import text

KEY = "sk-ant-api03-" + "Q" * 80
HOSTILE = [
    "<script>alert(1)</script>",
    "![track](https://evil.example/t.png)",
    "\\![track](https://evil.example/t.png)",
    "\\<img src=https://evil.example/i.png>",
    "[![x](https://evil.example/x.png)](https://evil.example)",
    "![track][ref]\n\n[ref]: https://evil.example/r.png",
    "```\nleft open ![in](https://evil.example/code.png)",
    "~~~~\n```\n~~~",
    "> ```\n> quoted and open",
    "- ```\n  listed and open",
    "<style>@import 'https://evil.example/c.css'</style>",
    f"my key is {KEY}",
]


async def exported(client, conversation, form):
    """The text of an export."""
    answer = await client.get(f"/api/conversations/{conversation}/export?format={form}")
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="conversation-{conversation}.{form}"'
    assert answer.content_type == "application/octet-stream"
    return await answer.text()


@pytest.fixture
async def fix(connection):
    """The conversation in which everything happens."""
    return await scenes.fix_the_test(connection)


async def hostile(connection):
    """Each of the hostile texts said by a person, by the model and by a tool."""
    talk = Talk(connection)
    node = None
    for words in HOSTILE:
        node = await talk.ask(node, text(words), answer=[text(words)])
    await talk.file(HOSTILE[0])
    return talk


@pytest.mark.parametrize("form", ["md", "html"])
async def test_an_export_tells_every_request_once(client, fix, form):
    """Each number once, main first, sub-agents and branches under their names; tool calls with their results."""
    page = await exported(client, fix.conversation, form)
    pattern = r"^### (\d+) " if form == "md" else r'<article [^>]*id="m(\d+)"'
    numbers = [int(number) for number in re.findall(pattern, page, re.MULTILINE)]
    assert sorted(numbers) == list(range(1, len(fix.asked) + 1))
    for words in ("main", "subtask", "branch", "compact", "def refresh()", "Logout is fine"):
        assert words in page, words
    assert "Fix the flaky login test, please. It fails on Fridays." in page


@pytest.mark.parametrize("form", ["md", "html"])
async def test_nothing_in_an_export_loads_or_runs_anything(client, connection, form):
    """Markup and pictures of others are words; secrets are masked and counted."""
    talk = await hostile(connection)
    page = await exported(client, talk.conversation, form)
    assert KEY not in page
    html = page if form == "html" else MarkdownIt("commonmark", {"html": True}).render(page)
    body = html.split("</style>", 1)[-1]
    assert not re.search(r"<(script|img|iframe|object|embed|link|style|video|audio)\b", body), body
    assert not re.search(r"\s(src|srcset|style|on\w+)=", re.sub(r">[^<]*<", "><", body))
    assert "masked" in page


async def test_an_html_export_is_a_file_of_its_own(client, fix):
    """Its style is inside, a policy forbids everything else, no address leads to the dashboard."""
    page = await exported(client, fix.conversation, "html")
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r'(href|src)="(?!#m)[^"]*(/|:)', page)
    assert not re.search(r"url\((?!data:)", page)


@pytest.mark.parametrize("words", HOSTILE)
def test_what_comes_behind_hostile_prose_is_still_ours(words):
    """A fence that is left open ends with the text it is in."""
    html = MarkdownIt("commonmark", {"html": True}).render(f"{prose(words)}\n\n## Ours\n")
    assert "<h2>Ours</h2>" in html
    assert "<img" not in html


@pytest.mark.parametrize("words", ["a", "```", "````\n```", "~~~", "``` ````` ```"])
def test_a_fence_holds_whatever_is_in_it(words):
    """Nothing inside can end it."""
    [token, *_] = MarkdownIt("commonmark").parse(f"{fenced(words)}\n\nours")
    assert token.content == f"{words}\n"
