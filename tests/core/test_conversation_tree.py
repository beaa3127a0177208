"""The tree of a conversation: a function of its rows, whatever is missing among them."""

from dataclasses import dataclass
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from core.conversation_tree import Tree
from core.graph import ALL, LONGEST_RUN, lines


@dataclass(frozen=True)
class Row:
    """What the tree needs of a request."""

    id: UUID
    parent_request_id: UUID | None = None
    attempt_of: UUID | None = None
    link_method: str | None = "reply"
    branch_id: str | None = "main"
    is_subtask: bool = False
    stop_reason: str | None = "tool_use"
    preview: str | None = None


def row(number, parent=None, **more):
    """A request by number."""
    return Row(UUID(int=number), None if parent is None else UUID(int=parent), **more)


def agent(number, parent, branch="subtask_1"):
    """A request of a sub-agent."""
    return row(number, parent, branch_id=branch, is_subtask=True, link_method="subagent")


def test_a_retry_stands_behind_the_attempt_it_repeats():
    """Failure, retry and what followed are one line, not a fork; who took up the failed answer forks there."""
    tree = Tree([row(1), row(2, 1), row(3, 1, attempt_of=UUID(int=2)), row(4, 3), row(5, 2)])
    assert tree.parents == [None, 0, 1, 2, 1]
    assert tree.path(3) == [0, 1, 2, 3]
    assert tree.fork(2).count == 2
    assert not tree.is_prompt(2)


def test_a_path_of_a_sub_agent_begins_where_it_was_launched():
    """Its transcript is its own; nested ones begin at their own root. The talk itself goes past it."""
    tree = Tree([row(1), agent(2, 1), agent(3, 2), agent(4, 3, "subtask_2"), row(5, 1)])
    assert tree.path(2) == [1, 2]
    assert tree.path(3) == [3]
    assert tree.path(4) == [0, 4]
    assert tree.newest_leaf() == 4
    assert tree.fork(4) is None
    assert [tree.is_launched(place) for place in range(5)] == [False, True, False, True, False]


def test_a_fork_knows_its_ways_and_their_newest_leaves():
    """The ways of a fork are its children in start order; each leads to the newest request behind it."""
    tree = Tree([row(1), row(2, 1), row(3, 1), row(4, 2), row(5, 1), row(6, 3)])
    fork = tree.fork(2)
    assert (fork.number, fork.count, fork.before, fork.after) == (2, 3, (1, 3), (4, 4))
    assert tree.fork(3) is None


def test_what_a_turn_is_follows_from_its_parents_stop():
    """Somebody spoke where a text was added, or where the answer before had ended; else a tool's result was brought."""
    ended = row(2, 1, stop_reason="end_turn")
    tree = Tree([row(1), ended, row(3, 2), row(4, 3), row(5, 4, preview="Wait")])
    assert [tree.is_prompt(place) for place in range(5)] == [True, False, True, False, True]


def test_what_is_missing_makes_roots_and_nothing_goes_round():
    """A parent that is not there, or that is not older, is none."""
    tree = Tree([row(3, 9), row(4, 4), row(5, 6), row(6, 5)])
    assert tree.parents == [None, None, None, 2]


def test_a_sub_agent_is_one_line_until_it_is_opened():
    """All of it, nested ones included; opened it shows its own, and what it launched is one line in turn."""
    tree = Tree([row(1), agent(2, 1), agent(3, 2), agent(4, 3, "subtask_2"), row(5, 1)])
    closed = lines(tree)
    assert [(line.kind, line.members) for line in closed] == [
        ("request", (0,)),
        ("subagent", (1, 2, 3)),
        ("request", (4,)),
    ]
    assert [line.lane for line in closed] == [0, 1, 0]
    opened = lines(tree, ["subtask_1"])
    assert [(line.kind, line.members) for line in opened] == [
        ("request", (0,)),
        ("request", (1,)),
        ("request", (2,)),
        ("subagent", (3,)),
        ("request", (4,)),
    ]
    assert len(lines(tree, [ALL])) == 5


def test_a_long_straight_run_of_tool_turns_is_one_line():
    """Nine fold, eight do not; prompts, branch points and the end of the talk stay to be seen."""
    for length, folded in ((LONGEST_RUN, False), (LONGEST_RUN + 1, True)):
        tree = Tree([row(1), *(row(n, n - 1) for n in range(2, length + 3))])
        kinds = [line.kind for line in lines(tree)]
        assert ("run" in kinds) is folded
        assert kinds[0] == kinds[-1] == "request"
        assert all(line.kind == "request" for line in lines(tree, [str(UUID(int=2))]))


TREES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5), st.booleans()), min_size=1, max_size=60)


def generated(shape):
    """Rows of any shape: each hangs on an earlier one, some are sub-agents, some attempts."""
    rows = [row(1)]
    for number, (back, kind, ends) in enumerate(shape, 2):
        parent = rows[max(0, len(rows) - 1 - back)]
        branch = f"subtask_{number}" if kind == 0 else parent.branch_id
        branch = f"branch_{number}" if kind == 1 and not parent.is_subtask else branch
        if kind == 5 and parent.parent_request_id is not None:
            first = parent.attempt_of or parent.id
            rows.append(
                Row(UUID(int=number), parent.parent_request_id, first, "reply", parent.branch_id, parent.is_subtask)
            )
            continue
        rows.append(
            Row(
                UUID(int=number),
                parent.id,
                None,
                "reply",
                branch,
                kind == 0 or parent.is_subtask,
                "end_turn" if ends else "tool_use",
            )
        )
    return rows


@given(TREES, st.booleans())
def test_every_request_is_on_one_line_and_no_two_branches_share_a_lane_at_once(shape, opened):
    """Lines partition the requests; while an edge passes, nobody else stands in its lane; a first child stays in it."""
    tree = Tree(generated(shape))
    found = lines(tree, [ALL] if opened else [])
    assert sorted(member for line in found for member in line.members) == list(range(len(tree.rows)))
    for number, line in enumerate(found):
        if line.parent is None:
            continue
        assert line.parent < number
        between = found[line.parent + 1 : number]
        assert line.lane not in [other.lane for other in between]
        assert 1 <= line.number <= line.siblings


@given(TREES)
def test_paths_end_where_asked_and_follow_edges(shape):
    """From a beginning to the leaf, each the parent of the next; every newest leaf is reachable."""
    tree = Tree(generated(shape))
    for leaf in range(len(tree.rows)):
        path = tree.path(leaf)
        assert path[-1] == leaf
        assert [tree.parents[place] for place in path[1:]] == path[:-1]
        assert leaf in tree.path(tree.newest_leaf(leaf))
