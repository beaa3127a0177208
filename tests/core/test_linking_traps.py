"""Every known trap of conversations.md, one test each, told as the calls that a client makes."""

import random

import pytest

from core import identity
from core.linking import forest
from tests.talks import CONTINUATION, SECOND, Wire, assistant, launch, result, text, use, user

DAY = 86_400 * SECOND


class Client(Wire):
    """A wire on which a second goes by between two calls, unless a test says otherwise."""

    def call(self, *messages, answer=("Hello.",), after_us=SECOND, **more):
        """Make a call and return its number."""
        self.now_us += after_us
        answer = list(answer) if answer is not None else None
        super().call(list(messages), answer, **more)
        return len(self.calls) - 1

    def fail(self, *messages, answer=None, failed_after_us=1000, **more):
        """Make a call that fails; ``answer`` is what came before."""
        return self.call(*messages, answer=answer, failed_after_us=failed_after_us, **more)

    def links(self, corrections=None):
        """The links, in the order of the calls."""
        ids = [call.facts.call.id for call in self.calls]
        named = {ids[child]: None if parent is None else ids[parent] for child, parent in (corrections or {}).items()}
        links = forest([call.facts for call in self.calls], named)
        return [links[one] for one in ids]

    def edges(self, corrections=None):
        """Parent and evidence of each call."""
        number = {call.facts.call.id: at for at, call in enumerate(self.calls)}
        return [(number.get(link.parent_request_id), link.link_method) for link in self.links(corrections)]

    def attempts(self):
        """The first attempt of each call."""
        number = {call.facts.call.id: at for at, call in enumerate(self.calls)}
        return [number.get(link.attempt_of) for link in self.links()]

    def branches(self):
        """The branch of each call."""
        return [link.branch_id for link in self.links()]

    def conversations(self):
        """How many conversations there are."""
        return len({link.conversation_id for link in self.links()})


ROOT = (None, None)


def reminder(words="a thing"):
    """What clients add to a text."""
    return f"<system-reminder>\n{words}\n</system-reminder>"


# Concurrent identical openings


@pytest.mark.parametrize("sessions", [False, True], ids=["distinct answers", "identical answers, but session ids"])
def test_concurrent_identical_openings(sessions):
    """200 clients say the same at the same time, interleaved for three turns: nobody is swapped, nothing merges."""
    wire, count = Client(), 200
    rng = random.Random(5)
    talks = [[user("hi")] for _ in range(count)]
    turns = [client for client in range(count) for _ in range(3)]
    rng.shuffle(turns)
    made = {client: [] for client in range(count)}
    for client in turns:
        answer = "Hello." if sessions else f"Hello, {client}."
        number = wire.call(*talks[client], answer=[answer], after_us=7, session=f"s{client}" if sessions else None)
        made[client].append(number)
        talks[client] += [assistant(answer), user("go on")]
    edges = wire.edges()
    for numbers in made.values():
        assert [edges[one] for one in numbers] == [ROOT, (numbers[0], "reply"), (numbers[1], "reply")]
    assert wire.conversations() == count
    assert set(wire.branches()) == {"main"}


def test_eight_unrelated_hi():
    """The same word from one key, with the same answer: eight conversations."""
    wire = Client()
    for _ in range(8):
        wire.call(user("hi"))
    assert wire.edges() == [ROOT] * 8
    assert wire.attempts() == [None] * 8


# SDK retries


def test_sdk_retries():
    """The count says which failure a retry follows; a first try of the same words is a new call."""
    wire = Client()
    wire.fail(user("hi"), retry=0)
    wire.fail(user("hi"), retry=1)
    wire.call(user("hi"), retry=2)
    wire.call(user("hi"), retry=0)
    assert wire.attempts() == [None, 0, 0, None]
    assert wire.conversations() == 2


