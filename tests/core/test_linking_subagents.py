"""Known traps of conversations.md: sub-agents, parallel, nested, retried, forked, told apart."""

import pytest

from tests.talks import SECOND, assistant, launch, result, user
from tests.told import DAY, ROOT, Client, reminder


def agents(wire):
    """Of each call: the launching call, its branch."""
    number = {call.facts.call.id: at for at, call in enumerate(wire.calls)}
    return [(number.get(link.parent_task_request_id), link.branch_id) for link in wire.links()]


def test_parallel_sub_agents_with_the_same_prompt_started_in_the_other_order():
    """While nothing is stated they take the blocks in start order; what the results state then decides."""
    wire = Client()
    both = [launch("t1", "work"), launch("t2", "work")]
    wire.call(user("hi"), answer=both, session="s")
    wire.call(user("work"), session="s", agent="a2")
    wire.call(user("work"), session="s", agent="a1")
    assert agents(wire)[1:] == [(0, "subtask_1"), (0, "subtask_2")]
    results = user(result("t1", "Done.\nagentId: a1 (for resuming)"), result("t2", "Done.\nagentId: a2 (for resuming)"))
    wire.call(user("hi"), assistant(*both), results, session="s")
    assert agents(wire) == [(None, "main"), (0, "subtask_2"), (0, "subtask_1"), (None, "main")]
    assert wire.edges() == [ROOT, (0, "subagent"), (0, "subagent"), (0, "reply")]


def test_pairs_bind_only_roots_that_send_that_agent_id():
    """Old clients state ids that their sub-agents do not send."""
    wire = Client()
    both = [launch("t1", "one"), launch("t2", "two")]
    wire.call(user("hi"), answer=both, session="s")
    wire.call(user("two"), session="s")
    wire.call(user("one"), session="s")
    wire.call(user("hi"), assistant(*both), user(result("t1", "agentId: x1"), result("t2", "agentId: x2")), session="s")
    assert agents(wire) == [(None, "main"), (0, "subtask_2"), (0, "subtask_1"), (None, "main")]


def test_sub_agents_of_sub_agents():
    """A launch is by the agent that the parent-agent header names; numbers count by launching request and block."""
    wire = Client()
    wire.call(user("hi"), answer=[launch("t1", "outer")], session="s")
    wire.call(user("outer"), answer=[launch("t2", "inner")], session="s", agent="a1")
    wire.call(user("inner"), session="s", agent="a2", parent_agent="a1")
    wire.call(
        user("hi"), assistant(launch("t1", "outer")), user(result("t1")), answer=[launch("t3", "inner")], session="s"
    )
    wire.call(user("inner"), session="s", agent="a3")
    wire.call(user("inner"), assistant("Hello."), user("more"), session="s", agent="a2", parent_agent="a1")
    assert agents(wire) == [
        (None, "main"), (0, "subtask_1"), (1, "subtask_2"), (None, "main"), (3, "subtask_3"), (1, "subtask_2"),
    ]  # fmt: skip
    assert wire.conversations() == 1


def test_with_no_launch_free_a_root_without_agent_id_shares_the_nearest():
    """One with an agent id does not: it may be anybody's."""
    wire = Client()
    wire.call(user("hi"), answer=[launch("t1", "work")], session="s")
    wire.call(user("work"), session="s")
    wire.call(user("work"), session="s", after_us=700 * SECOND)
    wire.call(user("work"), session="s", agent="a9")
    assert agents(wire) == [(None, "main"), (0, "subtask_1"), (0, "subtask_1"), (None, "main")]


def test_an_agent_has_one_launch_which_its_later_roots_share():
    """Also when such a root says something else."""
    wire = Client()
    wire.call(user("hi"), answer=[launch("t1", "work"), launch("t2", "work")], session="s")
    wire.call(user("work"), session="s", agent="a1")
    wire.call(user("something else"), session="s", agent="a1")
    wire.call(user("work"), session="s", agent="a2")
    assert agents(wire)[1:] == [(0, "subtask_1"), (0, "subtask_1"), (0, "subtask_2")]


