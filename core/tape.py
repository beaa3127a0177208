"""The frame format of the tape: encode, decode, find the way back after damage. Bytes only.

A frame is a header of 44 bytes, little-endian, and its payload::

    magic u32 | version u8 | kind u8 | flags u16 | length u32
    request id 16 B | sequence u32 | monotonic µs u64 | crc u32

The CRC-32C covers the header before it and the payload, and is seeded with the segment's id: a frame that was left
over in a recycled segment, or that a client smuggled into a body, never passes for one of this segment.
"""

from enum import IntEnum
from struct import Struct
from typing import NamedTuple
from uuid import UUID

import google_crc32c

MAGIC = 0xF8_50_46_F7
"""On disk ``f7 46 50 f8``: neither outer byte ever occurs in UTF-8, so no JSON body looks like a frame."""
VERSION = 1
MAX_PAYLOAD = 256 * 1024
"""Bytes. Larger bodies are several frames: nothing large is ever held."""
PREALLOCATED = 0x0001
"""Flag: the segment was longer than what is written from its first moment, so other bytes lie behind its tail."""
KNOWN_FLAGS = PREALLOCATED

_BEFORE_CRC = Struct("<IBBHI16sIQ")
_HEADER = Struct("<QI16sIQI")
"""Magic, version, kind and flags as one number: a table says what it means."""
_CRC = Struct("<I")
# Once a piece of every answer:
_before_crc, _crc_bytes, _extend = _BEFORE_CRC.pack, _CRC.pack, google_crc32c.extend
_header_at, _new = _HEADER.unpack_from, tuple.__new__
HEADER_SIZE = _HEADER.size
_CRC_AT = HEADER_SIZE - _CRC.size
MAX_FRAME = HEADER_SIZE + MAX_PAYLOAD
_MAGIC_BYTES = MAGIC.to_bytes(4, "little")


class Kind(IntEnum):
    """What a frame says of its request."""

    START = 1
    BODY = 2
    HEAD = 3
    CHUNK = 4
    END = 5


METADATA = frozenset({Kind.START, Kind.HEAD, Kind.END})
"""Kinds whose payload is small and of ours; the others carry raw bytes of the client or the upstream."""
_MEANT = {
    int.from_bytes(_before_crc(MAGIC, VERSION, kind, flags, 0, b"", 0, 0)[:8], "little"): (kind, flags)
    for kind in Kind
    for flags in range(KNOWN_FLAGS + 1)
}
"""Kind and flags of the headers that this version knows; any other is none."""


class Frame(NamedTuple):
    """A whole frame whose CRC was right. A tuple, because a busy tape makes very many of them."""

    kind: Kind
    request_id: bytes
    sequence: int
    """Counts the frames of one request from 0."""
    mono_us: int
    payload: bytes
    segment: UUID
    """The one it stands in."""
    offset: int
    """Of the header, in bytes from the beginning of the segment."""
    length: int
    """Of header and payload together."""
    flags: int = 0


class Skipped(NamedTuple):
    """Bytes between two whole frames that are no frame: damage."""

    offset: int
    length: int


def seed_of(segment: UUID) -> int:
    """The CRC seed of a segment."""
    seed: int = google_crc32c.value(segment.bytes)
    return seed


def encode(
    kind: int, request_id: bytes, sequence: int, mono_us: int, payload: bytes, seed: int, flags: int = 0
) -> bytes:
    """The header of a frame; the payload is written right behind it and is not copied.

    Raises ValueError where the payload is over MAX_PAYLOAD or the id is not 16 bytes.
    """
    length = len(payload)
    if length > MAX_PAYLOAD or len(request_id) != 16:
        raise ValueError("a frame takes a request id of 16 bytes and a payload of at most 256 KiB")
    head = _before_crc(MAGIC, VERSION, kind, flags, length, request_id, sequence, mono_us)
    return head + _crc_bytes(_extend(_extend(seed, head), payload))


def written_us(header: bytes) -> int | None:
    """The monotonic microseconds in a header; None where these bytes begin no frame."""
    if len(header) < HEADER_SIZE or not header.startswith(_MAGIC_BYTES):
        return None
    mono_us: int = _header_at(header)[4]
    return mono_us


def payload_at(data: bytes, at: int, length: int, seed: int) -> bytes | None:
    """The payload of the frame of ``length`` bytes that begins at ``at``; None where these bytes are no whole frame."""
    if length < HEADER_SIZE or len(data) < at + length:
        return None
    meant, size, _, _, _, crc = _header_at(data, at)
    payload = data[at + HEADER_SIZE : at + length]
    whole = meant in _MEANT and size == len(payload) and _crc(seed, data[at : at + _CRC_AT], payload) == crc
    return payload if whole else None


def _crc(seed: int, head: bytes, payload: bytes) -> int:
    crc: int = _extend(_extend(seed, head), payload)
    return crc