def test_sdk_retries_of_two_programs_do_not_cross():
    """Two failures at once; each is claimed once, by a retry with the next count."""
    wire = Client()
    wire.fail(user("hi"), retry=0)
    wire.fail(user("hi"), retry=0)
    wire.fail(user("hi"), retry=1)
    wire.call(user("hi"), retry=1)
    wire.call(user("hi"), retry=2)
    assert wire.attempts() == [None, None, 1, 0, 1]


@pytest.mark.parametrize(
    ("changed", "attempt"),
    [
        ({}, 0),
        ({"retry": 2}, None),
        ({"system": "another"}, None),
        ({"tools": [{"name": "t"}]}, None),
        ({"model": "other"}, None),
        ({"client": "key-b"}, None),
        ({"after_us": 601 * SECOND}, None),
        ({"after_us": 500}, None),
    ],
    ids=str,
)
def test_a_retry_without_a_session_is_the_same_in_everything(changed, attempt):
    """System, tools, model, key and count; after the failure, within ten minutes."""
    wire = Client()
    wire.fail(user("hi"), retry=0)
    wire.call(user("hi"), **{"retry": 1, **changed})
    assert wire.attempts()[1] == attempt


def test_claude_code_retries_with_another_model_and_without_stream():
    """Retry count always 0, model changed on fallback, system changed: in a session the state decides."""
    wire = Client()
    wire.fail(user("hi"), session="s", retry=0, stream=True)
    wire.fail(user("hi"), session="s", retry=0, model="smaller", system="x")
    wire.call(user("hi"), session="s", retry=0, stream=False)
    wire.call(user("hi"), session="s2", retry=0)
    assert wire.attempts() == [None, 0, 0, None]


