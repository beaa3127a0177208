"""What the pages of a conversation claim: who said what, and what failed."""

import re

from core import origin
from dashboard.render import figures
from tests.conversation_seeds import SESSION, Talk, result, use
from tests.dashboard.test_pages_conversations import html, seen, turns
from tests.recordings import text


async def test_what_a_new_transcript_holds_is_said_by_who_said_it(client, connection):
    """A beginning that brings history along: answers are the model's, and a call in it is one card with its result."""
    talk = Talk(connection)
    history = [
        {"role": "user", "content": [text("Run it")]},
        {"role": "assistant", "content": [text("I will."), use("toolu_1", "Bash", command="make")]},
        {"role": "user", "content": [result("toolu_1", "it came back", error=True), text("Say yes or no")]},
        {"role": "assistant", "content": [text("My answer is")]},
    ]
    await talk.ask(None, messages=history, answer=[text(" no.")])
    await talk.file()
    shown = turns(await html(client, f"/conversations/{talk.conversation}"))[1]
    labels = re.findall(r'<p class="label">([^<]*)</p>', shown)
    assert labels == ["User", "Assistant", "Failed with", "User", "Assistant"]
    card = shown[shown.index("tool-card failed") :]
    assert card.index("it came back") < card.index("Say yes or no")
    assert "No result on this path" not in shown
    for form, name in (("md", "\n**{}**\n"), ("html", '<p class="label">{}</p>')):
        path = f"/api/conversations/{talk.conversation}/export?format={form}"
        exported = await html(client, path)
        exported = exported[exported.index("</h1>" if form == "html" else "###") :]
        places = [exported.index(word) for word in ("Run it", "I will.", "Say yes or no", "My answer is")]
        said = [
            exported.rindex(name.format(who), 0, at) for who, at in zip(("User", "Assistant") * 2, places, strict=True)
        ]
        assert said == sorted(said)
        assert len(set(said)) == len(said)


async def test_the_graph_tells_what_failed_from_what_was_left(client, connection):
    """A client that leaves is no error, nowhere on the page; a tool that fails is one, and keys find it."""
    talk = Talk(connection)
    first = await talk.ask(
        None, text("One"), answer=[use("t1", "Bash", command="ls"), use("t2", "Bash", command="pwd")]
    )
    second = await talk.ask(first, result("t1", "no", error=True), result("t2", "/"), answer=[text("Two")])
    await talk.ask(second, text("Left"), outcome="client_cancelled", columns={"status_code": 200})
    await talk.ask(second, text("Broken"), outcome="upstream_reset", columns={"status_code": 200}, branch="branch_1")
    await talk.file()
    page = await html(client, f"/conversations/{talk.conversation}?view=graph")
    rows = dict(re.findall(r'<li id="r(\d)" class="line ([^"]*)"', page))
    assert rows == {
        "1": "is-prompt has-prompt has-error",
        "2": "is-fork",
        "3": "is-cancelled has-prompt",
        "4": "is-error has-prompt has-error",
    }
    whole = seen(page)
    assert "Errors■ 1" in whole.replace("Errors ■", "Errors■")
    assert whole.count("■ 1 error") == 1  # beside its branch
    assert "One Bash ×2 (1 failed)" in whole
    assert "cancelled Left" in whole
    assert "broken off Broken" in whole


async def test_a_thread_says_nothing_of_bytes_it_did_not_look_up(client, connection):
    """Half an answer came before the client left: that none came is not said beside it."""
    talk = Talk(connection)
    await talk.ask(None, text("One"), answer=[text("Half an ans")], outcome="client_cancelled")
    await talk.file()
    shown = seen(turns(await html(client, f"/conversations/{talk.conversation}"))[1])
    assert "Half an ans" in shown
    assert "The client left after" in shown
    assert "No byte" not in shown


async def test_what_the_client_asks_for_by_itself_is_folded(client, connection):
    """The instructions for a summary, a block behind the user's words; the words themselves stay."""
    talk = Talk(connection)
    orders = "CRITICAL: Respond with TEXT ONLY. " + "Do NOT use a tool. " * 40
    first = await talk.ask(None, text("One"), answer=[text("Two")])
    await talk.ask(first, text("Three"), text(orders), answer=[text("<summary>One, two.</summary>")])
    await talk.file()
    shown = turns(await html(client, f"/conversations/{talk.conversation}"))[2]
    folded = re.search(r"<details[^>]*summary-request.*?</details>", shown, re.DOTALL)
    assert folded is not None
    assert "Asks for a summary" in folded[0]
    assert "Do NOT use a tool." in folded[0]
    assert "Do NOT use a tool." not in shown.replace(folded[0], "")
    assert "Three" in shown.replace(folded[0], "")
    for form in ("md", "html"):
        exported = await html(client, f"/api/conversations/{talk.conversation}/export?format={form}")
        assert "Asks for a summary" in exported


async def test_the_client_that_a_filter_proposes_is_one_there_can_be(client, connection):
    """Claude Code under the name that it is recorded by."""
    talk = Talk(connection)
    await talk.ask(None, text("One"), answer=[text("Two")])
    await talk.file()
    name = origin.read((("User-Agent", "claude-cli/2.1.328 (external, cli)"),), None).client
    for path in ("/sessions", "/requests"):
        proposed = re.search(r'name="client"[^>]*placeholder="([^"]*)"', await html(client, path))
        assert proposed is not None
        assert proposed[1] == name
    assert SESSION in await html(client, f"/sessions?client={name}")


async def test_the_graph_counts_tokens_as_the_list_does(client, connection):
    """Input of every kind: what was read from the cache and written to it is most of what a turn costs."""
    talk = Talk(connection)
    one = await talk.ask(None, text("One"), answer=[text("Two")])
    await talk.file()
    whole = sum(one.usage[name] for name in TOKENS)
    assert whole > one.usage["input_tokens"] + one.usage["output_tokens"]
    page = await html(client, f"/conversations/{talk.conversation}?view=graph")
    assert f'title="{figures.count(whole)} tokens' in page
    assert f'title="{figures.count(whole)}"' in await html(client, "/conversations")


TOKENS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
