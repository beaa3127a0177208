"""The pages of conversations and sessions: what they say, how many queries they take, that nothing recorded acts."""

import html as markup
import re

import pytest

from dashboard.conversations import thread as window
from dashboard.render import headline
from tests import conversation_scenes as scenes
from tests import recordings
from tests.conversation_seeds import SESSION, SUMMARY, Talk, result, use
from tests.dashboard.test_pages_requests import HTML, MOST_QUERIES, Counting
from tests.recordings import text

CORPUS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    '"><svg/onload=alert(1)>',
    "\u202ereversed\u202c",
    "{{ 7*7 }}",
]


@pytest.fixture
async def fix(connection):
    """The conversation in which everything happens."""
    return await scenes.fix_the_test(connection)


async def html(client, path, status=200, **headers):
    """The markup of a page."""
    answer = await client.get(path, headers=HTML | headers)
    assert answer.status == status
    return await answer.text()


def seen(page):
    """The words of a page or of a part of one."""
    return " ".join(markup.unescape(re.sub(r"<[^>]*>", "", page)).split())


def turns(page):
    """The turns of a thread by their numbers."""
    parts = re.split(r'<article class="turn[^"]*" id="m(\d+)"', page)
    return {int(number): body for number, body in zip(parts[1::2], parts[2::2], strict=True)}


async def test_a_thread_shows_what_each_request_added_and_nothing_twice(client, fix):
    """One path; the words of each turn stand once, whoever repeats them; a call and its result are one card."""
    page = await html(client, f"/conversations/{fix.conversation}")
    shown = turns(page)
    assert set(shown) == {1, 2, 3, 9, 10, 11, *range(12, 36), 37, 38, 39, 40, 41}
    whole = seen(page)
    for words in (
        "Now do the same for the logout test.",
        "Found it:",
        "And run everything once more.",
        "I will look at",
    ):
        assert whole.count(words) == 1, words
    assert "1 failed" in seen(shown[1])
    assert "1 failed" not in seen(shown[2])
    assert "In auth.py, line 41." in seen(shown[3])
    assert seen(shown[1]).count("thinking") == 1
    assert "1 system reminder" in seen(shown[1])
    assert SUMMARY in seen(shown[39])
    assert "compacted here" in seen(shown[38])


async def test_what_the_client_says_of_its_surroundings_is_folded(client, connection):
    """A message of the role system is no word of the user's: it waits behind the chip of the reminders."""
    talk = await scenes.small_talk(connection)
    shown = turns(await html(client, f"/conversations/{talk.conversation}"))
    assert "1 system reminder" in seen(shown[1])
    folded, said = shown[1].split("</details>", 1)
    assert "a depot" in seen(folded)
    assert "a depot" not in seen(said)


async def test_each_turn_says_why_it_is_linked(client, fix):
    """The evidence in words: of the root, an answer contained, a retry, a summary."""
    shown = turns(await html(client, f"/conversations/{fix.conversation}"))
    assert "The first request of its conversation." in seen(shown[1])
    assert "Linked because this transcript contains that answer." in seen(shown[2])
    assert "The same request again, after it had failed." in seen(shown[3])
    assert "Linked because this transcript begins with the summary that request wrote." in seen(shown[39])
    assert "The API answered 529 (overloaded_error)" in seen(shown[2])
    assert headline.status(None).word in seen(shown[41])


async def test_a_fork_leads_to_its_other_way(client, fix):
    """A chip stands at the place where somebody went on differently; the other way shows its own words there."""
    shown = turns(await html(client, f"/conversations/{fix.conversation}"))
    assert "1 of 2" in seen(shown[11])
    link = re.search(r'href="([^"]+)" aria-label="The way after this one"', shown[11])[1].replace("&amp;", "&")
    other = turns(await html(client, link.partition("#")[0]))
    assert "2 of 2" in seen(other[36])
    assert "No, leave logout alone." in seen(other[36])
    by_name = turns(await html(client, f"/conversations/{fix.conversation}?branch=branch_20261120091500"))
    assert max(by_name) == 36
    assert 11 not in by_name