def test_attempts_share_the_edge_and_children_point_to_the_attempt_that_answered():
    """Parent, method and branch of the first; the next turn contains the answer of the last."""
    wire = Client()
    wire.call(user("hi"), session="s")
    talk = [user("hi"), assistant("Hello."), user("more")]
    wire.fail(*talk, session="s")
    wire.call(*talk, answer=["Sure."], session="s")
    wire.call(*talk, assistant("Sure."), user("and"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (0, "reply"), (2, "reply")]
    assert wire.attempts() == [None, None, 1, None]
    assert wire.branches() == ["main"] * 4


def test_the_same_again_after_a_good_answer_is_a_sibling():
    """Regenerated: its own evidence, a branch of its own."""
    wire = Client()
    wire.call(user("hi"), session="s")
    talk = [user("hi"), assistant("Hello."), user("more")]
    wire.call(*talk, session="s")
    wire.call(*talk, session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (0, "reply")]
    assert wire.branches() == ["main", "main", "branch_20260528202643"]


# What clients change between turns


def test_dropped_thinking():
    """The answer's thinking is not sent back; an answer of thinking alone has no reply state."""
    wire = Client()
    thinking = {"type": "thinking", "thinking": "hm", "signature": "x"}
    wire.call(user("hi"), answer=[thinking, "Hello."], session="s")
    wire.call(user("hi"), assistant("Hello."), user("more"), answer=[thinking], session="s")
    wire.call(user("hi"), assistant("Hello."), user("more"), user("well?"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "prefix")]


def test_reminders_sent_as_string_once_and_as_block_next():
    """In the text, in a block, in a tool result, moved, with the white space before them."""
    wire = Client()
    wire.call({"role": "user", "content": f"{reminder()}\nhi"}, answer=[use("t1")])
    wire.call(user(reminder("other"), "hi"), assistant(use("t1")), user(result("t1", f"ok\n\n{reminder()}")))
    wire.call(
        user("hi", reminder()),
        assistant(use("t1")),
        user(result("t1", [text("ok\r\n"), text(reminder())])),
        assistant("Hello."),
        {"role": "user", "content": "more"},
    )
    assert wire.edges() == [ROOT, (0, "reply"), (1, "reply")]


def test_the_same_tool_message_sent_twice():
    """A tool_use or tool_result whose id was seen counts once."""
    wire = Client()
    wire.call(user("hi"), answer=[use("t1")], session="s")
    twice = [assistant(use("t1")), user(result("t1")), assistant(use("t1")), user(result("t1"))]
    wire.call(user("hi"), *twice, session="s")
    wire.call(user("hi"), *twice[:2], assistant("Hello."), user("more"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "reply")]


def test_an_aborted_answer_kept_by_the_client():
    """A partial answer is an answer, word for word."""
    wire = Client()
    wire.fail(user("hi"), answer=["Hel"])
    wire.call(user("hi"), assistant("Hel"), user("go on"))
    assert wire.edges() == [ROOT, (0, "reply")]


def test_an_aborted_answer_dropped_by_the_client():
    """The request itself lies on the chain, in its lane."""
    wire = Client()
    wire.fail(user("hi"), answer=["Hel"])
    wire.call(user("hi"), user("no, this"))
    wire.call(user("hi"), user("no, this"), client="key-b")
    assert wire.edges() == [ROOT, (0, "prefix"), ROOT]


def test_a_cut_tool_use_is_no_item():
    """What was not finished was never run."""
    wire = Client()
    half = {**use("t1"), "_partial_json": '{"com'}
    wire.fail(user("hi"), answer=["I will.", half], session="s")
    wire.call(user("hi"), assistant("I will."), user("go on"), session="s")
    assert wire.edges() == [ROOT, (0, "reply")]


@pytest.mark.parametrize(
    ("answer", "goes_on", "after_us", "edge"),
    [
        (["Hello."], user("b"), SECOND, ROOT),  # a good answer that nobody went on with: two user turns at once
        (None, user("b"), SECOND, (0, "prefix")),  # still running, or lost
        ([{"type": "thinking", "thinking": "x"}], user("b"), SECOND, (0, "prefix")),
        (["Hello."], assistant("Goodbye."), SECOND, (0, "prefix")),  # the answer was edited
        (["Hello."], assistant("Goodbye."), 2 * DAY, ROOT),
        (None, user("b"), 2 * DAY, ROOT),
    ],
)
def test_without_a_session_a_prefix_needs_a_reason(answer, goes_on, after_us, edge):
    """Same key, 24 hours, and no whole answer, or the transcript goes on with an assistant item."""
    wire = Client()
    wire.call(user("a"), answer=answer)
    wire.call(user("a"), goes_on, user("c"), after_us=after_us)
    assert wire.edges() == [ROOT, edge]


def test_an_edited_early_message():
    """The chain is broken from the start, but the latest answer is still there after its user text."""
    wire = Client()
    wire.call(user("hi"), session="s")
    wire.call(user("hi"), assistant("Hello."), user("more"), answer=["Sure."], session="s")
    edited = [user("HI"), assistant("Hello."), user("more"), assistant("Sure."), user("and")]
    wire.call(*edited, session="s")
    wire.call(*edited, session="other")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "turn"), ROOT]


def test_a_prefilled_assistant_turn():
    """Sent back joined to the prefill, or behind it."""
    wire = Client()
    wire.call(user("json"), assistant("{ "), answer=['"a": 1}'])
    wire.call(user("json"), assistant('{ "a": 1}'), user("more"))
    wire.call(user("json"), assistant("{ ", '"a": 1}'), user("other"))
    assert wire.edges() == [ROOT, (0, "reply"), (0, "reply")]


def test_texts_of_one_answer_joined():
    """A client that keeps one string of several text blocks."""
    wire = Client()
    wire.call(user("hi"), answer=["One. ", "Two."])
    wire.call(user("hi"), assistant("One. Two."), user("more"))
    assert wire.edges() == [ROOT, (0, "reply")]


def test_two_user_turns_at_once():
    """In a session the second waits for no answer: a sibling of what follows the answer."""
    wire = Client()
    wire.call(user("a"), session="s")
    wire.call(user("a"), user("b"), session="s")
    wire.call(user("a"), assistant("Hello."), user("b"), session="s")
    assert wire.edges() == [ROOT, (0, "prefix"), (0, "reply")]
    assert wire.branches() == ["main", "main", "branch_20260528202643"]


