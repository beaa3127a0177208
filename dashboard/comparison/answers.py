"""The shape of a comparison in the JSON API."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from dashboard.comparison.requests import Diff
from dashboard.recordings.answers import Answer
from dashboard.render.hidden import sendable


class DiffLine(Answer):
    """A line of a changed part."""

    sign: Literal["-", "+", " ", "…"] = Field(description="Only before, only after, on both sides; so many left out")
    text: str = Field(description="Secrets are masked")
    marks: list[tuple[int, int]] = Field(description="Ranges of characters in which it differs from its counterpart")
    count: int = Field(description="Lines that did not change and are left out here")


class DiffChange(Answer):
    """A part that is not the same in both requests."""

    kind: Literal["added", "removed", "changed"]
    title: str
    before: int | None = Field(description="Its number in the other request, from 1; null where it is not there")
    after: int | None = Field(description="Its number in this request, from 1; null where it is not there")
    lines: list[DiffLine]
    lines_left_out: int


class DiffSection(Answer):
    """What changed of one kind of part."""

    name: Literal["options", "tools", "system", "messages"]
    same: int = Field(description="Parts that did not change")
    moved: bool = Field(description="Whether the same parts stand in another order")
    changes: list[DiffChange]
    changes_left_out: int


class DiffAnswer(Answer):
    """What changed from one request to another."""

    id: UUID
    against: UUID
    identical: bool
    complete: bool = Field(description="Whether all was aligned; else some parts are shown as removed and added")
    masked: int = Field(description="Secrets that are masked in the lines")
    sections: list[DiffSection]


def answer_of(request: UUID, against: UUID, diff: Diff) -> DiffAnswer:
    """A comparison as the API gives it."""
    sections = [
        DiffSection(
            name=section.name,
            same=section.same,
            moved=section.moved,
            changes_left_out=section.left_out,
            changes=[
                DiffChange(
                    kind=change.kind,
                    title=sendable(change.title),
                    before=change.before,
                    after=change.after,
                    lines_left_out=change.left_out,
                    lines=[
                        DiffLine(sign=line.sign, text=sendable(line.text), marks=list(line.marks), count=line.count)
                        for line in change.lines
                    ],
                )
                for change in section.changes
            ],
        )
        for section in diff.sections
    ]
    return DiffAnswer(
        id=request,
        against=against,
        identical=diff.identical,
        complete=diff.complete,
        masked=diff.masked,
        sections=sections,
    )
