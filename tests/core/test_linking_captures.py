"""What linking must say of every call that real clients sent, written by hand from what each scenario did.

One row a call: ``line parent method branch``, then ``task=`` the launching call and ``attempt=`` the first attempt.
``root``: begins a conversation. ``side``: a side call of that kind. ``-``: takes no part. ``branch@x`` and
``compact@x`` are the branches that open with line x. Lines of earlier files of a story are named with their file.
"""

import pytest

from core.linking import forest
from tests.captured import FILES, story

TWO_HELPERS = """
        0  -
        1  root
        2  1  subagent subtask_1  task=1
        3  1  subagent subtask_2  task=1
        4  2  reply subtask_1     task=1
        5  4  reply subtask_1     task=1
        6  1  reply main
"""
RETRIED = """
        0  root
        1  root attempt=0"""

# What the scenarios are: see shared/captures/README.md. Answers of the scripted upstream repeat ("Hello, this is a
# plain text answer."), so that only the place in the transcript can tell them apart.
EXPECTED = {
    # Claude Code 1.0.128. A session of one prompt; then one of two tools, which -c and --resume go on with, a fork
    # leaves, and /compact ends. The title of an earlier session is asked for at the start of the next one.
    ("cc10-text", "cc10-tools", "cc10-continue", "cc10-resume", "cc10-fork", "cc10-compact", "cc10-compactafter"): """
        cc10-text:0          root
        cc10-tools:0         root
        cc10-tools:1         side title
        cc10-tools:2         side paths
        cc10-tools:3         cc10-tools:0     reply main
        cc10-continue:0      cc10-tools:3     reply main
        cc10-resume:0        cc10-continue:0  reply main
        cc10-fork:0          cc10-resume:0    reply branch@cc10-fork:0
        cc10-compact:0       side title
        cc10-compact:1       cc10-resume:0    reply main
        cc10-compactafter:0  cc10-compact:1   compaction compact@cc10-compactafter:0
    """,
    # Without the compaction nobody of the fork's original session goes on, so the fork is the main path.
    ("cc10-tools", "cc10-continue", "cc10-resume", "cc10-fork"): """
        cc10-tools:0         root
        cc10-tools:1         side title
        cc10-tools:2         side paths
        cc10-tools:3         cc10-tools:0     reply main
        cc10-continue:0      cc10-tools:3     reply main
        cc10-resume:0        cc10-continue:0  reply main
        cc10-fork:0          cc10-resume:0    reply main
    """,
    # Two sub-agents at once, SUBA in block 0 and SUBB in block 1; SUBA runs two commands.
    ("cc10-task2",): """
        0  root
        1  0  subagent subtask_1  task=0
        2  0  subagent subtask_2  task=0
        3  1  reply subtask_1     task=0
        4  side paths
        5  3  reply subtask_1     task=0
        6  0  reply main
    """,
    # 2.0.76: the same story; every start warms up two agents.
    ("cc20-text", "cc20-tools", "cc20-continue", "cc20-resume", "cc20-fork", "cc20-compact", "cc20-compactafter"): """
        cc20-text:0          root
        cc20-text:1          side warmup
        cc20-text:2          side warmup
        cc20-tools:0         root
        cc20-tools:1         side warmup
        cc20-tools:2         side warmup
        cc20-tools:3         side paths
        cc20-tools:4         cc20-tools:0     reply main
        cc20-continue:0      side warmup
        cc20-continue:1      side warmup
        cc20-continue:2      cc20-tools:4     reply main
        cc20-resume:0        side warmup
        cc20-resume:1        side warmup
        cc20-resume:2        cc20-continue:2  reply main
        cc20-fork:0          side warmup
        cc20-fork:1          side warmup
        cc20-fork:2          cc20-resume:2    reply branch@cc20-fork:2
        cc20-compact:0       side warmup
        cc20-compact:1       side warmup
        cc20-compact:2       cc20-resume:2    reply main
        cc20-compactafter:0  side warmup
        cc20-compactafter:1  side warmup
        cc20-compactafter:2  cc20-compact:2   compaction compact@cc20-compactafter:2
    """,
    ("cc20-task2",): """
        0  root
        1  side warmup
        2  side warmup
        3  0  subagent subtask_1  task=0
        4  0  subagent subtask_2  task=0
        5  3  reply subtask_1     task=0
        6  side paths
        7  5  reply subtask_1     task=0
        8  0  reply main
    """,
    ("cc2_1_20-task2",): """
        0  root
        1  0  subagent subtask_1  task=0
        2  0  subagent subtask_2  task=0
        3  1  reply subtask_1     task=0
        4  side paths
        5  3  reply subtask_1     task=0
        6  0  reply main
    """,
    **dict.fromkeys([("cc2_1_100-task2",), ("cc2_1_200-task2",)], TWO_HELPERS),
    # 2.1.328. a, -c, --resume, --fork-session; a fourth turn that was not captured; /compact in the original session.
    (
        "cc21-resume-a", "cc21-resume-b-continue", "cc21-resume-c-resume", "cc21-resume-d-fork", "cc21-compact",
        "cc21-compact-after",
    ): """
        cc21-resume-a:0           root
        cc21-resume-a:1           cc21-resume-a:0           reply main
        cc21-resume-b-continue:0  cc21-resume-a:1           reply main
        cc21-resume-c-resume:0    cc21-resume-b-continue:0  reply main
        cc21-resume-d-fork:0      cc21-resume-c-resume:0    reply branch@cc21-resume-d-fork:0
        cc21-compact:0            cc21-resume-c-resume:0    reply main
        cc21-compact-after:0      cc21-compact:0            compaction compact@cc21-compact-after:0
    """,
    **dict.fromkeys([("cc21-text",), ("cc21-sessionid",), ("cc21-model-haiku",)], "0  root"),
    ("cc21-tools",): """
        0  root
        1  0  reply main
    """,
    ("cc21-bash2",): """
        0  root
        1  0  reply main
        2  1  reply main
    """,
    ("cc21-task",): """
        0  root
        1  0  subagent subtask_1  task=0
        2  1  reply subtask_1     task=0
        3  2  reply subtask_1     task=0
        4  0  reply main
    """,
    # The sub-agent of block 1 (SUBB) begins before that of block 0.
    ("cc21-task2",): """
        0  root
        1  0  subagent subtask_2  task=0
        2  0  subagent subtask_1  task=0
        3  2  reply subtask_1     task=0
        4  3  reply subtask_1     task=0
        5  0  reply main
    """,
    # A sub-agent (1, 5) that launches another (2, 3, 4).
    ("cc21-nested",): """
        0  root
        1  0  subagent subtask_1  task=0
        2  1  subagent subtask_2  task=1
        3  2  reply subtask_2     task=1
        4  3  reply subtask_2     task=1
        5  1  reply subtask_1     task=0
        6  0  reply main
    """,
    # Driven here: two sub-agents in the background with one prompt (2, 3), whose results come as a turn of
    # reminders only (4); then one (7) that launches two of that prompt itself (8, 9); /compact (12), a turn, a fork.
    ("cc21-background",): """
        0   root
        1   0   reply main
        2   0   subagent subtask_1  task=0
        3   0   subagent subtask_2  task=0
        4   1   reply main
        5   4   reply main
        6   5   reply main
        7   5   subagent subtask_3  task=5
        8   7   subagent subtask_4  task=7
        9   7   subagent subtask_5  task=7
        10  7   reply subtask_3     task=5
        11  6   reply main
        12  11  reply main
        13  12  compaction compact@cc21-background:13
        14  13  reply compact@cc21-background:13
    """,
    # Driven here: a tool turn whose usage forces automatic compaction (2), which keeps the tail (3); then a sub-agent.
    ("cc21-autocompact",): """
        0  root
        1  0  reply main
        2  1  reply main
        3  2  compaction compact@cc21-autocompact:3
        4  3  reply compact@cc21-autocompact:3
        5  4  reply compact@cc21-autocompact:3
        6  5  reply compact@cc21-autocompact:3
        7  5  subagent subtask_1  task=5
        8  6  reply compact@cc21-autocompact:3
    """,
    ("cc21-tui-oauth",): """
        0  -
        1  side quota
        2  side title
        3  root
        4  3  reply main
        5  4  reply main
        6  5  reply main
    """,
    ("cc21-allTraffic",): """
        0  -
        1  root
        2  side search
        3  1  reply main
    """,
    # Every "hi" of a program is a conversation of its own; counting, models, batches and files are none.
    ("sdk-py",): "\n".join(f"{line} {'root' if line < 5 or line > 17 else '-'}" for line in range(21)),
    ("sdk-js",): "\n".join(f"{line} {'root' if line < 4 else '-'}" for line in range(10)),
    ("sdk-py-async",): "\n".join(f"{line} root" for line in range(6)),
    **dict.fromkeys(
        [("cc21-err-429",), ("cc21-err-500",), ("sdk-py-429",), ("sdk-py-shouldretry",), ("sdk-py-timeout",),
         ("sdk-js-timeout",)], RETRIED,
    ),
    **dict.fromkeys(
        [("cc21-err-529x2",), ("sdk-py-529",), ("sdk-py-529fail",), ("sdk-js-529",), ("sdk-js-fail",)],
        f"{RETRIED}\n2  root attempt=0",
    ),
    **dict.fromkeys([("sdk-py-thread-lost",), ("sdk-py-thread-toolrunner",)], "0  root\n1  0  thread main"),
}  # fmt: skip


