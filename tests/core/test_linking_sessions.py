"""Known traps of conversations.md: compaction, /clear, --resume, --fork-session, side calls, threads, corrections."""

import pytest

from tests.talks import CONTINUATION, SECOND, assistant, result, text, use, user
from tests.told import DAY, ROOT, Client

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