def test_the_latest_response_with_a_free_launch_goes_first():
    """The same prompt launched twice in one conversation."""
    wire = Client()
    wire.call(user("a"), answer=[launch("t1", "work")], session="s")
    wire.call(
        user("a"), assistant(launch("t1", "work")), user(result("t1")), answer=[launch("t2", "work")], session="s"
    )
    wire.call(user("work"), session="s")
    wire.call(user("work"), session="s", after_us=700 * SECOND)
    assert agents(wire)[2:] == [(1, "subtask_2"), (0, "subtask_1")]


@pytest.mark.parametrize(
    ("root", "linked"),
    [
        ({"session": "s"}, True),
        ({"session": "other"}, False),
        ({"session": None}, False),
        ({"session": "s", "after_us": DAY + 2 * SECOND}, False),
    ],
    ids=str,
)
def test_a_launch_is_of_the_session_and_of_the_day(root, linked):
    """A request with a session id matches only launches of that session; 24 hours."""
    wire = Client()
    wire.call(user("hi"), answer=[launch("t1", "work")], session="s")
    wire.call(user("work"), **root)
    assert wire.edges()[1] == ((0, "subagent") if linked else ROOT)


def test_sub_agents_of_programs_without_sessions():
    """By the prompt alone; the last text block of the first user message, reminders aside."""
    wire = Client()
    wire.call(user("hi"), answer=[launch("t1", "work\r\n")])
    wire.call(user(reminder(), "context", f"work {reminder()}"))
    wire.call(user("work", "context"))
    assert wire.edges() == [ROOT, (0, "subagent"), ROOT]


def test_a_fork_of_a_talk_by_another_agent_is_a_sub_agent():
    """Whatever rule fired; without a launch it counts after its parent's blocks."""
    wire = Client()
    wire.call(user("hi"), answer=["Hello.", launch("t1", "work")], session="s")
    talk = [user("hi"), assistant("Hello.", launch("t1", "work"))]
    wire.call(*talk, user(result("t1", "forked"), "do this"), session="s", agent="f1")
    wire.call(*talk, user(result("t1", "done")), session="s")
    wire.call(user("work"), session="s", agent="a1")
    assert wire.edges() == [ROOT, (0, "reply"), (0, "reply"), (0, "subagent")]
    assert agents(wire) == [(None, "main"), (0, "subtask_2"), (None, "main"), (0, "subtask_1")]


def test_a_retried_sub_agent_shares_the_launch():
    """An attempt takes no second launch, and branches of a sub-agent stay in it."""
    wire = Client()
    wire.call(user("hi"), answer=[launch("t1", "work"), launch("t2", "work")], session="s")
    wire.fail(user("work"), session="s", agent="a1")
    wire.call(user("work"), session="s", agent="a1")
    wire.call(user("work"), assistant("Hello."), user("x"), session="s", agent="a1")
    wire.call(user("work"), assistant("Hello."), user("y"), session="s", agent="a1")
    wire.call(user("work"), session="s", agent="a2")
    assert agents(wire)[1:] == [(0, "subtask_1")] * 4 + [(0, "subtask_2")]
    assert wire.attempts() == [None, None, 1, None, None, None]
    assert wire.edges()[2] == (0, "subagent")


def test_a_main_request_never_becomes_a_subtask_because_the_conversation_has_one():
    """Before and after the sub-agent the talk is on main."""
    wire = Client()
    wire.call(user("hi"), answer=[launch("t1", "work")], session="s")
    wire.call(user("work"), session="s")
    wire.call(user("hi"), assistant(launch("t1", "work")), user(result("t1")), session="s")
    wire.call(user("hi"), assistant(launch("t1", "work")), user("no, stop"), session="s")
    assert [link.is_subtask for link in wire.links()] == [False, True, False, False]
    assert wire.branches()[2:] == ["main", "branch_20260528202644"]


def test_a_sub_agent_corrected_to_another_launching_answer_takes_its_launch():
    """Not a number of its own."""
    wire = Client()
    wire.call(user("a"), answer=[launch("t1", "work")], session="s")
    wire.call(user("b"), answer=[launch("t2", "work")], session="s")
    wire.call(user("work"), session="s", agent="a1")
    assert wire.edges()[2] == (1, "subagent")
    (*_, link) = wire.links({2: 0})
    assert (link.link_method, link.branch_id, link.is_subtask) == ("manual", "subtask_1", True)
