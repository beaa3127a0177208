"""Conversations as they happen: branches, nested and parallel sub-agents, compactions, retries, side calls, length."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.conversation_seeds import CONTINUED, REMINDER, SUMMARY, Asked, Talk, result, use
from tests.recordings import Body, text

THINKING = {"type": "thinking", "thinking": "The clock is frozen after the token was made.", "signature": "c2ln"}
LISTING = "\n".join(f"tests/test_login.py::test_{number} PASSED" for number in range(60))


async def tool_turns(talk: Talk, parent: Asked, number: int, *, tag: str, **more: Any) -> Asked:
    """So many turns in which a tool is called and its result is brought."""
    for turn in range(number):
        name = "Bash" if turn % 3 else "Read"
        given = {"command": f"pytest -k part{turn}"} if name == "Bash" else {"file_path": f"/src/part{turn}.py"}
        calls = [block["id"] for block in (parent.answer or {}).get("content", ()) if block["type"] == "tool_use"]
        brought = [result(call, f"{LISTING}\n{tag} {turn}", error=turn % 7 == 6) for call in calls]
        words = [text(f"Part {turn} of *{tag}*.")] if turn % 4 == 0 else []
        parent = await talk.ask(parent, *brought, answer=[*words, use(f"toolu_{tag}_{turn}", name, **given)], **more)
    return parent


async def fix_the_test(connection: Any) -> Talk:
    """Everything at once: a retry, parallel and nested sub-agents, two branches, a compaction, a call in flight."""
    talk = Talk(connection)
    again = await _opened(talk)
    after = await _found(talk, again, await _helpers(talk, again))
    end = await _forked(talk, after)
    await _compacted(talk, end)
    await talk.file()
    return talk


async def _opened(talk: Talk) -> Asked:
    opening = [text(REMINDER), text("Fix the flaky login test, please. It fails on Fridays.")]
    first = await talk.ask(
        None,
        *opening,
        answer=[
            THINKING,
            text("I will look at the test first."),
            use("toolu_run", "Bash", command="pytest tests/test_login.py -x", description="Run it"),
        ],
    )
    failed = await talk.ask(
        first,
        result("toolu_run", "\x1b[31m1 failed\x1b[0m, 59 passed in 4.2 s", error=True),
        outcome="upstream_error",
        status_code=529,
        error_type="overloaded_error",
    )
    return await talk.ask(
        failed,
        messages=failed.messages,
        attempt_of=failed,
        answer=[
            text("It fails only on **Fridays**. Two helpers will look, one at tokens and one at the calendar."),
            use(
                "toolu_a",
                "Agent",
                description="Find token refresh",
                prompt="Find where tokens are refreshed.",
                subagent_type="Explore",
            ),
            use(
                "toolu_b",
                "Agent",
                description="Read the calendar",
                prompt="What is special on Fridays?",
                subagent_type="Explore",
            ),
        ],
    )


async def _found(talk: Talk, again: Asked, brought: list[Body]) -> Asked:
    return await talk.ask(
        again,
        *brought,
        text(REMINDER),
        answer=[
            text(
                'Found it:\n\n```python\nfreeze_time("2026-11-20")\n```\n\nThe clock stands *after* the token is made.'
            ),
            use(
                "toolu_edit",
                "Edit",
                file_path="tests/test_login.py",
                old_string="token = make()\nfreeze()",
                new_string="freeze()\ntoken = make()",
            ),
        ],
    )


async def _forked(talk: Talk, after: Asked) -> Asked:
    done = await talk.ask(
        after, result("toolu_edit", "The file was updated."), answer=[text("Done. The test passes now.")]
    )
    other = await talk.ask(
        done, text("Now do the same for the logout test."), answer=[use("toolu_l0", "Read", file_path="/src/logout.py")]
    )
    ran = await tool_turns(talk, other, 24, tag="logout")
    await talk.ask(
        done,
        text("No, leave logout alone. Write a changelog line instead."),
        branch="branch_20261120091500",
        link="reply",
        answer=[text("* Fixed a test that failed on Fridays.")],
    )
    return await talk.ask(ran, result("toolu_logout_23", "ok"), answer=[text("Logout is fine too.")])


async def _compacted(talk: Talk, end: Asked) -> None:
    asked = await talk.ask(
        end, text("CRITICAL: Respond with TEXT ONLY. Summarise."), answer=[text(f"<summary>{SUMMARY}</summary>")]
    )
    went_on = await talk.ask(
        asked,
        messages=[{"role": "user", "content": [text(CONTINUED)]}],
        link="compaction",
        branch="compact_101500",
        answer=[text("I go on where we were.")],
    )
    more = await talk.ask(
        went_on, text("And run everything once more."), answer=[use("toolu_all", "Bash", command="make test")]
    )
    await talk.ask(more, result("toolu_all", LISTING), outcome=None, status_code=None, bodies=False)


async def _helpers(talk: Talk, launcher: Asked) -> list[Body]:
    """Two sub-agents at once, one with a sub-agent of its own; returns what the launcher is brought."""
    inside = {"launch": launcher, "link": "subagent", "after": 1.0}
    one = await talk.ask(
        launcher,
        messages=_fresh("Find where tokens are refreshed."),
        branch="subtask_1",
        answer=[use("toolu_g", "Grep", pattern="refresh")],
        **inside,
    )
    two = await talk.ask(
        launcher,
        messages=_fresh("What is special on Fridays?"),
        branch="subtask_2",
        answer=[use("toolu_c", "Agent", description="Ask the calendar", prompt="Which day is it?")],
        **inside,
    )
    one_done = await talk.ask(
        one, result("toolu_g", "auth.py:41: def refresh()"), answer=[text("In auth.py, line 41.")]
    )
    await talk.ask(
        two,
        messages=_fresh("Which day is it?"),
        branch="subtask_3",
        link="subagent",
        launch=two,
        answer=[text("Friday.")],
        after=1.0,
    )
    two_done = await talk.ask(two, result("toolu_c", "Friday."), answer=[text("The token expires at midnight.")])
    assert one_done.is_subtask
    assert two_done.is_subtask
    return [
        result("toolu_b", "The token expires at midnight. agentId: a2"),
        result("toolu_a", "In auth.py, line 41. agentId: a1"),
    ]


def _fresh(words: str) -> list[Body]:
    return [{"role": "user", "content": [text(words)]}]


async def title_call(connection: Any) -> Talk:
    """A call beside the conversation, of the same session."""
    talk = Talk(connection, side_call="title", first_number=2000)
    await talk.ask(None, text("Fix the flaky login test, please."), answer=[text("Flaky login test")])
    await talk.file()
    return talk


async def small_talk(connection: Any, *, number: int = 0) -> Talk:
    """Two turns without a session, of another train; the higher the number, the longer ago."""
    ago = timedelta(hours=30, minutes=5 * number)
    talk = Talk(
        connection, train="atlas", session=None, first_number=3000 + 10_000 * number, started=datetime.now(UTC) - ago
    )
    surroundings: Body = {"role": "system", "content": [text("# Environment: a depot")]}
    opening = [{"role": "user", "content": [text("What is a *footplate*?")]}, surroundings]
    first = await talk.ask(None, messages=opening, answer=[text("Where the driver stands.")])
    await talk.ask(first, text("Thanks."), answer=[text("You are welcome.")])
    await talk.file()
    return talk


async def failed_talk(connection: Any) -> Talk:
    """One request that was refused, and nothing else."""
    talk = Talk(connection, session="5e551011-0000-4000-8000-00000000000b", first_number=4000)
    await talk.ask(
        None, text("Anybody there?"), outcome="upstream_error", status_code=529, error_type="overloaded_error"
    )
    await talk.file()
    return talk


async def hostile_talk(connection: Any, corpus: list[str]) -> Talk:
    """Somebody else's markup wherever a client or a model can write to."""
    talk = Talk(connection, session=corpus[0], first_number=5000)
    words = [text(each) for each in corpus]
    call = use(corpus[3], corpus[0], **{corpus[3]: corpus[1], "command": corpus[2]})
    agent = use("toolu_x", "Agent", description=corpus[0], prompt=corpus[1])
    first = await talk.ask(
        None,
        *words,
        answer=[*words, call, agent],
        branch=corpus[0][:60],
        columns={"preview": corpus[0][:200]},
        model=corpus[3],
    )
    await talk.ask(first, messages=_fresh(corpus[1]), branch="subtask_1", link="subagent", launch=first, answer=words)
    await talk.ask(
        first,
        result(corpus[3], "\n".join(corpus), error=True),
        answer=words,
        branch=corpus[1][:60],
        link=corpus[0][:40],
    )
    await talk.ask(
        first, text(corpus[3]), branch=corpus[3][:60], outcome="upstream_error", status_code=529, error_type=corpus[0]
    )
    await talk.file(corpus[0])
    return talk