async def test_a_sub_agent_is_a_capsule_that_leads_to_its_thread(client, fix):
    """Beside the call that launched it; its thread begins with its prompt and leads back; nested ones alike."""
    shown = turns(await html(client, f"/conversations/{fix.conversation}"))
    assert "sub-agent 1 · 2 requests" in seen(shown[3])
    assert "sub-agent 2 · 2 requests" in seen(shown[3])
    page = await html(client, f"/conversations/{fix.conversation}?branch=subtask_2")
    assert "launched by request 3" in seen(page)
    assert set(turns(page)) == {5, 8}
    assert "sub-agent 3 · 1 request" in seen(turns(page)[5])
    nested = await html(client, f"/conversations/{fix.conversation}?branch=subtask_3")
    assert "launched by request 5" in seen(nested)


async def test_the_graph_has_a_row_for_everything(client, fix):
    """Requests, one row for a sub-agent and one for a long tool run; opened they show what they hold."""
    path = f"/conversations/{fix.conversation}?view=graph"
    page = seen(await html(client, path))
    assert "14 rows of 14, 41 requests" in page
    assert "25 tool turns" in page
    assert "Branch B, 1st of 3 children of request 3" in page
    assert "branch point" in page
    assert "Goes on from a summary \u221254.0 k input tokens · 59.8 k → 5 812" in page
    assert "41 rows of 41" in seen(await html(client, path + "&open=all"))
    assert "15 rows of 15" in seen(await html(client, path + "&open=subtask_1"))
    part = await (await client.get(path + "&open=subtask_2", headers={**HTML, "HX-Request": "true"})).text()
    assert part.lstrip().startswith('<div id="graph">')


async def test_raw_names_every_edge(client, fix):
    """Number, parent, method, branch and states of all requests; the downloads beside them."""
    page = seen(await html(client, f"/conversations/{fix.conversation}?view=raw"))
    assert "41 edges of 41" in page
    assert "subagent has the agent's prompt" in page
    assert "reply contains the answer" in page
    assert " again main " in page
    assert fix.asked[5].state[:10] in page


