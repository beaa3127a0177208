"""The thumbnail of a conversation: a mark for what one looks for, and never anything but a small drawing."""

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as some

from dashboard.render import spark

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
ELEMENT = some.fixed_dictionaries(
    {},
    optional={"lane": JSON, "parent": JSON | some.integers(-2, 9), "kind": JSON | some.sampled_from([*spark._MARKS])},
)


def paths(shape):
    """The drawing's paths by their class."""
    root = ET.fromstring(str(spark.drawn(shape)))  # noqa: S314  our own
    assert {each.tag for each in root} <= {"path"}
    return {each.attrib["class"]: each.attrib["d"] for each in root}


def test_lanes_and_marks_are_a_path_each():
    """A fork has its own lane; errors, compactions and sub-agents are marked where they happened."""
    shape = [
        {"lane": 0},
        {"lane": 0, "parent": 0, "kind": "error"},
        {"lane": 1, "parent": 0, "kind": "subagent"},
        {"lane": 0, "parent": 1, "kind": "compaction"},
        {"lane": 0, "parent": 3, "kind": "error"},
    ]
    found = paths(shape)
    assert set(found) == {"s0", "s1", "s-error", "s-agent", "s-joint"}
    assert {name: path.count("M") for name, path in found.items()} == {
        "s0": 3, "s1": 1, "s-error": 2, "s-agent": 1, "s-joint": 2,
    }  # fmt: skip
    assert found["s1"].startswith("M3.0 3.5L6.0 6.7H")


def test_a_single_request_is_a_dot():
    """Else nothing would be seen; nothing at all is an empty drawing."""
    assert set(paths([{"lane": 0}])) == {"s-dot"}
    assert paths([]) == {}


@given(some.lists(ELEMENT | JSON, max_size=9) | JSON)
def test_whatever_is_stored_can_be_drawn(shape):
    """Any JSON gives a drawing of paths."""
    for path in paths(shape).values():
        assert set(path) <= set("MLHhvalz0123456789. -")
