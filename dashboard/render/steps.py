"""The events of a recorded stream as steps: when each came, and the text it carried, with secrets masked.

A model writes a secret over many deltas, none of which shows it: secrets are looked for in the joined text of each
block, and what was found is masked in every delta that holds a part of it.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from core.redact import find_secrets
from core.sse import Event, decode
from dashboard.render.secrets import mark
from sql.rows.requests import ResponseBodyRow

CONTINUED = "⟦…⟧"
"""Stands in a delta that holds only a later part of a secret."""
_START, _DELTA = "content_block_start", "content_block_delta"
_NO_TEXT = frozenset({"type", "id", "name", "tool_use_id"})
_HIDDEN_EVENT = "⟦an event with a part of a secret is masked⟧"


@dataclass(slots=True)
class Piece:
    """A part of one text of a block: ``raw`` as it was sent, ``shown`` with its secrets masked."""

    raw: str
    shown: str


@dataclass(slots=True)
class Step:
    """One event; ``chunk`` (from 0) completed it at ``at_us``. ``secrets`` numbers those it has a part of."""

    event: Event
    chunk: int
    at_us: int
    type: str = ""
    block: int | None = None
    block_type: str | None = None
    """What kind of block it starts."""
    pieces: list[Piece] = field(default_factory=list)
    secrets: set[int] = field(default_factory=set)
    unreadable: bool = False

    @property
    def text(self) -> str:
        """The text it carried, masked."""
        return "".join(piece.shown for piece in self.pieces)


def steps_of(kept: ResponseBodyRow) -> list[Step]:
    """The events of a recorded stream, inflated where it was encoded, and when each came."""
    body = kept.raw if kept.decoded is None else kept.decoded
    sizes = kept.chunk_sizes if kept.decoded is None else kept.decoded_sizes or [len(body)]
    return steps(body, list(accumulate(sizes)), kept.chunk_at_us)


def steps(body: bytes, ends: Sequence[int], at_us: Sequence[int]) -> list[Step]:
    """Every event of a stream; ``ends`` are the bytes up to the end of each chunk, ``at_us`` is parallel to it."""
    reader = _Reader()
    made: list[Step] = []
    for event in decode(body):
        chunk = min(bisect_left(ends, event.end), len(at_us) - 1) if at_us else 0
        step = Step(event, chunk, at_us[chunk] if at_us else 0)
        reader.read(step)
        made.append(step)
    reader.mask()
    return made


class _Reader:
    """Reads what events carry and knows which text of which block each piece belongs to."""

    def __init__(self) -> None:
        self._open: int | None = None
        self._texts: dict[tuple[int | None, str], list[tuple[Step, Piece]]] = {}

    def read(self, step: Step) -> None:
        try:
            payload = step.event.payload()
        except ValueError:
            step.unreadable = True
            return
        step.type = payload["type"] if isinstance(payload.get("type"), str) else ""
        index = payload.get("index")
        step.block = index if type(index) is int else self._open
        if step.type == _START:
            self._start(step, payload.get("content_block"))
        elif step.type == _DELTA:
            self._texts_of(step, payload.get("delta"))

    def mask(self) -> None:
        """Mask every secret in the pieces that hold it."""
        number = 0
        for parts in self._texts.values():
            joined = "".join(piece.raw for _, piece in parts)
            spans = find_secrets(joined)
            if spans:
                _mask(parts, joined, spans, number)
                number += len(spans)

    def _start(self, step: Step, block: Any) -> None:
        self._open = step.block
        if isinstance(block, dict):
            step.block_type = block["type"] if isinstance(block.get("type"), str) else None
            self._texts_of(step, block)

    def _texts_of(self, step: Step, given: Any) -> None:
        if not isinstance(given, dict):
            return
        for name, value in given.items():
            if isinstance(value, str) and value and name not in _NO_TEXT:
                self._carry(step, name, value)

    def _carry(self, step: Step, name: str, value: str) -> None:
        piece = Piece(value, value)
        step.pieces.append(piece)
        self._texts.setdefault((step.block, name), []).append((step, piece))


def _mask(parts: Sequence[tuple[Step, Piece]], joined: str, spans: Sequence[tuple[int, int]], number: int) -> None:
    offset, span = 0, 0
    for step, piece in parts:
        end = offset + len(piece.raw)
        out, position = [], offset
        while span < len(spans) and spans[span][0] < end:
            start, stop = spans[span]
            out.append(joined[position : max(start, position)])
            out.append(mark(joined[start:stop]) if start >= offset else CONTINUED)
            step.secrets.add(number + span)
            position = min(stop, end)
            if stop > end:
                break
            span += 1
        piece.shown = "".join([*out, joined[position:end]])
        offset = end


def as_it_came(body: bytes, made: Sequence[Step]) -> str:
    """The text of a stream with the secrets masked that are spread over its events. Others are left to the caller."""
    return "".join(_regions(body, made))


def _regions(body: bytes, made: Sequence[Step]) -> Iterator[str]:
    done, some = 0, any(step.secrets for step in made)
    for before, step in zip([None, *made], made, strict=False):
        start = before.event.end if before is not None else 0
        if not step.secrets and not (some and step.unreadable):
            continue
        yield body[done:start].decode("utf-8", "replace")
        # Where a stream broke off, half an event may hold the rest of a secret.
        region = body[start : step.event.end].decode("utf-8", "replace")
        yield f"{_HIDDEN_EVENT}\n" if step.unreadable else _region(region, step.pieces)
        done = step.event.end
    yield body[done:].decode("utf-8", "replace")


def _region(text: str, pieces: Sequence[Piece]) -> str:
    for piece in pieces:
        if piece.raw == piece.shown:
            continue
        written = next((form for form in _spellings(piece.raw) if form in text), None)
        if written is None:
            return f"{_HIDDEN_EVENT}\n"
        text = text.replace(written, json.dumps(piece.shown, ensure_ascii=False))
    return text


def _spellings(raw: str) -> Iterator[str]:
    yield json.dumps(raw, ensure_ascii=False)
    yield json.dumps(raw)