def test_cleared_tool_results():
    """The id of the last tool_use survives what is cleared before it, in any lane."""
    wire = Client()
    wire.call(user("hi"), answer=[use("t1")], session="s")
    wire.call(user("hi"), assistant(use("t1")), user(result("t1", "long")), answer=[use("t2")], session="s")
    cleared = [user("hi"), assistant(use("t1")), user(result("t1", "[cleared]")), assistant(use("t2"))]
    wire.call(*cleared, user(result("t2")), session="s")
    wire.call(*cleared, user(result("t2")), user("x"), session="fork")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "turn"), (1, "turn")]


def test_a_turn_of_reminders_only():
    """A task notification adds no item: the answer lies at the very end, and the next turn follows the last answer."""
    wire = Client()
    wire.call(user("hi"), answer=["Started."], session="s")
    notified = [user("hi"), assistant("Started."), user(reminder("task done"))]
    wire.call(*notified, answer=["It is done."], session="s")
    wire.call(*notified, assistant("It is done."), user("thanks"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "reply")]
    assert wire.branches() == ["main"] * 3


def test_a_turn_of_reminders_only_whose_answer_was_lost():
    """It has fewer messages than what follows, so it goes before the answer that lies at the same place."""
    wire = Client()
    wire.call(user("hi"), answer=["Started."], session="s")
    notified = [user("hi"), assistant("Started."), user(reminder("one"))]
    wire.call(*notified, answer=None, session="s")
    wire.call(*notified, user(reminder("two")), answer=None, session="s")
    wire.call(*notified, user("well?"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "prefix"), (1, "prefix")]


# Compaction


SUMMARY = "1. The user wants a thing that takes more than forty characters."


def compacted(wire, summary=SUMMARY, answer=None, **more):
    """A talk of one turn, and its summary."""
    first = wire.call(user("hi"), session="s", **more)
    ask = [user("hi"), assistant("Hello."), user("CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.")]
    wire.call(
        *ask, answer=answer or [f"<analysis>long</analysis>\n<summary>\n{summary}\n</summary>"], session="s", **more
    )
    return first


def test_summaries_wrapped_in_analysis_and_summary():
    """The body of the summary is what the continuation contains, whatever its white space; it may add words."""
    wire = Client()
    compacted(wire)
    continued = user(f"{CONTINUATION}{SUMMARY.replace(' ', chr(10))}.\nContinue without asking.")
    wire.call(continued, user("on"), session="s")
    wire.call(continued, user("on"), assistant("Hello."), user("further"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "compaction"), (2, "reply")]
    assert wire.branches() == ["main", "main", "compact_202643", "compact_202643"]
    assert wire.conversations() == 1


def test_compaction_that_keeps_the_tail():
    """The kept answers are in older transcripts too, but this one begins with a continuation."""
    wire = Client()
    wire.call(user("hi"), answer=[use("t1")], session="s")
    talk = [user("hi"), assistant(use("t1")), user(result("t1"))]
    wire.call(*talk, session="s")
    wire.call(*talk, assistant("Hello."), user("Your task is to create a detailed summary of the conversation so far"),
              answer=[f"<summary>{SUMMARY}</summary>"], session="s")  # fmt: skip
    tail = [user(CONTINUATION + SUMMARY), assistant(use("t1")), user(result("t1")), assistant("Hello."), user("on")]
    wire.call(*tail, answer=["Sure."], session="s")
    wire.call(*tail, assistant("Sure."), user("more"), session="s")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "reply"), (2, "compaction"), (3, "reply")]


