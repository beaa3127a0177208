"""What a request said, in a line: the user text that it added to the talk."""

from collections.abc import Sequence
from typing import Final

from core.labels import label
from core.normal_form import USER, Item

LONGEST: Final = 200


def preview(items: Sequence[Item]) -> str | None:
    """The last text behind the last item of the model, cut; None where only tool results stand there."""
    for item in reversed(items):
        if item.role != USER:
            return None
        if item.text is not None:
            return label(" ".join(item.text[: 8 * LONGEST].split()), LONGEST)
    return None
