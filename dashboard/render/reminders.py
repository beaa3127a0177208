"""Where a client put words into somebody's mouth: the ``<system-reminder>`` parts of a text, found in one pass."""

from collections.abc import Iterator

_OPENS, _CLOSES = "<system-reminder>", "</system-reminder>"


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The text in its parts, in order: (is a reminder, its text). An opening without its end is ordinary text.

    Not a regular expression: thousands of openings without an end would make one quadratic.
    """
    position = 0
    while (start := text.find(_OPENS, position)) >= 0:
        end = text.find(_CLOSES, start)
        if end < 0:
            break
        yield False, text[position:start]
        yield True, text[start + len(_OPENS) : end].strip("\n")
        position = end + len(_CLOSES)
    yield False, text[position:]