async def long_talk(connection: Any, requests: int, *, bodies: bool = True, context: int = 250) -> Talk:
    """So many requests, compacted each time the context is full, with a side branch and a sub-agent now and then."""
    talk = Talk(
        connection,
        session="5e551011-0000-4000-8000-00000000000c",
        first_number=10_000,
        started=datetime.now(UTC) - timedelta(days=1),
    )
    node = await talk.ask(
        None, text("Port all of it, part by part."), answer=[use("toolu_start", "Bash", command="ls")]
    )
    part = 0
    while len(talk.asked) < requests:
        node = await _chapter(talk, node, part, context, bodies=bodies)
        part += 1
    await talk.file("A long way")
    return talk


async def _chapter(talk: Talk, node: Asked, part: int, context: int, *, bodies: bool) -> Asked:
    for section in range(context // 25):
        node = await _section(talk, node, f"p{part}s{section}", bodies=bodies, forks=section % 3 == 2)
    summary = [text(f"<summary>{SUMMARY}</summary>")]
    asked = await talk.ask(node, text("CRITICAL: Respond with TEXT ONLY"), answer=summary, bodies=bodies)
    more = {"link": "compaction", "branch": f"compact_{part:06d}", "bodies": bodies}
    return await talk.ask(
        asked, messages=_fresh(CONTINUED), answer=[use(f"toolu_c{part}", "Bash", command="ls")], **more
    )


async def _section(talk: Talk, node: Asked, tag: str, *, bodies: bool, forks: bool) -> Asked:
    node = await tool_turns(talk, node, 21, tag=tag, bodies=bodies, after=4.0)
    words = text(f"Section {tag} is done. " * 8)
    node = await talk.ask(node, result(f"toolu_{tag}_20", "ok"), answer=[words], bodies=bodies)
    look = use(f"toolu_ag_{tag}", "Agent", description=f"Look at {tag}", prompt=f"Look at {tag} closely.")
    calls = [look, use(f"toolu_st_{tag}", "Bash", command="ls")]
    asked = await talk.ask(node, text("Go on with the next, please."), bodies=bodies, answer=calls)
    number = 1 + sum(each.branch_id.startswith("subtask_") for each in talk.asked)
    inside = {"branch": f"subtask_{number}", "link": "subagent", "launch": asked, "bodies": bodies}
    await talk.ask(asked, messages=_fresh(f"Look at {tag} closely."), answer=[text("All is well.")], **inside)
    if forks:
        stop = text("Or rather stop here.")
        await talk.ask(node, stop, branch=f"branch_{tag}", answer=[text("Stopped.")], bodies=bodies)
    brought = [result(f"toolu_ag_{tag}", "All is well."), result(f"toolu_st_{tag}", "a b c")]
    return await talk.ask(asked, *brought, answer=[use(f"toolu_{tag}_20x", "Bash", command="make")], bodies=bodies)


async def seed_scenes(connection: Any) -> dict[str, UUID]:
    """The usual ones; returns their ids by name."""
    made = {
        "fix": await fix_the_test(connection),
        "title": await title_call(connection),
        "small": await small_talk(connection),
        "failed": await failed_talk(connection),
    }
    return {name: talk.conversation for name, talk in made.items() if talk.conversation}
