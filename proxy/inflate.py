"""Copies of bodies without their content-encoding: gzip, deflate, br, zstd, also stacked; under limits, never raising.

The recorded bytes stay as they crossed the wire; these copies are what ``core`` parses and pages show.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol

import brotli
import zstandard

from core.errors import LimitExceededError
from core.exchange import Inflated, Taped, encodings

MAX_BYTES: Final = 64 << 20
"""Inflated bytes of one body (tape.md)."""
MAX_RATIO: Final = 100
"""Inflated bytes for each encoded byte (tape.md)."""
RATIO_FREE: Final = 1 << 20
"""Inflated bytes below which the ratio does not count: a short, repetitive answer is no bomb."""

_PIECE: Final = 1 << 20
_ZSTD_SLICE: Final = 1024
"""Encoded bytes given to zstd at a time: it knows no output limit, and four bytes can mean a block of 128 KB."""
_ZSTD_WINDOW: Final = 8 << 20
"""The largest window of the ``zstd`` coding (RFC 9659)."""


class _Budget:
    """How much one body may still inflate to."""

    def __init__(self) -> None:
        self._taken = 0
        self._given = 0

    def take(self, octets: int) -> None:
        self._taken += octets

    def give(self, octets: int) -> None:
        """Count inflated bytes. Raises LimitExceededError."""
        self._given += octets
        if self._given > MAX_BYTES:
            raise LimitExceededError("inflates to more than 64 MB")
        if self._given > max(RATIO_FREE, self._taken * MAX_RATIO):
            raise LimitExceededError("inflates to more than 100 times its size")


class _Decoder(Protocol):
    """One coding undone: pieces in, pieces of bounded size out. Raises what its library raises on bad bytes."""

    def feed(self, piece: bytes) -> Iterable[bytes]: ...

    @property
    def ended(self) -> bool: ...


class _Zlib:
    """gzip of any number of members (RFC 9110), and deflate with or without its zlib wrapper, as browsers accept."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._start = b""
        self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if gzip else None

    def feed(self, piece: bytes) -> Iterable[bytes]:
        if self._stream is None:
            self._start += piece
            if len(self._start) < 2:
                return
            piece, self._stream = self._start, zlib.decompressobj(wbits=_deflate_wbits(self._start))
        more = True
        while more:
            if self._stream.eof:
                if not self._gzip or piece[:1] != b"\x1f":
                    return  # padding behind the end is no part of the body
                self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            out = self._stream.decompress(piece, _PIECE)
            yield out
            piece = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            more = bool(piece) or len(out) == _PIECE

    @property
    def ended(self) -> bool:
        return self._stream is not None and self._stream.eof


def _deflate_wbits(start: bytes) -> int:
    wrapped = start[0] & 0x0F == 8 and (start[0] << 8 | start[1]) % 31 == 0
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    def feed(self, piece: bytes) -> Iterable[bytes]:
        if self.ended:
            return
        yield self._stream.process(piece, output_buffer_limit=_PIECE)
        while not self._stream.can_accept_more_data() and not self.ended:
            yield self._stream.process(b"", output_buffer_limit=_PIECE)

    @property
    def ended(self) -> bool:
        return bool(self._stream.is_finished())


class _Zstd:
    def __init__(self) -> None:
        self._library = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._frame = self._library.decompressobj()

    def feed(self, piece: bytes) -> Iterable[bytes]:
        for at in range(0, len(piece), _ZSTD_SLICE):
            rest = piece[at : at + _ZSTD_SLICE]
            while rest:
                if self._frame.eof:
                    self._frame = self._library.decompressobj()
                yield self._frame.decompress(rest)
                rest = self._frame.unused_data if self._frame.eof else b""

    @property
    def ended(self) -> bool:
        return self._frame.eof


_DECODERS: Mapping[str, Callable[[], _Decoder]] = {
    "gzip": lambda: _Zlib(gzip=True),
    "x-gzip": lambda: _Zlib(gzip=True),
    "deflate": lambda: _Zlib(gzip=False),
    "br": _Brotli,
    "zstd": _Zstd,
}
_BAD_BYTES = (zlib.error, brotli.error, zstandard.ZstdError)
_MAX_CODINGS: Final = 4

_Stages = list[tuple[_Decoder, _Budget]]


def inflate(taped: Taped) -> Inflated:
    """The inflated copies of a call's bodies, and how many bytes each response chunk gave.

    A body that breaks off or turns bad gives what could be decoded, and an error; one over the limits, or in a coding
    we do not know, gives none.
    """
    asked, said = encodings(taped.start.headers), encodings(taped.head.headers) if taped.head is not None else ()
    if not asked and not said:
        return Inflated()
    request, _, request_error = _undo(asked, [taped.request_body])
    response, sizes, response_error = _undo(said, _pieces(taped))
    errors = [f"{side}: {error}" for side, error in (("request", request_error), ("response", response_error)) if error]
    return Inflated(request, response, sizes, "; ".join(errors) or None)


def _pieces(taped: Taped) -> list[bytes]:
    """The response cut as it was received; bytes that no chunk accounts for count to the last."""
    pieces, at = [], 0
    for number, chunk in enumerate(taped.chunks, 1):
        end = at + chunk.size if number < len(taped.chunks) else len(taped.response_body)
        pieces.append(taped.response_body[at:end])
        at = end
    return pieces


def _undo(codings: tuple[str, ...], pieces: list[bytes]) -> tuple[bytes | None, tuple[int, ...] | None, str | None]:
    """The body without its codings, the bytes each piece gave, and what went wrong."""
    if not codings or not any(pieces):
        return None, None, None
    if len(codings) > _MAX_CODINGS or not all(coding in _DECODERS for coding in codings):
        return None, None, "unknown content-encoding"
    stages = [(_DECODERS[coding](), _Budget()) for coding in reversed(codings)]
    inflated, sizes, error = bytearray(), [], None
    try:
        for piece in pieces:
            before = len(inflated)
            error = error or _feed(piece, stages, inflated)
            sizes.append(len(inflated) - before)
    except LimitExceededError as exc:
        return None, None, str(exc)
    if error is None and not all(decoder.ended for decoder, _ in stages):
        error = "the encoded body breaks off"
    return bytes(inflated), tuple(sizes), error


def _feed(piece: bytes, stages: _Stages, into: bytearray) -> str | None:
    for _, budget in stages:
        budget.take(len(piece))
    try:
        for out in _through(piece, stages):
            into += out
    except _BAD_BYTES:
        return "the encoded body is damaged"
    return None


def _through(piece: bytes, stages: _Stages) -> Iterator[bytes]:
    """A piece through all stages. Each has its budget, so that no bomb hides between two of them."""
    if not stages:
        yield piece
        return
    decoder, budget = stages[0]
    for out in decoder.feed(piece):
        budget.give(len(out))
        yield from _through(out, stages[1:])
