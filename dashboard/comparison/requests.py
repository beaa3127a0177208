"""Two request bodies compared, in the order of the cache prefix: tools, system, messages; before them the options."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from core.normal_form import without_cache_control
from dashboard.comparison.alignment import Stretch, aligned
from dashboard.comparison.budget import MOST_CHANGES, Budget
from dashboard.comparison.changes import Line, changed
from dashboard.comparison.lines import lines_of
from dashboard.render.messages import messages_of, role_of

Kind = Literal["added", "removed", "changed"]
Name = Literal["options", "tools", "system", "messages"]
Pair = tuple[int | None, int | None]
"""A part before and the one that stands against it, by their places; None on a side where there is none."""
_APART = frozenset({"tools", "system", "messages"})


@dataclass(frozen=True, slots=True)
class Change:
    """A part that is not the same on both sides; numbers count from 1, None where it is not on that side."""

    kind: Kind
    title: str
    before: int | None
    after: int | None
    lines: tuple[Line, ...]
    left_out: int = 0
    """Lines that are not shown."""


@dataclass(slots=True)
class Section:
    """What changed of one kind of part. ``same`` parts did not; ``left_out`` changes are not shown."""

    name: Name
    same: int = 0
    changes: list[Change] = field(default_factory=list)
    left_out: int = 0
    moved: bool = False
    """Whether the same parts stand in another order."""


@dataclass(frozen=True, slots=True)
class Diff:
    """The whole comparison. ``complete`` says that all of it was aligned: nothing was too large, time was enough."""

    sections: tuple[Section, ...]
    masked: int
    complete: bool

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return not any(section.changes or section.left_out or section.moved for section in self.sections)


def compared(before: Mapping[str, Any], after: Mapping[str, Any], budget: Budget) -> Diff:
    """What changed from one request to the other. Raises ValueError where they are nested too deeply."""
    try:
        sections = (
            _options(before, after, budget),
            _sequence("tools", _listed(before.get("tools")), _listed(after.get("tools")), budget),
            _sequence("system", _listed(before.get("system")), _listed(after.get("system")), budget),
            _sequence("messages", messages_of(before), messages_of(after), budget),
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return Diff(sections, budget.mask.hidden, not (budget.late or budget.coarse))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _options(before: Mapping[str, Any], after: Mapping[str, Any], budget: Budget) -> Section:
    one, other = ({name: value for name, value in sent.items() if name not in _APART} for sent in (before, after))
    section = Section("options", same=sum(1 for name in one if name in other and one[name] == other[name]))
    if one != other:
        lines, left = changed(lines_of(one, budget.mask), lines_of(other, budget.mask), budget)
        section.changes.append(Change("changed", "options", 1, 1, lines, left))
    return section


def _sequence(name: Name, before: Sequence[Any], after: Sequence[Any], budget: Budget) -> Section:
    section = Section(name)
    pairs = _by_name(before, after) if name == "tools" else _by_text(name, before, after, budget)
    for i, j in pairs:
        if i is not None and j is not None and before[i] == after[j]:
            section.same += 1
        elif len(section.changes) >= MOST_CHANGES:
            section.left_out += 1
        else:
            section.changes.append(_change(name, (i, j), before, after, budget))
    kept = [i for i, j in pairs if i is not None and j is not None]
    section.moved = kept != sorted(kept)
    return section


def _by_text(name: Name, before: Sequence[Any], after: Sequence[Any], budget: Budget) -> list[Pair]:
    """Parts paired by what they say, cache marks aside: these move from turn to turn."""
    stretches = aligned([_digest(part) for part in before], [_digest(part) for part in after], budget)
    return [pair for stretch in stretches for pair in _pairs(name, before, after, stretch)]


def _digest(part: Any) -> bytes:
    return hashlib.sha256(json.dumps(without_cache_control(part)).encode()).digest()


def _pairs(name: Name, before: Sequence[Any], after: Sequence[Any], stretch: Stretch) -> list[Pair]:
    """Which part stands against which: of a stretch that differs those of one place, if one role said them."""
    ours, theirs = range(stretch.a, stretch.b), range(stretch.c, stretch.d)
    if stretch.same:
        return list(zip(ours, theirs, strict=True))
    many = min(len(ours), len(theirs))
    paired: list[Pair] = []
    for i, j in zip(ours, theirs, strict=False):
        alike = name != "messages" or role_of(before[i]) == role_of(after[j])
        paired += [(i, j)] if alike else [(i, None), (None, j)]
    return [*paired, *((i, None) for i in ours[many:]), *((None, j) for j in theirs[many:])]


def _by_name(before: Sequence[Any], after: Sequence[Any]) -> list[Pair]:
    """Tools of one name, in the order of the later request; those that are gone come first."""
    places: dict[str, list[int]] = {}
    for i, tool in enumerate(before):
        places.setdefault(_tool_name(tool), []).append(i)
    for waiting in places.values():
        waiting.reverse()
    paired: list[Pair] = []
    for j, tool in enumerate(after):
        waiting = places.get(_tool_name(tool), [])
        paired.append((waiting.pop() if waiting else None, j))
    return [*((i, None) for left in places.values() for i in left), *paired]


def _tool_name(tool: Any) -> str:
    name = tool.get("name") if isinstance(tool, dict) else None
    return name if isinstance(name, str) else ""


def _change(name: Name, pair: Pair, before: Sequence[Any], after: Sequence[Any], budget: Budget) -> Change:
    i, j = pair
    one = [] if i is None else lines_of(before[i], budget.mask)
    other = [] if j is None else lines_of(after[j], budget.mask)
    kind: Kind = "added" if i is None else "removed" if j is None else "changed"
    part = before[i] if i is not None else after[j or 0]
    lines, left = changed(one, other, budget)
    return Change(kind, _title(name, part), _number(i), _number(j), lines, left)


def _number(at: int | None) -> int | None:
    return None if at is None else at + 1


def _title(name: Name, part: Any) -> str:
    if name == "messages":
        return role_of(part)
    return (_tool_name(part) or "tool without a name") if name == "tools" else "system part"
