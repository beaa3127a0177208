"""Playing a recorded stream again with its timing, as server-sent events.

Events are numbered from 1, the number is the ``id``: a reader that lost its connection goes on behind the last one it
has. What is played is either every recorded event as it was, or only what a page draws of it (secrets masked, hidden
characters spelled out). It ends with ``event: replay_end``, so that an end is told from a broken connection.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import web

from dashboard.open_streams import OpenStreams
from dashboard.render.hidden import spelled
from dashboard.render.steps import Step

HEARTBEAT_SECONDS = 5.0
"""In a silence a comment goes out so often; that is also how soon a reader who left is noticed."""
WRITE_SECONDS = 30.0
"""A reader that takes nothing for so long is given up."""
HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes to send at a time of the recording, in microseconds."""

    at_us: int
    octets: bytes


def exact(made: Sequence[Step], after: int) -> list[Frame]:
    """The recorded events behind number ``after``, each with its name and data as they were."""
    return [Frame(step.at_us, _as_recorded(number, step)) for number, step in _numbered(made, after)]


def drawn(made: Sequence[Step], after: int) -> list[Frame]:
    """What a page draws of the events behind number ``after``."""
    return [Frame(step.at_us, _as_drawn(number, step)) for number, step in _numbered(made, after)]


def ending(made: Sequence[Step], outcome: str | None) -> bytes:
    """The last event of a replay: how many there were, and how the recorded call ended."""
    data = orjson.dumps({"events": len(made), "outcome": outcome, "at_us": made[-1].at_us if made else None})
    return b"event: replay_end\ndata: " + data + b"\n\n"


def _numbered(made: Sequence[Step], after: int) -> list[tuple[int, Step]]:
    return [(number, step) for number, step in enumerate(made, 1) if number > after]


def _as_recorded(number: int, step: Step) -> bytes:
    name = f"event: {step.event.name}\n" if step.event.name else ""
    head = f"id: {number}\n{name}".encode("utf-8", "replace")
    return head + b"".join(b"data: " + line + b"\n" for line in step.event.data.split(b"\n")) + b"\n"


def _as_drawn(number: int, step: Step) -> bytes:
    said = {
        "at_us": step.at_us,
        "name": spelled(step.event.name)[:100],
        "block": step.block,
        "block_type": None if step.block_type is None else spelled(step.block_type)[:100],
        "text": spelled(step.text),
    }
    return f"id: {number}\nevent: step\ndata: ".encode() + orjson.dumps(said) + b"\n\n"


class Player:
    """Sends frames to one reader at the speed asked for."""

    def __init__(self, response: web.StreamResponse, streams: OpenStreams, speed: float) -> None:
        self._response = response
        self._streams = streams
        self._speed = speed

    async def play(self, frames: Sequence[Frame], last: bytes) -> None:
        """Send each frame when it is due, then ``last``. Returns early where the reader left or the process stops."""
        clock = asyncio.get_running_loop().time
        began, zero = clock(), frames[0].at_us if frames else 0
        try:
            for at_us, octets in _together(frames):
                due = began + (at_us - zero) / 1e6 / self._speed
                while (left := due - clock()) > 0:
                    if await self._streams.stopped_within(min(left, HEARTBEAT_SECONDS)):
                        return
                    if due - clock() > 0:
                        await self._write(b": \n\n")
                await self._write(octets)
            await self._write(last)
        except (ConnectionError, TimeoutError):
            # The reader left, or takes nothing: there is nobody to tell.
            return

    async def _write(self, octets: bytes) -> None:
        async with asyncio.timeout(WRITE_SECONDS):
            await self._response.write(octets)


def _together(frames: Sequence[Frame]) -> list[tuple[int, bytes]]:
    """Frames of one moment in one piece, as they came."""
    made: list[tuple[int, list[bytes]]] = []
    for frame in frames:
        if made and made[-1][0] == frame.at_us:
            made[-1][1].append(frame.octets)
        else:
            made.append((frame.at_us, [frame.octets]))
    return [(at_us, b"".join(parts)) for at_us, parts in made]