class Decoder:
    """Frames out of the bytes of one segment, whatever pieces they come in.

    ``feed`` gives each whole frame once. At a frame that is not whole yet it waits. Where the bytes are no frame it
    looks for the next one and reports what lies between as one ``Skipped``, as soon as that next frame is there.
    ``finish`` says that no more bytes come.
    Each byte is copied and searched once; only a damaged place full of forged headers costs more (one CRC a header).
    """

    __slots__ = ("_buffer", "_have", "_lost_at", "_need", "_offset", "_parts", "_resync", "_seed", "_segment")

    def __init__(self, segment: UUID, offset: int = 0, *, resync: bool = True) -> None:
        """``offset`` is where in the segment the first byte fed lies.

        Without ``resync`` the first bytes that are no frame are the end of the tape (``lost_at``), and nothing behind
        them is looked at: so a recycled segment reads while it is written.
        """
        self._resync = resync
        self._segment = segment
        self._seed = seed_of(segment)
        self._buffer = b""
        self._parts: list[bytes] = []
        """What came behind the buffer: joined only when a frame may be whole."""
        self._have = 0
        """Bytes of both."""
        self._offset = offset
        self._lost_at: int | None = None
        self._need = HEADER_SIZE

    @property
    def offset(self) -> int:
        """Of the first byte not decided yet: everything before it is reported, or is part of a damage."""
        return self._offset

    @property
    def fed(self) -> int:
        """Where in the segment the next byte to feed lies."""
        return self._offset + self._have

    @property
    def lost_at(self) -> int | None:
        """Where damage began whose end was not found yet."""
        return self._lost_at

    def feed(self, data: bytes) -> list[Frame | Skipped]:
        """The frames, and the damage between frames, that these bytes complete."""
        found: list[Frame | Skipped] = []
        if self._lost_at is not None and not self._resync:
            self._offset += len(data)
            return found
        self._parts.append(data)
        self._have += len(data)
        if self._have >= self._need:
            self._scan(found, final=False)
        return found

    def finish(self) -> list[Frame | Skipped]:
        """What is left when the segment has no more bytes.

        A torn tail (the beginning of a frame, nothing behind it) is normal and is not reported: it begins at
        ``offset``.
        """
        found: list[Frame | Skipped] = []
        self._scan(found, final=True)
        if self._lost_at is not None:
            found.append(Skipped(self._lost_at, self.fed - self._lost_at))
            self._drop(self._have)
            self._lost_at = None
        return found

    def rewind(self) -> int:
        """Forget the bytes that are not decided yet and give the offset to feed again from.

        For readers that run beside the writer: it may cut a torn tail off and write something else there.
        """
        self._buffer, self._have = b"", 0
        self._parts.clear()
        self._need = HEADER_SIZE
        return self._offset

    def _scan(self, found: list[Frame | Skipped], *, final: bool) -> None:
        position, need, buffer = 0, HEADER_SIZE, self._joined()
        torn_at: tuple[int, int | None] | None = None
        while True:
            frames = self._whole(position)
            if frames:
                if self._lost_at is not None:
                    found.append(Skipped(self._lost_at, frames[0].offset - self._lost_at))
                    self._lost_at = None
                found += frames
                position = frames[-1].offset + frames[-1].length - self._offset
                torn_at = None
            end = self._begun(position)
            if end is not None:
                if not final:
                    need = end
                    break
                torn_at = torn_at or (position, self._lost_at)
                if position >= len(buffer):
                    break
            if self._lost_at is None:
                self._lost_at = self._offset + position
            if not self._resync:
                position = len(buffer)
                break
            position = _next_magic(buffer, position + 1)
        if torn_at is not None:
            position, self._lost_at = torn_at
        self._drop(position)
        self._need = max(need - position, HEADER_SIZE)

    def _joined(self) -> bytes:
        parts = [self._buffer, *self._parts] if self._buffer else self._parts
        # A block that begins with a frame, as nearly every one does, is not copied.
        self._buffer = parts[0] if len(parts) == 1 else b"".join(parts)
        self._parts.clear()
        return self._buffer

    def _whole(self, at: int) -> list[Frame]:
        """The whole frames that stand there one behind the other."""
        # Here a recorder reads every byte there ever was, so this is one loop without a call of ours in it.
        buffer, last, seed, segment, base = self._buffer, len(self._buffer), self._seed, self._segment, self._offset
        frames: list[Frame] = []
        while at + HEADER_SIZE <= last:
            meant, length, request_id, sequence, mono_us, crc = _header_at(buffer, at)
            payload_at = at + HEADER_SIZE
            end = payload_at + length
            said = _MEANT.get(meant)
            if said is None or length > MAX_PAYLOAD or end > last:
                break
            payload = buffer[payload_at:end]
            if _extend(_extend(seed, buffer[at : at + _CRC_AT]), payload) != crc:
                break
            place = (segment, base + at, end - at)
            frames.append(_new(Frame, (said[0], request_id, sequence, mono_us, payload, *place, said[1])))
            at = end
        return frames

    def _begun(self, at: int) -> int | None:
        """How many buffered bytes it takes to tell whether a frame begins there; None where none does."""
        buffer = self._buffer
        if len(buffer) - at < HEADER_SIZE:
            return at + HEADER_SIZE if _MAGIC_BYTES.startswith(buffer[at : at + 4]) else None
        meant, length, *_ = _header_at(buffer, at)
        end: int = at + HEADER_SIZE + length
        # One that is all there and was not found whole is none.
        return end if meant in _MEANT and length <= MAX_PAYLOAD and end > len(buffer) else None

    def _drop(self, count: int) -> None:
        self._buffer = self._buffer[count:]
        self._have -= count
        self._offset += count


def _next_magic(buffer: bytes, position: int) -> int:
    """Where from ``position`` on the next frame may begin; the end of the buffer, or the part of a magic before it."""
    found = buffer.find(_MAGIC_BYTES, position)
    if found >= 0:
        return found
    for kept in (3, 2, 1):
        if len(buffer) - kept >= position and buffer.endswith(_MAGIC_BYTES[:kept]):
            return len(buffer) - kept
    return max(len(buffer), position)
