"""Pictures known by their bytes, never by what somebody says they are. SVG is not a picture: it is a program."""

import binascii
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ENOUGH_FOR_A_HEAD = 64 * 1024
"""Base64 characters looked at for type and dimensions; a JPEG may carry that much before its frame."""

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Picture:
    """What the first bytes of an image say. Width and height are None where they are not among those bytes."""

    content_type: str
    width: int | None
    height: int | None


def recognised(content: bytes) -> Picture | None:
    """The picture these bytes begin, or None when they are none we show."""
    for matches, content_type, dimensions in _KINDS:
        if matches(content):
            width, height = dimensions(content) or (None, None)
            return Picture(content_type, width, height)
    return None


def head_of(data: Any) -> bytes:
    """The first bytes of base64 data; empty when it is not base64."""
    return decoded(data[:ENOUGH_FOR_A_HEAD]) if isinstance(data, str) else b""


def decoded(data: str) -> bytes:
    """The bytes of base64 data; empty when it is not base64."""
    try:
        return b64decode(data[: len(data) - len(data) % 4] if "\n" not in data else data, validate="\n" not in data)
    except (binascii.Error, ValueError):
        return b""


def _png(content: bytes) -> tuple[int, int] | None:
    if len(content) < 24:
        return None
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def _gif(content: bytes) -> tuple[int, int] | None:
    if len(content) < 10:
        return None
    return int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")


def _webp(content: bytes) -> tuple[int, int] | None:
    if content[12:16] == b"VP8X" and len(content) >= 30:
        return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
    if content[12:16] == b"VP8 " and len(content) >= 30:
        return (
            int.from_bytes(content[26:28], "little") & 0x3FFF,
            int.from_bytes(content[28:30], "little") & 0x3FFF,
        )
    if content[12:16] == b"VP8L" and len(content) >= 25:
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _jpeg(content: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if marker in _JPEG_FRAMES:
            height, width = content[position + 5 : position + 7], content[position + 7 : position + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        position += 2 + max(2, int.from_bytes(content[position + 2 : position + 4], "big"))
    return None


_Dimensions = Callable[[bytes], tuple[int, int] | None]
_KINDS: tuple[tuple[Callable[[bytes], bool], str, _Dimensions], ...] = (
    (lambda content: content.startswith(b"\x89PNG\r\n\x1a\n"), "image/png", _png),
    (lambda content: content.startswith(b"\xff\xd8\xff"), "image/jpeg", _jpeg),
    (lambda content: content[:6] in {b"GIF87a", b"GIF89a"}, "image/gif", _gif),
    (lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP", "image/webp", _webp),
)
