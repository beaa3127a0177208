"""Arrays that travel side by side, to be unnested into rows."""

from typing import TypeVar

T = TypeVar("T")


def trimmed(values: list[T]) -> list[T]:
    """A column without the NULLs at its end: unnest gives them for what an array lacks that others have.

    The driver takes as long over a NULL as over a number, and most columns have no value in most rows. One column at
    least must be sent whole, or there are fewer rows.
    """
    size = len(values)
    while size and values[size - 1] is None:
        size -= 1
    return values if size == len(values) else values[:size]