async def test_a_long_conversation_comes_in_windows(client, connection):
    """The end first; earlier ones a link away until the beginning; any place by its id; nothing lost on the way."""
    talk = await scenes.long_talk(connection, 300, context=100)
    page = await html(client, f"/conversations/{talk.conversation}")
    last = max(turns(page))
    assert last <= len(talk.asked)
    found, steps = set(turns(page)), 0
    while link := re.search(r'hx-get="(/conversations/[^"]+)"', page):
        page = await html(client, link[1].replace("&amp;", "&"))
        assert not found & set(turns(page))
        found |= set(turns(page))
        steps += 1
    assert steps >= 2
    path, node = [], talk.asked[last - 1]
    numbers = {each.id: place for place, each in enumerate(sorted(talk.asked, key=lambda each: each.id), 1)}
    by_id = {each.id: each for each in talk.asked}
    while node is not None:
        path.append(numbers[node.id])
        node = by_id.get(node.parent_request_id)
    assert found == set(path)
    middle = talk.asked[len(talk.asked) // 2]
    assert numbers[middle.id] in turns(await html(client, f"/conversations/{talk.conversation}?at={middle.id}"))


async def test_no_page_takes_more_than_eight_queries(settings, database, serve, connection, fix):
    """However many requests there are: lists, each view, a sub-agent, one request."""
    talk = await scenes.long_talk(connection, 120, context=50)
    counting = Counting(database)
    client = await serve(settings, counting)
    paths = ["/conversations?q=test&accountId=key-0123456789ab", "/sessions", f"/requests/{fix.asked[4].id}"]
    paths += [
        f"/conversations/{each.conversation}?view={view}"
        for view in ("thread", "graph", "cost", "raw")
        for each in (fix, talk)
    ]
    for path in paths:
        counting.names.clear()
        await html(client, path)
        assert len(counting.names) <= MOST_QUERIES, (path, counting.names)


async def test_what_was_changed_on_the_way_is_shown_from_its_own_body(client, connection):
    """An answer that the client edited (linked by its last block) still shows what the request added."""
    talk = Talk(connection)
    first = await talk.ask(None, text("One"), answer=[text("Two"), use("toolu_1", "Bash", command="ls")])
    changed = {"role": "assistant", "content": [text("Changed"), use("toolu_1", "Bash", command="ls")]}
    edited = [*first.messages, changed, {"role": "user", "content": [result("toolu_1", "came back"), text("Three")]}]
    second = await talk.ask(first, messages=edited, link="turn", answer=[text("Four")])
    await talk.ask(second, text("Five"), answer=[text("Six")])
    await talk.file()
    shown = turns(await html(client, f"/conversations/{talk.conversation}"))
    assert "came back" in seen(shown[1])
    assert "Three" in seen(shown[2])
    assert "Changed" not in seen(shown[2])
    assert "Five" in seen(shown[3])


async def test_a_lost_answer_that_the_client_kept_is_shown(client, connection):
    """Linked by its prefix: what stands in the transcript instead of the recorded answer is the request's own."""
    talk = Talk(connection)
    first = await talk.ask(None, text("One"), outcome="client_cancelled")
    kept = [
        *first.messages,
        {"role": "assistant", "content": [text("Half an ans")]},
        {"role": "user", "content": [text("Go on")]},
    ]
    await talk.ask(first, messages=kept, link="prefix", answer=[text("wer.")])
    await talk.file()
    shown = turns(await html(client, f"/conversations/{talk.conversation}"))
    assert "Half an ans" in seen(shown[2])
    assert "Go on" in seen(shown[2])


async def test_bodies_that_are_not_there_are_said_to_be(client, connection):
    """A train that stores no bodies still shows its tree."""
    talk = Talk(connection)
    first = await talk.ask(None, text("One"), answer=[text("Two")], bodies=False)
    await talk.ask(first, text("Three"), answer=[text("Four")], bodies=False)
    await talk.file()
    page = seen(await html(client, f"/conversations/{talk.conversation}"))
    assert page.count("No request body can be shown.") == 2
    assert "Four" in page


async def test_requests_that_are_gone_leave_their_conversation(client, connection, fix):
    """Retention may take all of them; the page says so."""
    await connection.execute("DELETE FROM requests")
    assert "Its requests are gone" in seen(await html(client, f"/conversations/{fix.conversation}"))


async def test_a_requests_page_says_where_it_stands(client, fix):
    """Its conversation, why it is linked, what it follows, what repeats it, what follows it."""
    failed, again = fix.asked[1], fix.asked[2]
    page = seen(await html(client, f"/requests/{again.id}"))
    assert "The same request again, after it had failed." in page
    assert "repeats" in page
    assert page.count("launched") == 2
    assert "followed by" in page
    assert "later attempt" in seen(await html(client, f"/requests/{failed.id}"))


async def test_lists_say_what_there_is(client, connection, fix):
    """Title, figures and links; filters as chips; nothing matching, nothing older, nothing at all."""
    await scenes.title_call(connection)
    page = await html(client, "/conversations")
    assert "Fix the flaky login test, please. It fails on Fridays." in seen(page)
    assert f'href="/conversations/{fix.conversation}#end"' in page
    assert "Nothing matches these filters" in seen(await html(client, "/conversations?q=nowhere"))
    assert "No older conversations" in seen(
        await html(client, "/conversations?before=1-00000000-0000-7000-8000-000000000000")
    )
    sessions = seen(await html(client, "/sessions"))
    assert SESSION in sessions
    assert "Beside them: title" in sessions
    assert "Nothing matches these filters" in seen(await html(client, "/sessions?client=nobody"))


async def test_an_installation_without_conversations_says_how_to_begin(client, connection):
    """Nothing recorded: the first steps; recorded, but none of it a conversation: that."""
    assert "ANTHROPIC_BASE_URL" in await html(client, "/conversations")
    await recordings.seed(connection)
    assert "No conversation yet" in seen(await html(client, "/conversations"))
    assert "No session yet" in seen(await html(client, "/sessions"))


async def test_recorded_markup_stays_text(client, connection):
    """Titles, branches, tool names, link methods, sessions: shown, never run."""
    talk = await scenes.hostile_talk(connection, CORPUS)
    paths = ["/conversations", "/sessions", f"/conversations/{talk.conversation}"]
    paths += [f"/conversations/{talk.conversation}?view={view}&open=all" for view in ("graph", "raw")]
    paths += [f"/conversations/{talk.conversation}?branch=subtask_1", f"/requests/{talk.asked[2].id}"]
    for path in paths:
        page = await html(client, path)
        assert not re.search(r"<script(?! src=\"/static/)|<img src=x|<svg/onload|href=\"javascript", page), path
        assert "\u202e" not in page


async def test_a_request_beside_the_graph_shows_what_it_added(client, fix):
    """Its own words and its answer, not the answer before it; as a page and as the part that is swapped in."""
    at = f"/conversations/{fix.conversation}?view=graph"
    request = next(each for each in fix.asked if each.preview == "Now do the same for the logout test.")
    for headers in ({}, {"HX-Request": "true"}):
        page = await html(client, f"{at}&peek={request.id}", **headers)
        peek = page.split('<aside id="peek"')[1].split("</aside>")[0]
        assert "Now do the same for the logout test." in peek
        assert "/src/logout.py" in peek
        assert "Done. The test passes now." not in peek
        assert ("<html" in page) == (not headers)
    assert 'class="peek closed"' in await html(client, at)
    assert 'class="peek closed"' in await html(client, f"{at}&peek=0199aaaa-0000-7000-8000-000000000000")


async def test_a_window_begins_with_what_its_first_request_added(client, connection, monkeypatch):
    """The answer before it, which stands in the window before, is not shown once more as if a person had said it."""
    monkeypatch.setattr(window, "BLOCKS", 4)
    talk, node = Talk(connection), None
    for number in range(8):
        node = await talk.ask(node, text(f"Question {number}"), answer=[text(f"Answer {number}")])
    await talk.file()
    shown = turns(await html(client, f"/conversations/{talk.conversation}?at={talk.asked[4].id}"))
    first = min(shown)
    assert first > 1
    assert f"Question {first - 1}" in seen(shown[first])
    assert f"Answer {first - 2}" not in seen(shown[first])


async def test_results_of_calls_on_an_earlier_page_are_not_the_users_words(client, connection, monkeypatch):
    """They are named for what they are; where somebody said something too, that is his."""
    monkeypatch.setattr(window, "BLOCKS", 2)
    talk = Talk(connection)
    called = await talk.ask(None, text("Run it"), answer=[use("toolu_0", "Bash", command="ls")])
    brought = await talk.ask(called, result("toolu_0", "came back"), answer=[use("toolu_1", "Bash", command="pwd")])
    said = await talk.ask(brought, result("toolu_1", "came too"), text("Stop now"), answer=[text("Stopped.")])
    await talk.file()
    for node, label in ((brought, "Tool results"), (said, "User")):
        shown = turns(await html(client, f"/conversations/{talk.conversation}?at={node.id}"))
        asked = seen(shown[min(shown)])
        assert "came" in asked
        assert [each for each in ("Tool results", "User") if f" {each} " in asked] == [label]


async def test_a_session_of_one_moment_says_no_length(client, connection):
    """A single request lasts as long as itself: there is nothing between the first and the last."""
    await scenes.failed_talk(connection)
    page = seen(await html(client, "/sessions"))
    assert "1 request ·" in page
    assert "0 µs" not in page


async def test_a_long_graph_has_a_map_and_the_figures_of_its_branches(client, connection, fix):
    """A strip from 200 rows on, each part a way to its rows; branches with requests, cost and errors."""
    short = await html(client, f"/conversations/{fix.conversation}?view=graph")
    assert "minimap" not in short
    assert "1 error" in short.split('class="branches"')[1].split("</details>")[0]
    talk = await scenes.long_talk(connection, 300, bodies=False)
    page = await html(client, f"/conversations/{talk.conversation}?view=graph&open=all")
    strip = page.split('class="minimap"')[1].split("</svg>")[0]
    ways = re.findall(r'href="([^"]+)#r(\d+)"', strip)
    assert len(ways) == 60
    link, row = ways[0]
    assert f'id="r{row}"' in await html(client, link.replace("&amp;", "&"))
