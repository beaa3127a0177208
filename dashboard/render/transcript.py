"""What each request of a stretch added to the talk, cut out of one transcript by the counts of its items."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from core.normal_form import ASSISTANT, Normaliser
from dashboard.render import json_view


@dataclass(frozen=True, slots=True)
class Piece:
    """One block of a transcript and where it stands there (message and block, from 0)."""

    role: str
    block: Any
    message: int
    position: int

    @property
    def place(self) -> str:
        """Its place, as pictures are asked for."""
        return f"m{self.message}.{self.position}"


@dataclass(frozen=True, slots=True)
class Transcript:
    """The blocks of a request body; ``counts`` are the items up to and with each block."""

    pieces: Sequence[Piece]
    counts: Sequence[int]
    calls: dict[str, str]
    """Name of the tool behind each tool_use id."""

    @property
    def items(self) -> int:
        """Items of all of it."""
        return self.counts[-1] if self.counts else 0

    def between(self, after: int, upto: int | None) -> Sequence[Piece]:
        """The blocks behind so many items, up to so many; without ``upto`` to the end."""
        start = bisect_right(self.counts, after)
        end = len(self.pieces) if upto is None else bisect_right(self.counts, upto)
        # What the model thought before the next item belongs to the answer that follows.
        while upto is not None and end > start and self._is_thought(end - 1):
            end -= 1
        return self.pieces[start:end]

    def _is_thought(self, at: int) -> bool:
        """Whether a block is the model's and no item."""
        before = self.counts[at - 1] if at else 0
        return self.pieces[at].role == ASSISTANT and self.counts[at] == before


def read(body: bytes) -> Transcript | None:
    """The transcript in a request body; None where it has none."""
    try:
        sent = _parsed(body)
    except ValueError:
        return None
    messages = sent.get("messages") if isinstance(sent, dict) else None
    if not isinstance(messages, list):
        return None
    normaliser = Normaliser()
    pieces, counts, calls, count = [], [], {}, 0
    for number, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        content = message.get("content") if isinstance(message, dict) else message
        for position, block in enumerate(content if isinstance(content, list) else [content]):
            if role in ("user", ASSISTANT):
                given = block if isinstance(block, str) else [block]
                count += sum(1 for _ in normaliser.content(role, given))
            pieces.append(Piece(role if isinstance(role, str) else "unknown role", block, number, position))
            counts.append(count)
            if isinstance(block, dict) and isinstance(block.get("id"), str) and isinstance(block.get("name"), str):
                calls[block["id"]] = block["name"]
    return Transcript(pieces, counts, calls)


def without_answer(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The blocks without those of the model at their beginning: the answer before, which came back as history."""
    start = next((at for at, piece in enumerate(pieces) if piece.role != ASSISTANT), len(pieces))
    return pieces[start:]


def behind_last_answer(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The blocks behind the last one that the model wrote."""
    last = max((at for at, piece in enumerate(pieces) if piece.role == ASSISTANT), default=-1)
    return pieces[last + 1 :]


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json_view.plain(body)
