"""A recorded stream chunk by chunk: when it came, its size, the events it completed, the text they carried.

And block by block: when each block of the answer was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.render import figures
from dashboard.render.secrets import Mask, masked
from dashboard.render.steps import Step

PAGE = 200
TEXT_SHOWN = 160
MOST_BARS = 100
"""Blocks of an answer that are drawn over time."""
WIDTH = 1000
_KINDS = {"thinking": "own", "redacted_thinking": "own", "tool_use": "send", "server_tool_use": "send"}


@dataclass(frozen=True, slots=True)
class ChunkLine:
    """One chunk. ``gap_us`` is the time since the chunk before; None for the first."""

    number: int
    at_us: int
    gap_us: int | None
    octets: int
    events: str
    text: str
    silence: bool
    """Whether the gap before it is at least a second."""


@dataclass(frozen=True, slots=True)
class BlockBar:
    """One block of the answer over time; ``x`` and ``width`` are thousandths of the stream, ``kind`` the fill."""

    name: str
    kind: str
    start_us: int
    length_us: int
    x: float
    width: float
    about: str


def lines(made: Sequence[Step], wire_sizes: Sequence[int], at_us: Sequence[int], first: int) -> list[ChunkLine]:
    """A page of chunks from number ``first`` (1-based); ``wire_sizes`` are parallel to ``at_us``."""
    begin, end = max(1, first), min(len(at_us), max(1, first) + PAGE - 1)
    here: dict[int, list[Step]] = {}
    for step in made:
        if begin - 1 <= step.chunk < end:
            here.setdefault(step.chunk, []).append(step)
    return [_line(number, here.get(number - 1, []), wire_sizes, at_us) for number in range(begin, end + 1)]


def secrets_in(made: Sequence[Step], shown: Sequence[ChunkLine]) -> int:
    """How many secrets are masked in these lines."""
    if not shown:
        return 0
    first, last = shown[0].number - 1, shown[-1].number - 1
    return len(set().union(*(step.secrets for step in made if first <= step.chunk <= last)))


def _line(number: int, here: Sequence[Step], wire_sizes: Sequence[int], at_us: Sequence[int]) -> ChunkLine:
    gap = at_us[number - 1] - at_us[number - 2] if number > 1 else None
    text = masked("".join(step.text for step in here), Mask())
    silence = gap is not None and gap >= 1_000_000
    shown = _shortened(text).replace("\n", "↵ ")
    return ChunkLine(number, at_us[number - 1], gap, wire_sizes[number - 1], _names(here), shown, silence)


def _names(here: Sequence[Step]) -> str:
    counts: dict[str, int] = {}
    for step in here:
        name = step.event.name or "(no name)"
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in counts.items())


def _shortened(text: str) -> str:
    return text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]}… ({len(text)} characters)"


def bars(made: Sequence[Step]) -> list[BlockBar]:
    """When each block of the answer was written: from its start to its last event."""
    if not made:
        return []
    zero, span = made[0].at_us, max(1, made[-1].at_us - made[0].at_us)
    drawn: list[BlockBar] = []
    for number, own in list(_blocks(made).items())[:MOST_BARS]:
        start, end = own[0].at_us, own[-1].at_us
        x = (start - zero) * WIDTH / span
        width = max(2.0, (end - start) * WIDTH / span)
        kind = next((step.block_type for step in own if step.block_type), "block")
        about = figures.plural(sum(len(step.text) for step in own), "character")
        deltas = figures.plural(sum(step.type == "content_block_delta" for step in own), "delta")
        x, width = round(min(x, WIDTH - width), 2), round(width, 2)
        drawn.append(
            BlockBar(
                f"{number + 1} {kind}",
                _KINDS.get(kind, "receive"),
                start,
                end - start,
                x,
                width,
                f"{about} in {deltas}",
            )
        )
    return drawn


def _blocks(made: Sequence[Step]) -> dict[int, list[Step]]:
    found: dict[int, list[Step]] = {}
    for step in made:
        if step.block is not None and step.type.startswith("content_block_"):
            found.setdefault(step.block, []).append(step)
    return found
