"""What a request said, in a line: the user text that it added to the talk."""

from collections.abc import Sequence
from typing import Final

from core.labels import label
from core.normal_form import USER, Item
from core.redact import REACH, find_secrets, may_hold_secret

LONGEST: Final = 200


def preview(items: Sequence[Item]) -> str | None:
    """The last text behind the last item of the model, cut; None where only tool results stand there."""
    for item in reversed(items):
        if item.role != USER:
            return None
        if item.text is not None:
            return line(item.text, LONGEST)
    return None


def line(text: str, longest: int) -> str | None:
    """The beginning of a text on one line, at most so many characters; None where there is none.

    It never ends within a secret: of half a secret nobody could tell any more that it must be masked.
    """
    folded = " ".join(text[: 2 * longest].split())
    if len(text) > 2 * longest and (len(folded) < longest + REACH or may_hold_secret(folded)):
        folded = " ".join(text[: 8 * longest].split())
    if len(folded) > longest:
        longest = next((start for start, end in find_secrets(folded) if start < longest < end), longest)
    return label(folded[:longest], longest)
