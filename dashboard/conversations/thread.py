"""A window of one path of a conversation, and the few bodies that hold all of it.

A transcript repeats what went before: the last request of a stretch in which each transcript begins with the one before
it (as the evidence of their links says) holds what all of them added. Only where that ends another body is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dashboard.conversations.talk import TalkTree
from dashboard.recordings.bodies import MOST_SHOWN_BYTES
from sql.database import Database
from sql.rows.conversations import AnswerRow, RequestBytesRow, ToolCallRow

BLOCKS = 200
"""Blocks of a window, counted by items; about what a person scrolls through."""
MOST_BYTES = 24 * 1024 * 1024
"""Bodies of a window together; where stretches are short the window is."""
USUAL_BLOCKS = 3
"""What a request shows where its items are not counted."""


@dataclass(frozen=True, slots=True)
class Window:
    """Part ``first:end`` of a path. ``sources`` name for each request the one whose body holds what it added."""

    tree: TalkTree
    path: Sequence[int]
    first: int
    end: int
    sources: Mapping[int, int]

    @property
    def places(self) -> Sequence[int]:
        """The requests of the window, as places in the tree."""
        return self.path[self.first : self.end]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the window needs from storage, by request."""

    bodies: Mapping[UUID, bytes | None]
    messages: Mapping[UUID, dict[str, Any] | None]
    calls: Mapping[UUID, list[ToolCallRow]]


def window_before(tree: TalkTree, path: Sequence[int], end: int) -> Window:
    """The window that ends before this part of the path."""
    first, blocks, octets = end, 0, 0
    sources: dict[int, int] = {}
    while first > 0 and blocks < BLOCKS:
        source, cost = _source(tree, path, first - 1, end, sources)
        if octets + cost > MOST_BYTES and first < end:
            break
        first, octets = first - 1, octets + cost
        sources[path[first]] = source
        blocks += _blocks(tree, path[first])
    return Window(tree, path, first, end, sources)


def window_from(tree: TalkTree, path: Sequence[int], first: int) -> Window:
    """The window that begins with this part of the path."""
    end, blocks = first, 0
    while end < len(path) and blocks < BLOCKS:
        blocks += _blocks(tree, path[end])
        end += 1
    window = window_before(tree, path, end)
    while window.first > first and window.end > first + 1:
        # Bodies too large for so many: fewer of them.
        window = window_before(tree, path, first + max(1, (window.end - first) // 2))
    return window


def window_of(tree: TalkTree, path: Sequence[int], at: int) -> Window:
    """The window of this part of the path alone."""
    return Window(tree, path, at, at + 1, {path[at]: path[at]})


async def stored(database: Database, train: int, window: Window) -> Stored:
    """Everything the window shows, in three queries."""
    ids = [window.tree.rows[place].id for place in window.places]
    # The first request brings the answer before it as history: whether that is recorded decides what is new.
    before = [window.tree.rows[place].id for place in window.path[max(0, window.first - 1) : window.first]]
    wanted = sorted({window.tree.rows[source].id for source in window.sources.values()})
    bodies = await database.fetch("request_bodies_of", RequestBytesRow, train, wanted)
    answers = await database.fetch("answers_of", AnswerRow, train, before + ids, MOST_SHOWN_BYTES)
    calls: dict[UUID, list[ToolCallRow]] = {}
    for call in await database.fetch("tool_calls_of", ToolCallRow, train, ids):
        calls.setdefault(call.id, []).append(call)
    return Stored({row.id: row.body for row in bodies}, {row.id: row.message for row in answers}, calls)


def _source(tree: TalkTree, path: Sequence[int], at: int, end: int, sources: Mapping[int, int]) -> tuple[int, int]:
    """Whose body holds what this request added, and how many bytes that is beyond those that are read anyway."""
    place = path[at]
    row = tree.rows[place]
    if at + 1 < end and row.item_count is not None:
        after = path[at + 1]
        source = sources[after]
        # What is still running has no body to read yet.
        if tree.carries(after) and tree.rows[source].outcome is not None and tree.rows[source].item_count is not None:
            return source, 0
    too_large = (row.request_bytes or 0) > MOST_SHOWN_BYTES
    return place, 0 if too_large else row.request_bytes or 0


def _blocks(tree: TalkTree, place: int) -> int:
    """How many blocks a request will show, about: what it added; a part of a transcript that is new as a whole."""
    row, parent = tree.rows[place], tree.parents[place]
    if row.item_count is None:
        return USUAL_BLOCKS
    if parent is None or not tree.carries(place):
        return min(row.item_count, BLOCKS // 4) + 1
    return max(1, row.item_count - (tree.rows[parent].item_count or row.item_count))