def expected(files, table, lines):
    """The table's rows in the form in which ``said`` gives them."""
    starts = {line.name: line.facts.call.started_us for line in lines if line.facts}
    rows = {}
    for row in table.strip().splitlines():
        name, *words = row.split()
        given = dict(word.split("=") for word in words if "=" in word)
        words = [word for word in words if "=" not in word]
        if words == ["-"]:
            continue
        side = words[1] if words[0] == "side" else None
        if words[0] in {"root", "side"}:
            parent, method, branch = None, None, "main"
        else:
            parent, method, branch = full(files, words[0]), words[1], named(words[2], starts)
        task, attempt = (full(files, given[key]) if key in given else None for key in ("task", "attempt"))
        rows[full(files, name)] = (parent, method, branch, task, attempt, side)
    return rows


def full(files, name):
    """A line's name with its file."""
    return name if ":" in name else f"{files[0]}:{name}"


def named(branch, starts):
    """The name of a branch that opens with a line, in UTC."""
    from datetime import UTC, datetime

    kind, _, line = branch.partition("@")
    if not line:
        return branch
    at = datetime.fromtimestamp(starts[line] // 1_000_000, UTC)
    return f"{kind}_{at:%Y%m%d%H%M%S}" if kind == "branch" else f"{kind}_{at:%H%M%S}"


def said(lines, links):
    """What linking says, by the names of lines."""
    names = {line.facts.call.id: line.name for line in lines if line.facts}
    return {
        names[link.id]: (
            names.get(link.parent_request_id), link.link_method, link.branch_id, names.get(link.parent_task_request_id),
            names.get(link.attempt_of), link.side_call,
        )
        for link in links.values()
        if link.id in names
    }  # fmt: skip


@pytest.mark.parametrize("files", EXPECTED, ids=lambda files: files[-1])
def test_a_captured_story_becomes_the_tree_that_its_scenario_was(files):
    """Parent, evidence, branch, sub-agent and attempt of each call, as written down by hand."""
    lines = story(*files)
    links = forest(line.facts for line in lines if line.facts)
    assert said(lines, links) == expected(files, EXPECTED[files], lines)
    for link in links.values():
        parent = links.get(link.parent_request_id)
        assert link.is_subtask == (link.parent_task_request_id is not None)
        assert (parent is None) == (link.parent_message_hash is None)
        assert link.conversation_id == (parent.conversation_id if parent else (link.attempt_of or link.id))


def test_all_stories_in_one_train_do_not_touch_one_another():
    """Days apart, many of the same words: each story's tree is what it is alone."""
    whole, rows = [], {}
    for number, (files, table) in enumerate(EXPECTED.items()):
        if files == ("cc10-tools", "cc10-continue", "cc10-resume", "cc10-fork"):
            continue
        lines = story(*files, begin_ms=1_780_000_000_000 + number * 2 * 86_400_000)
        whole += lines
        rows |= expected(files, table, lines)
    assert said(whole, forest(line.facts for line in whole if line.facts)) == rows


def test_every_captured_file_has_its_row():
    """A new capture needs an expectation."""
    assert {file for files in EXPECTED for file in files} == set(FILES)
