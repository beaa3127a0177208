"""A comparison of two requests as markup: sections, changed parts, lines with what differs in them marked."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboard.comparison.budget import Budget
from dashboard.comparison.changes import Line
from dashboard.comparison.requests import Change, Name, Section, compared
from dashboard.comparison.stored import Side
from dashboard.render import figures
from dashboard.render.hidden import visible
from dashboard.render.messages import sent_in

TITLES: dict[Name, str] = {
    "options": "Options",
    "tools": "Tools",
    "system": "System prompt",
    "messages": "Messages",
}
_KINDS = {"-": "del", "+": "add", " ": "same"}
_LINE = Markup('<span class="d-{kind}"><span class="d-sign">{sign}</span>{text}</span>')
_SKIPPED = Markup('<span class="d-skip">⋯ {} not changed</span>')
_HIT = Markup("<b>{}</b>")


@dataclass(frozen=True, slots=True)
class Part:
    """A changed part, drawn."""

    change: Change
    body: Markup

    @property
    def added(self) -> int:
        """Lines that are new."""
        return sum(line.sign == "+" for line in self.change.lines)

    @property
    def removed(self) -> int:
        """Lines that are gone."""
        return sum(line.sign == "-" for line in self.change.lines)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A section, drawn."""

    title: str
    section: Section
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole comparison, drawn; ``fault`` says which side cannot be compared and why."""

    sections: Sequence[Drawn] = ()
    masked: int = 0
    complete: bool = True
    identical: bool = False
    fault: tuple[str, str] | None = None
    """Which side (``own`` or ``other``), and why in words."""


def drawn(own: Side, other: Side) -> Comparison:
    """What changed from the other request to this one. Never raises on any recorded bytes."""
    for which, side in (("own", own), ("other", other)):
        if side.fault is not None:
            return Comparison(fault=(which, _FAULTS[side.fault]))
    try:
        before, after = sent_in(other.body or b""), sent_in(own.body or b"")
        diff = compared(before, after, Budget(time.monotonic))
    except ValueError as exc:
        return Comparison(fault=("one", f"is no request that can be compared: {exc}"))
    sections = [
        Drawn(TITLES[section.name], section, [Part(change, _body(change.lines)) for change in section.changes])
        for section in diff.sections
    ]
    return Comparison(sections, diff.masked, diff.complete, diff.identical)


_FAULTS = {
    "running": "is still being recorded",
    "missing": "is not stored: none was sent, or its train keeps metadata only, or retention has removed it",
    "too_large": "is too large to be compared here",
}


def _body(lines: Sequence[Line]) -> Markup:
    return Markup("").join(map(_line, lines))


def _line(line: Line) -> Markup:
    if line.sign == "…":
        return _SKIPPED.format(figures.plural(line.count, "line"))
    return _LINE.format(kind=_KINDS[line.sign], sign=line.sign, text=_text(line))


def _text(line: Line) -> Markup:
    out, position = [], 0
    for start, end in line.marks:
        out += [visible(line.text[position:start]), _HIT.format(visible(line.text[start:end]))]
        position = end
    return Markup("").join([*out, visible(line.text[position:])])
