"""What a request said, in a line: the user text that it added to the talk."""

from collections.abc import Sequence
from typing import Final

from core.labels import label
from core.normal_form import USER, Item
from core.redact import find_secrets, may_hold_secret

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
    folded = _folded(text, 2 * longest)
    if len(folded) <= longest and len(text) > 2 * longest:
        folded = _folded(text, 8 * longest)
    if len(folded) > longest and _may_cut_secret(folded, longest):
        folded = _folded(text, 8 * longest)
        longest = next((start for start, end in find_secrets(folded) if start < longest < end), longest)
    return label(folded[:longest], longest)


def _may_cut_secret(folded: str, at: int) -> bool:
    """Whether a secret may stand on both sides of a place. Of all secrets only a PEM key has blanks within."""
    begin, end = folded.rfind(" ", 0, at) + 1, folded.find(" ", at)
    return end < 0 or "-----" in folded[:end] or may_hold_secret(folded[begin:end])


def _folded(text: str, most: int) -> str:
    return " ".join(text[:most].split())
