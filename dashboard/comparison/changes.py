"""Lines of one part against those of the other: what is gone, what is new, and where within a line it differs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dashboard.comparison.alignment import aligned
from dashboard.comparison.budget import MOST_LINES_OF_A_PART, Budget

AROUND = 3
"""Lines that did not change, shown around those that did."""
LONGEST_LINE = 1_000
BEFORE_CHANGE = 120
"""Of a longer line so much is shown before the place where it differs."""
MOST_WORDS = 80
"""Words of a line that are compared with those of the other."""
_WORD = re.compile(r"\w+|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``-`` only before, ``+`` only after, a blank on both sides, ``…`` so many lines left out (``count``).

    ``marks`` are the ranges of characters in which it differs from the line it stands against.
    """

    sign: Literal["-", "+", " ", "…"]
    text: str
    marks: tuple[tuple[int, int], ...] = ()
    count: int = 0


def changed(before: Sequence[str], after: Sequence[str], budget: Budget) -> tuple[tuple[Line, ...], int]:
    """The lines of a change and how many are left out."""
    made: list[Line] = []
    for stretch in aligned(before, after, budget):
        if stretch.same:
            made += [Line(" ", text) for text in after[stretch.c : stretch.d]]
        else:
            made += _against(before[stretch.a : stretch.b], after[stretch.c : stretch.d], budget)
    folded = _folded(made)
    most = max(0, min(budget.lines, MOST_LINES_OF_A_PART))
    budget.lines -= min(most, len(folded))
    return tuple(folded[:most]), len(folded) - min(most, len(folded))


def _folded(lines: Sequence[Line]) -> list[Line]:
    """Runs of lines that did not change, but for those beside one that did, as one line."""
    changed = [at for at, line in enumerate(lines) if line.sign != " "]
    near = {beside for at in changed for beside in range(at - AROUND, at + AROUND + 1)}
    made: list[Line] = []
    for at, line in enumerate(lines):
        if at in near or not changed:
            made.append(Line(line.sign, _short(line.text, 0)[0]) if line.sign == " " else line)
        elif made and made[-1].sign == "…":
            made[-1] = Line("…", "", count=made[-1].count + 1)
        else:
            made.append(Line("…", "", count=1))
    return made


def _against(before: Sequence[str], after: Sequence[str], budget: Budget) -> list[Line]:
    """Lines that stand against each other, those of one place with what differs within them marked."""
    gone, come = [], []
    for one, other in zip(before, after, strict=False):
        old, new = _marked(one, other, budget)
        gone.append(old)
        come.append(new)
    gone += [Line("-", _short(text, 0)[0]) for text in before[len(gone) :]]
    come += [Line("+", _short(text, 0)[0]) for text in after[len(come) :]]
    return gone + come


def _marked(one: str, other: str, budget: Budget) -> tuple[Line, Line]:
    differs = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    (old, cut), (new, _) = _short(one, differs), _short(other, differs)
    words, theirs = _WORD.findall(old), _WORD.findall(new)
    if max(len(words), len(theirs)) > MOST_WORDS or not budget.in_time():
        start = min(differs - cut, len(old), len(new)) if cut <= differs else 0
        marks = ((start, len(old)),) if 0 < start < len(old) else ()
        return Line("-", old, marks), Line("+", new, ((start, len(new)),) if 0 < start < len(new) else ())
    gone: list[tuple[int, int]] = []
    come: list[tuple[int, int]] = []
    for stretch in aligned(words, theirs, budget):
        if not stretch.same:
            gone.append(_range(words, stretch.a, stretch.b))
            come.append(_range(theirs, stretch.c, stretch.d))
    return Line("-", old, _told(gone, old)), Line("+", new, _told(come, new))


def _range(words: Sequence[str], first: int, end: int) -> tuple[int, int]:
    start = sum(map(len, words[:first]))
    return start, start + sum(map(len, words[first:end]))


def _told(marks: Sequence[tuple[int, int]], text: str) -> tuple[tuple[int, int], ...]:
    """The marks; none where nearly all of the line would be marked: that says nothing."""
    shown = tuple(mark for mark in marks if mark[1] > mark[0])
    return shown if sum(end - start for start, end in shown) < 0.8 * len(text) else ()


def _short(text: str, differs: int) -> tuple[str, int]:
    """The line, of a long one what is around the place where it differs, and how much is cut in front."""
    if len(text) <= LONGEST_LINE:
        return text, 0
    start = max(0, differs - BEFORE_CHANGE)
    shown = text[start : start + LONGEST_LINE]
    rest = len(text) - start - len(shown)
    before = f"…({start} characters) " if start else ""
    after = f" …({rest} characters)" if rest else ""
    return before + shown + after, start - len(before)
