"""Values that are made quickly are values all the same."""

from copy import copy
from dataclasses import FrozenInstanceError, dataclass, fields
from dataclasses import replace as slowly_replaced
from typing import Any

import pytest

from core.valueclass import replace, valueclass


@valueclass(frozen=True, slots=True)
class Quick:
    """One made quickly."""

    one: int
    other: str = "x"


@dataclass(frozen=True, slots=True)
class Slow:
    """One as it would be otherwise."""

    one: int
    other: str = "x"


def test_a_value_is_compared_hashed_and_shown_as_a_frozen_dataclass() -> None:
    """It may be a key, and two that say the same are one."""
    assert Quick(1) == Quick(1, "x") != Quick(2)
    assert hash(Quick(1)) == hash(Slow(1))
    assert len({Quick(1), Quick(1), Quick(2)}) == 2
    assert repr(Quick(1)) == "Quick(one=1, other='x')"
    assert [field.name for field in fields(Quick)] == [field.name for field in fields(Slow)]


def test_a_value_is_replaced_and_sent_to_another_process() -> None:
    """What pickle does is what copy does: large calls are derived elsewhere."""
    assert replace(Quick(1), other="y") == slowly_replaced(Quick(1), other="y") == Quick(1, "y")
    assert replace(Quick(1, "y"), one=2, other="z") == Quick(2, "z")
    assert replace(Slow(1), other="y") == Slow(1, "y")
    assert copy(Quick(3)) == Quick(3)


def test_a_value_has_no_other_fields() -> None:
    """A slip of the pen is found; what is there is guarded by the type checker alone."""
    anything: Any = Quick(1)
    with pytest.raises(KeyError):
        replace(anything, another=1)
    with pytest.raises(AttributeError):
        anything.another = 1
    slow: Any = Slow(1)
    with pytest.raises(FrozenInstanceError):
        slow.one = 2
