"""The tree that pages draw: order, folds and lanes."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from core.tree import FOLDED_FROM, Row, fold, grow, lay_out


def row(number, parent=None, branch="main", **more):
    """A row by small numbers."""
    return Row(UUID(int=number), None if parent is None else UUID(int=parent), branch, **more)


def drawn(*rows, expanded=()):
    """Per line: the numbers of its nodes, its lane, the line it hangs on."""
    graph = lay_out(fold(grow(rows), [UUID(int=number) for number in expanded]))
    return [([node.row.id.int for node in line.nodes], line.lane, line.parent) for line in graph.lines]


def test_one_path_is_one_lane():
    """Whatever the order of the rows."""
    assert drawn(row(3, 2), row(1), row(2, 1)) == [([1], 0, None), ([2], 0, 0), ([3], 0, 1)]


def test_the_branch_goes_on_in_its_lane_and_others_beside_it():
    """A sub-agent that begins before the main path goes on does not take its lane."""
    rows = [row(1), row(2, 1, "subtask_1"), row(3, 1, "subtask_2"), row(4, 2, "subtask_1"), row(5, 1), row(6, 5)]
    assert [(numbers, lane) for numbers, lane, _ in drawn(*rows)] == [
        ([1], 0), ([2], 1), ([3], 2), ([4], 1), ([5], 0), ([6], 0),
    ]  # fmt: skip


def test_a_lane_is_free_after_the_last_line_of_its_branch():
    """The next branch takes the lowest."""
    rows = [row(1), row(2, 1), row(3, 1, "b1"), row(4, 2), row(5, 4), row(6, 4, "b2"), row(7, 5)]
    assert [lane for _, lane, _ in drawn(*rows)] == [0, 0, 1, 0, 0, 1, 0]


def test_after_a_compaction_the_lane_goes_on():
    """The only child is the heir, whatever its branch."""
    assert [lane for _, lane, _ in drawn(row(1), row(2, 1), row(3, 2, "compact_101010"))] == [0, 0, 0]


def test_attempts_are_one_node():
    """Children of any of them hang on it; order, place and depth are the node's."""
    nodes = grow([row(1), row(2, attempt_of=UUID(int=1)), row(3, 2), row(4, 1, "b"), row(5, 99)])
    assert [node.row.id.int for node in nodes] == [1, 3, 4, 5]
    assert [attempt.id.int for attempt in nodes[0].attempts] == [2]
    assert [(child.row.id.int, child.place, child.depth) for child in nodes[0].children] == [(3, 1, 1), (4, 2, 1)]
    assert nodes[3].parent is None


def test_straight_tool_runs_are_folded():
    """From nine turns on; expanded where asked; a branch point, an attempt or a prompt ends a run."""
    run = [row(number, number - 1, tool_turn=True) for number in range(2, 12)]
    rows = [row(1), *run, row(12, 11)]
    folded = list(range(2, 12))
    assert drawn(*rows) == [([1], 0, None), (folded, 0, 0), ([12], 0, 1)]
    assert len(drawn(*rows, expanded=[2])) == 12
    assert len(drawn(row(1), *run[: FOLDED_FROM - 1])) == FOLDED_FROM
    assert len(drawn(*rows, row(13, 6, "b"))) == 13
    assert len(drawn(*rows, row(13, attempt_of=UUID(int=6)))) == 12


trees = st.lists(st.tuples(st.integers(0, 60), st.sampled_from(["main", "a", "b"]), st.booleans()), max_size=60)


@given(trees)
def test_no_two_edges_run_over_each_other(shape):
    """Between a line and the one it hangs on nothing else stands in its lane, and every node is drawn once."""
    rows = [
        row(number + 1, min(parent, number) or None, branch, tool_turn=tool)
        for number, (parent, branch, tool) in enumerate(shape)
    ]
    graph = lay_out(fold(grow(rows)))
    assert sorted(node.row.id.int for line in graph.lines for node in line.nodes) == [one.id.int for one in rows]
    assert graph.lanes == len({line.lane for line in graph.lines})
    busy = {}
    for number, line in enumerate(graph.lines):
        begin = number if line.parent is None else line.parent
        assert begin <= number
        for other in range(begin + 1, number + 1):
            assert busy.setdefault((other, line.lane), number) == number
