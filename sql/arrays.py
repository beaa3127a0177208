"""Arrays that travel side by side, to be unnested into rows."""

from collections.abc import MutableMapping
from typing import Any, Final, TypeVar

T = TypeVar("T")

ASKED_OF_EACH: Final = {"IterableABC": list, "SizedABC": list, "MappingABC": dict}
"""What the driver asks of every element, to find arrays in arrays, and what it asks instead."""


def ask_quickly(names: MutableMapping[str, Any]) -> None:
    """Have the driver ask for lists, not for whatever can be iterated: an array must be one.

    It asks abstract classes, in Python: 0.25 of the 0.4 µs that an element took (asyncpg 0.32, 500 elements), and a
    recorded call is some 250 elements. A driver without these names would be as slow as it ever was.
    """
    names.update({name: kinds for name, kinds in ASKED_OF_EACH.items() if name in names})


def as_list(given: Any) -> Any:
    """A tuple as the list that the driver knows for an array; anything else as it is."""
    return list(given) if type(given) is tuple else given


def trimmed(values: list[T | None]) -> list[T | None]:
    """A column without the NULLs at its end: unnest gives them for what an array lacks that others have.

    The driver takes as long over a NULL as over a number, and most columns have no value in most rows. One column at
    least must be sent whole, or there are fewer rows.
    """
    if not values or values[-1] is not None:
        return values
    if values.count(None) == len(values):  # in C, and most columns are like that
        return []
    size = len(values)
    while values[size - 1] is None:
        size -= 1
    return values[:size]