def test_a_second_continuation_of_one_summary_opens_its_own_branch():
    """And a collision of names is counted on."""
    wire = Client()
    compacted(wire)
    wire.call(user(CONTINUATION + SUMMARY), user("a"), session="s")
    wire.call(user(CONTINUATION + SUMMARY), user("b"), session="s", after_us=1000)
    assert wire.edges()[2:] == [(1, "compaction")] * 2
    assert wire.branches()[2:] == ["compact_202643", "compact_202643_2"]


@pytest.mark.parametrize(
    ("summary", "session", "after_us", "edge"),
    [
        (SUMMARY, "other", SECOND, (1, "compaction")),
        (SUMMARY, "other", 8 * DAY, ROOT),
        ("too short", "other", SECOND, ROOT),
        ("too short", "s", SECOND, (1, "compaction")),
        (SUMMARY, "s", 30 * DAY, (1, "compaction")),
    ],
)
def test_a_summary_is_looked_for_in_the_lane_and_then_in_the_train(summary, session, after_us, edge):
    """Outside the lane within seven days and of forty characters."""
    wire = Client()
    compacted(wire, summary)
    wire.call(user(CONTINUATION + summary), user("on"), session=session, after_us=after_us)
    assert wire.edges()[2] == edge


def test_a_continuation_of_a_summary_that_was_edited_or_lost():
    """The newest summariser of the lane, also one that failed."""
    wire = Client()
    compacted(wire)
    wire.fail(user("hi"), assistant("Hello."), user("CRITICAL: Respond with TEXT ONLY, again"), session="s")
    wire.call(user(CONTINUATION + "something else"), session="s")
    assert wire.edges()[3] == (2, "compaction")


def test_compaction_by_the_server():
    """The answer brings a compaction block, with which the next transcript may begin."""
    wire = Client()
    block = {"type": "compaction", "content": SUMMARY}
    wire.call(user("hi"), answer=[block, "Hello."], session="s")
    wire.call(assistant(block, "Hello."), user("on"), session="s")
    wire.call(user("hi"), assistant(block, "Hello."), user("on"), session="s")
    assert wire.edges() == [ROOT, (0, "compaction"), (0, "reply")]
    assert wire.branches() == ["main", "compact_202642", "main"]


# Sessions


def test_clear_resume_and_fork_session():
    """A new session with an old transcript is a branch of the old conversation, a new transcript is none."""
    wire = Client()
    first = [user("hi")]
    second = [*first, assistant("Hello."), user("more")]
    third = [*second, assistant("Sure."), user("x")]
    wire.call(*first, session="s")
    wire.call(*second, answer=["Sure."], session="s")
    wire.call(*third, session="fork")
    wire.call(*third, session="s")  # resumed after the fork
    wire.call(user("new"), session="s")  # /clear that kept the session
    wire.call(user("hi"), session="cleared")
    assert wire.edges() == [ROOT, (0, "reply"), (1, "reply"), (1, "reply"), ROOT, ROOT]
    assert wire.branches() == ["main", "main", "branch_20260528202643", "main", "main", "main"]


def test_a_fork_is_the_main_path_while_nobody_else_goes_on():
    """In another lane, but there is no child in the parent's."""
    wire = Client()
    wire.call(user("hi"), session="s")
    wire.call(user("hi"), assistant("Hello."), user("x"), session="fork")
    assert wire.branches() == ["main", "main"]


def test_branches_opened_in_one_second_are_numbered():
    """The names of a conversation are all different."""
    wire = Client()
    wire.call(user("hi"), session="s")
    for word in "abcd":
        wire.call(user("hi"), assistant("Hello."), user(word), session="s", after_us=1000)
    assert wire.branches() == ["main", "main"] + ["branch_20260528202641" + end for end in ("", "_2", "_3")]


