"""Two sequences side by side: which stretches are the same and which stand against each other."""

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from dashboard.comparison.budget import Budget

MOST_COMPARED = 100
"""Items of each side that difflib is given at once: a tenth of a second on the worst text."""


class Stretch(NamedTuple):
    """``before[a:b]`` stands against ``after[c:d]``; ``same`` where they are equal."""

    same: bool
    a: int
    b: int
    c: int
    d: int


def aligned(before: Sequence[Hashable], after: Sequence[Hashable], budget: Budget) -> list[Stretch]:
    """The stretches of two sequences in order. Linear but for what stands between items that occur once in both."""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    made = [Stretch(True, 0, head, 0, head)]
    made += _between(before, after, head, len(before) - tail, head, len(after) - tail, budget)
    made.append(Stretch(True, len(before) - tail, len(before), len(after) - tail, len(after)))
    return list(_joined(stretch for stretch in made if stretch.b > stretch.a or stretch.d > stretch.c))


def _common(before: Sequence[Hashable], after: Sequence[Hashable]) -> int:
    return next(
        (at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
        min(len(before), len(after)),
    )


def _between(
    before: Sequence[Hashable], after: Sequence[Hashable], a: int, b: int, c: int, d: int, budget: Budget
) -> Iterator[Stretch]:
    at, other = a, c
    for i, j in _anchors(before[a:b], after[c:d]):
        yield from _gap(before, after, Stretch(False, at, a + i, other, c + j), budget)
        yield Stretch(True, a + i, a + i + 1, c + j, c + j + 1)
        at, other = a + i + 1, c + j + 1
    yield from _gap(before, after, Stretch(False, at, b, other, d), budget)


def _anchors(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Places of items that occur once on either side, the longest chain of them that keeps both orders."""
    once, there = _once(before), _once(after)
    pairs = [(i, there[item]) for item, i in once.items() if item in there]
    ends: list[int] = []
    tops: list[int] = []
    behind: list[int | None] = []
    for number, (_, j) in enumerate(pairs):
        at = bisect_left(ends, j)
        behind.append(tops[at - 1] if at else None)
        ends[at : at + 1], tops[at : at + 1] = [j], [number]
    chain: list[tuple[int, int]] = []
    last = tops[-1] if tops else None
    while last is not None:
        chain.append(pairs[last])
        last = behind[last]
    return chain[::-1]


def _once(items: Sequence[Hashable]) -> dict[Hashable, int]:
    counts = Counter(items)
    return {item: at for at, item in enumerate(items) if counts[item] == 1}


def _gap(before: Sequence[Hashable], after: Sequence[Hashable], gap: Stretch, budget: Budget) -> Iterator[Stretch]:
    _, a, b, c, d = gap
    if a == b or c == d:
        yield gap
        return
    if max(b - a, d - c) > MOST_COMPARED:
        budget.coarse = True
        yield gap
        return
    if not budget.in_time():
        yield gap
        return
    matcher = difflib.SequenceMatcher(None, before[a:b], after[c:d], autojunk=False)
    for kind, i, j, k, m in matcher.get_opcodes():
        yield Stretch(kind == "equal", a + i, a + j, c + k, c + m)


def _joined(stretches: Iterator[Stretch]) -> Iterator[Stretch]:
    last: Stretch | None = None
    for stretch in stretches:
        if last is not None and last.same == stretch.same:
            last = Stretch(last.same, last.a, stretch.b, last.c, stretch.d)
            continue
        if last is not None:
            yield last
        last = stretch
    if last is not None:
        yield last