def test_title_and_quota_calls():
    """Conversations of their own, nobody's parent, only with a session id; retried they are attempts."""
    wire = Client()
    title = {"system": [text("You are naming a coding session so the user can pick it out.")]}
    wire.call(user("quota"), answer=["#"], session="s", max_tokens=1)
    wire.fail(user("hi"), session="s", **title)
    wire.call(user("hi"), session="s", **title)
    wire.call(user("hi"), session="s")
    wire.call(user("hi"), assistant("Hello."), user("more"), session="s")
    wire.call(user("Warmup"), session="s")
    wire.call(user("Warmup"), session="s", tools=[{"name": "t"}])
    wire.call(user("quota"), answer=["#"], max_tokens=1)
    assert wire.edges() == [ROOT, ROOT, ROOT, ROOT, (3, "reply"), ROOT, ROOT, ROOT]
    assert wire.attempts() == [None, None, 1, None, None, None, None, None]
    assert [link.side_call for link in wire.links()] == ["quota", "title", "title", None, None, "warmup", None, None]


# Sub-agents


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


# Other calls, other days


def test_count_tokens_with_the_same_messages_just_before(derived):
    """It takes no part, nor do calls whose body can not be read; the message call after it does."""
    body = b'{"messages":[{"role":"user","content":"hi"}]}'
    counted, called = derived(body, target="/v1/messages/count_tokens?beta=true"), derived(body)
    assert identity.of_recording(counted, body) is None
    assert identity.of_recording(called, body).items
    for odd in (b"", b"{", b"[]", b'{"messages":[{"role":"user","content":[{"a":' + b"[" * 300 + b"]" * 300 + b"}]}]}"):
        assert identity.of_recording(called, odd) is None


@pytest.mark.parametrize("hours", [4, 24 * 4, 24 * 40])
def test_a_conversation_that_crosses_midnight_a_month_a_restart(hours):
    """The transcript is the identity, so time does not matter."""
    wire = Client()
    wire.call(user("hi"))
    wire.call(user("hi"), assistant("Hello."), user("more"), after_us=hours * 3600 * SECOND)
    assert wire.edges() == [ROOT, (0, "reply")]
    assert wire.branches() == ["main", "main"]


# Threads and corrections


def thread(previous):
    """The field that continues an answer."""
    return {"thread": {"type": "continue", "previous_message_id": previous}}


def test_a_thread_is_continued_by_the_id_of_its_answer():
    """Only the new messages are sent; a whole transcript later finds the thread by its words all the same."""
    wire = Client()
    wire.call(user("weather?"), answer=[use("t1")], thread={"type": "create"})
    wire.call(user(result("t1", "sunny")), answer=["It is sunny."], **thread("msg_0"))
    wire.call(user("and tomorrow?"), answer=["Rain."], **thread("msg_1"))
    whole = [user("weather?"), assistant(use("t1")), user(result("t1", "sunny")), assistant("It is sunny.")]
    wire.call(*whole, user("and tomorrow?"), assistant("Rain."), user("thanks"))
    assert wire.edges() == [ROOT, (0, "thread"), (1, "thread"), (2, "reply")]


def test_a_thread_whose_parent_is_not_recorded_is_a_root_and_can_be_retried():
    """System and tools come from its parent, so they say nothing."""
    wire = Client()
    wire.fail(user("x"), retry=0, **thread("msg_lost"))
    wire.call(user("x"), retry=1, system="s", **thread("msg_lost"))
    wire.call(user("x"), retry=1, **thread("msg_other"))
    assert wire.edges() == [ROOT] * 3
    assert wire.attempts() == [None, 0, None]


def test_a_correction_beats_all_evidence():
    """Another parent, or none; what can not be followed is ignored."""
    wire = Client()
    wire.call(user("hi"), session="s")
    wire.call(user("other"), session="s")
    wire.call(user("hi"), assistant("Hello."), user("more"), session="s")
    assert wire.edges()[2] == (0, "reply")
    assert wire.edges({2: 1})[2] == (1, "manual")
    assert wire.edges({2: None})[2] == (None, "manual")
    assert wire.edges({2: 2})[2] == (0, "reply")  # no cycles
    assert wire.edges({0: 2})[0] == ROOT
